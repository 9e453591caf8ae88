import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devices.envelopes import ENVELOPES
from devices.envelopes.senml import resolve
from devices.model import DecodeError, RefuseReason
from devices.profiles import BUILTIN, load_profiles

PAIRS = ["ex1", "ex3", "ex5", "ex7", "ex9", "ex11"]
PROFILE = load_profiles(BUILTIN)["citywatch/air-senml"]
NOW = datetime(2026, 3, 1, 7, 5, tzinfo=UTC)


def senml(text: str) -> bytes:
    return text.encode()


@pytest.mark.parametrize("name", PAIRS)
def test_the_paired_packs_of_the_standard_resolve_record_for_record(shared_data: Path, name: str) -> None:
    folder = shared_data / "payloads" / "senml"
    pack = json.loads((folder / f"{name}.json").read_text())
    expected = json.loads((folder / f"{name}.gen.resolved.json").read_text())
    now = datetime.fromtimestamp(expected[0]["t"], UTC)
    resolved = [record for record in resolve(pack, now) if "vd" not in record]  # the pair of ex7 leaves its vd out
    assert len(resolved) == len(expected)
    for record, wanted in zip(resolved, expected, strict=True):
        assert record.keys() == wanted.keys()
        for key, value in wanted.items():
            assert record[key] == (pytest.approx(value, rel=1e-12) if isinstance(value, float) else value)


def test_cbor_says_the_same_as_json(shared_data: Path) -> None:
    folder = shared_data / "payloads" / "senml"
    dump = (folder / "ex3.gen.cbor.hex").read_text().splitlines()
    payload = bytes.fromhex("".join(line.partition("|")[0][5:] for line in dump))
    assert ENVELOPES["senml_cbor"](payload) == ENVELOPES["senml_json"]((folder / "ex3.json").read_bytes())


def test_base_fields_stay_until_replaced_and_relative_times_count_from_now() -> None:
    pack = json.loads(
        '[{"bn":"urn:dev:x:","bt":1700000000,"bu":"Cel","n":"t","v":21},'
        '{"n":"rh","u":"%RH","v":40,"t":10},{"n":"t","v":22,"t":-60},{"bt":0,"n":"t","v":23,"t":-5}]'
    )
    assert [(record["n"], record["u"], record["v"], record["t"]) for record in resolve(pack, NOW)] == [
        ("urn:dev:x:t", "Cel", 21, 1700000000),
        ("urn:dev:x:rh", "%RH", 40, 1700000010),
        ("urn:dev:x:t", "Cel", 22, 1699999940),
        ("urn:dev:x:t", "Cel", 23, NOW.timestamp() - 5),
    ]


def test_properties_units_and_identity_come_out_of_a_pack() -> None:
    pack = (
        '[{"bn":"urn:dev:citywatch:air-7:","n":"air_temperature","u":"K","v":300},'
        '{"n":"no2","u":"ppb","v":50,"t":-60},{"n":"pm2_5","u":"furlong","v":1},{"n":"label","vs":"roof"}]'
    )
    uplink = ENVELOPES["native"](senml(pack))
    assert uplink.device_id == "air-7"
    decoded = PROFILE.decode(uplink, NOW)
    assert [reading.property for reading in decoded.readings] == ["air_temperature", "no2"]
    assert decoded.readings[0].value == pytest.approx(26.85)
    assert decoded.readings[0].time is None
    assert decoded.readings[1].value == pytest.approx(95.63, rel=2e-3)
    assert decoded.readings[1].time == datetime(2026, 3, 1, 7, 4, tzinfo=UTC)
    assert [(refused.property, refused.reason) for refused in decoded.refused] == [
        ("pm2_5", RefuseReason.UNKNOWN_UNIT),
        ("label", RefuseReason.UNKNOWN_PROPERTY),
    ]


def test_a_relative_time_without_a_now_is_refused_not_guessed() -> None:
    uplink = ENVELOPES["senml_json"](senml('[{"n":"pm2_5","u":"ug/m3","v":9,"t":-60}]'))
    assert [refused.reason for refused in PROFILE.decode(uplink).refused] == [RefuseReason.BAD_TIME]


@pytest.mark.parametrize(
    ("pack", "reason"),
    [
        pytest.param("[]", "empty pack", id="empty"),
        pytest.param("{}", "array", id="an object"),
        pytest.param('[{"bn":"x"}]', "without a value", id="base fields only"),
        pytest.param('[{"v":1}]', "record 0 has no name", id="no name"),
        pytest.param('[{"n":"a","v":1},{"n":"b","v":1,"vs":"x"}]', "record 1 has v and vs", id="two values"),
        pytest.param('[{"n":"a","v":"1"}]', "record 0 has '1' where a number", id="text as number"),
        pytest.param('[{"n":"a","v":true}]', "where a number", id="boolean as number"),
        pytest.param('[{"n":"a","v":1,"bver":11}]', "version 11", id="a version to come"),
        pytest.param('[{"n":"a","v":1,"new_":1}]', "not understood", id="a field that must be understood"),
        pytest.param(
            '[{"n":"urn:dev:citywatch:a:t","v":1},{"n":"urn:dev:citywatch:b:t","v":1}]', "2 devices", id="two devices"
        ),
    ],
)
def test_a_faulty_pack_says_what_and_where(pack: str, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        ENVELOPES["senml_json"](senml(pack))
