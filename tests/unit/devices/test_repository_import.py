from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.javascript import Sandbox
from devices.model import Uplink
from devices.profiles import load_profiles
from devices.proposal import Proposal, propose
from devices.repository_import import import_repository

CODEC = """\
uplinkDecoder:
  fileName: tub.js
  examples:
    - description: half full
      input: {fPort: 2, bytes: [0x0b, 0xb8, 0x02, 0xee]}
      output: {data: {BatV: 3.0, Distance: 750 mm, TempC_SHT: 11.5}}
    - description: another port
      input: {fPort: 42, bytes: [0]}
      output: {errors: [unknown FPort]}
"""
SCRIPT = """
function decodeUplink(input) {
  if (input.fPort != 2) { return {errors: ["unknown FPort"]}; }
  var b = input.bytes;
  return {data: {BatV: (b[0] << 8 | b[1]) / 1000, Distance: (b[2] << 8 | b[3]) + " mm", TempC_SHT: 11.5}};
}
"""
DEVICE = "firmwareVersions:\n  - profiles:\n      EU863-870:\n        codec: tub-codec\n"
CHIRPSTACK = """\
[
\t{
\t\t"name": "one", // hexadecimal numbers and comments stand in these files
\t\t"input": {"fPort": 0x02, "bytes": [0x5f]},
\t\t"expected": {"data": {"air": {"co2": {"displayName": "CO2", "unit": "ppm", "value": 950}}}}
\t}
]
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    one = Sandbox()
    yield one
    one.close()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    things = tmp_path / "repository" / "vendor" / "acme"
    things.mkdir(parents=True)
    (things / "tub-codec.yaml").write_text(CODEC)
    (things / "tub.js").write_text(SCRIPT)
    (things / "tub-large.yaml").write_text(DEVICE)
    (things / "lost-codec.yaml").write_text("uplinkDecoder: {fileName: ../../../etc/passwd}\n")
    (things / "broken-codec.yaml").write_text("uplinkDecoder: [\n")
    stack = tmp_path / "repository" / "vendors" / "acme" / "codecs"
    stack.mkdir(parents=True)
    (stack / "test_decode_nose.json").write_text(CHIRPSTACK)
    (stack / "nose.js").write_text(
        "function decodeUplink(i) { return {data: {air: {co2: {displayName: 'CO2', unit: 'ppm', value: 950}}}}; }"
    )
    return tmp_path / "repository"


def test_a_repository_becomes_profiles_that_run_the_vendors_scripts(
    repository: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    into = tmp_path / "profiles"
    imported = {one.key: one for one in import_repository(repository, into, sandbox)}
    assert {key: (one.passed, one.failed) for key, one in imported.items() if one.profile} == {
        "acme/tub": (2, []),
        "acme/nose": (1, []),
    }
    assert "is not there" in imported["acme/lost"].reason
    assert "line 2" in imported["acme/broken"].reason
    profiles = load_profiles(into, sandbox=sandbox)
    assert profiles["acme/tub"] is profiles["acme/tub-large"]
    decoded = profiles["acme/tub-large"].decode(Uplink(raw=bytes.fromhex("0bb802ee"), port=2))
    assert {reading.property: reading.value for reading in decoded.readings} == {
        "battery_voltage": 3.0,
        "distance": 75.0,
        "bin_temperature": 11.5,
    }
    assert decoded.refused == []
    assert profiles["acme/nose"].domain == "air"


def test_an_example_that_does_not_run_as_published_is_reported(
    repository: Path, tmp_path: Path, sandbox: Sandbox
) -> None:
    script = repository / "vendor" / "acme" / "tub.js"
    script.write_text(SCRIPT.replace("input.fPort != 2", "input.fPort != 3"))
    imported = {one.key: one for one in import_repository(repository, tmp_path / "profiles", sandbox)}
    assert imported["acme/tub"].failed == ["half full: the vendor's decoder says: unknown FPort"]


@pytest.mark.parametrize(
    ("field", "value", "proposal"),
    [
        ("TempC_SHT", 21.5, ("air_temperature", "Cel")),
        ("airHumidity", 40, ("relative_humidity", "%")),
        ("battery", 92, ("battery", "%")),
        ("battery", 3.6, ("battery_voltage", "V")),
        ("batteryVoltage", 3061, ("battery_voltage", "mV")),
        ("distance1_cm", 79.2, ("distance", "cm")),
        ("pm2_5", 12, ("pm2_5", "ug/m3")),
        ("PM10", 12, ("pm10", "ug/m3")),
        ("pressure", 100246, ("air_pressure", "Pa")),
        ("fillinglvl", 93, ("fill_level", "%")),
        ("distance", 750, None),
        ("temperature_alarm", 1, None),
        ("TempChange", 0.5, None),
        ("mac", "ecda3b1eaaaf", None),
        ("frame_counter", 3, None),
    ],
)
def test_a_field_is_proposed_only_where_name_and_size_leave_no_doubt(
    field: str, value: object, proposal: tuple[str, str] | None
) -> None:
    expected = [] if proposal is None else [Proposal(field, *proposal)]
    assert propose([{field: value}]) == expected
