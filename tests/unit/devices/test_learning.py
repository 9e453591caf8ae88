"""Profiles proposed from messages: what comes out can be loaded, and reads the message it came from."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from citywatch.cli.devices import app
from devices.envelopes import ENVELOPES
from devices.examples import try_example
from devices.javascript import Sandbox
from devices.learning import learn
from devices.model import DecodeError
from devices.profiles import load_profile

NESTED = b'{"data": {"temp": 21.5, "hum": 40, "PM25": 12}, "battery": 3.6, "fw": "1.2"}'
PACK = b'[{"bn": "urn:dev:x:", "n": "temperature", "u": "Cel", "v": 21.5}, {"n": "humidity", "u": "%RH", "v": 40}]'
UPLINK = json.dumps(
    {
        "end_device_ids": {"device_id": "a"},
        "uplink_message": {"f_port": 2, "decoded_payload": {"distance_mm": 460, "batV": 3.6}, "frm_payload": "AQ=="},
    }
).encode()


@pytest.mark.parametrize(
    ("sample", "envelope", "readings"),
    [
        pytest.param(
            NESTED,
            "native",
            {"air_temperature": 21.5, "relative_humidity": 40, "pm2_5": 12, "battery_voltage": 3.6},
            id="nested JSON",
        ),
        pytest.param(UPLINK, "tts_v3", {"distance": 46, "battery_voltage": 3.6}, id="The Things Stack"),
    ],
)
def test_what_is_proposed_reads_the_message_it_came_from(
    tmp_path: Path, sample: bytes, envelope: str, readings: dict[str, float]
) -> None:
    learned = learn([sample], "acme", "new-1")
    assert learned.document["envelope"] == envelope
    path = tmp_path / "new-1.yaml"
    path.write_text(learned.as_yaml())
    profile = load_profile(path, Sandbox())
    decoded = profile.decode(ENVELOPES[envelope](sample))
    assert {one.property: one.value for one in decoded.readings} == pytest.approx(readings)
    assert set(profile.limits) == set(readings)
    (example,) = profile.examples
    assert example.readings == pytest.approx(readings)
    assert try_example(profile, example) is None


def test_each_proposal_says_why() -> None:
    message = (
        b'{"bat": 3600, "distance_mm": 460, "temp": 21.5, "pm25": {"value": 12, "unit": "ug/m3"}, "occupied": true}'
    )
    assert learn([message], "acme", "new-1").reasons == {
        "bat": "its name has 'bat'; unit mV: by its size, 3600",
        "distance_mm": "its name has 'distance'; unit mm: its name says so",
        "temp": "its name has 'temp'; unit Cel: usual for it, as none is stated;"
        " of the bin, as the same device measures how full it is",
        "pm25.value": "its name has 'pm25'; unit ug/m3: the message states it",
        "occupied": "its name has 'occupied'; yes or no",
    }


def test_what_is_not_mapped_is_named() -> None:
    assert learn([NESTED], "acme", "new-1").left_out == {"fw": "'1.2'"}


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        pytest.param([], "no sample", id="nothing"),
        pytest.param([b"\xff\xff"], "needs a codec", id="bytes"),
        pytest.param([b'{"a": 1}'], "none of its fields is known as an observed property: a", id="unknown"),
        pytest.param([b'{"a": '], "JSON", id="cut short"),
    ],
)
def test_what_cannot_be_learnt_from_says_why(samples: list[bytes], reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        learn(samples, "acme", "new-1")


def test_the_command_writes_a_profile_that_loads(tmp_path: Path) -> None:
    sample = tmp_path / "sample.json"
    sample.write_bytes(NESTED)
    arguments = ["learn", str(sample), "--as", "acme/bin-1", "--into", str(tmp_path)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert load_profile(tmp_path / "acme/bin-1.yaml", Sandbox()).key == "acme/bin-1"
    again = CliRunner().invoke(app, arguments)
    assert "is there already" in str(again.exception)
    assert "or --device" in str(CliRunner().invoke(app, ["learn"]).exception)
