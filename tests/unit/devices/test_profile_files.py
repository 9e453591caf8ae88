from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from devices.limits import FlatLine, GrossRange, Limits
from devices.model import DecodeError, Reading, Uplink
from devices.profile_files import ProfileError
from devices.profile_store import ProfileStore
from devices.profiles import BUILTIN, load_profiles

PROFILE = """\
vendor: acme
model: bin-1
domain: waste
envelope: tts_v3
fields:
  dist: {property: distance, unit: mm, missing: [65535]}
  lid: {property: lid_open, values: {open: 1, closed: 0}}
  env.temp: {property: bin_temperature, unit: degF}
  gases.0.ppb: {property: no2, unit: ppb}
unmapped: ignore
derived:
  fill_level: {from: distance, empty: 150, full: 20}
expected_interval: 1h
limits:
  distance:
    gross_range: {suspect: [2, 160]}
    flat_line: {tolerance: 0.5, suspect_after: 1d}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "bin.yaml").write_text(PROFILE)
    yield tmp_path


def test_fields_are_mapped_converted_and_completed(folder: Path) -> None:
    profile = load_profiles(folder)["acme/bin-1"]
    record = {"dist": 460, "lid": "open", "env": {"temp": 50}, "gases": [{"ppb": 0}], "time": 3, "other": {"a": 1}}
    assert profile.decode(Uplink(records=(record,))).readings == [
        Reading("distance", 46.0),
        Reading("lid_open", 1.0),
        Reading("bin_temperature", pytest.approx(10)),  # type: ignore[arg-type]
        Reading("no2", 0.0),
        Reading("fill_level", 80.0),
    ]
    assert profile.decode(Uplink(records=({"dist": 65535},))).readings == [
        Reading("distance", None),
        Reading("fill_level", None),
    ]


def test_a_bin_of_its_own_geometry(folder: Path) -> None:
    profile = load_profiles(folder)["acme/bin-1"].with_geometry(empty=100, full=0)
    levels = [
        profile.decode(Uplink(records=({"dist": distance},))).readings[1].value
        for distance in (0, 250, 1000, 1099, 1101)
    ]
    assert levels == [100, 75, 0, 0, None]


def test_limits_default_to_what_is_physically_possible(folder: Path) -> None:
    limits = load_profiles(folder)["acme/bin-1"].limits
    flat_line = FlatLine(0.5, timedelta(days=1), None)
    assert limits["distance"] == Limits(GrossRange((0, 2000), (2, 160)), flat_line=flat_line)
    assert limits["fill_level"] == Limits(GrossRange((0, 100)))


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        pytest.param("domain: waste", "domain: weather station", 3, "domain", id="no such domain"),
        pytest.param("unit: mm", "unit: furlong", 6, "furlong is not a unit", id="no such unit"),
        pytest.param("property: lid_open", "property: lid", 7, "lid is not in the catalogue", id="no such property"),
        pytest.param("property: lid_open", "property: plate", 7, "plate is personal data", id="personal data"),
        pytest.param("full: 20", "full: 200", 12, "empty .* must be farther away", id="impossible bin"),
        pytest.param("expected_interval: 1h", "expected_interval: often", 13, "not a duration", id="no duration"),
        pytest.param("expected_interval: 1h", "interval: 1h", 13, "interval", id="unknown key"),
        pytest.param("tolerance: 0.5", "tolerance: 0", 17, "greater than 0", id="a tolerance that never fires"),
        pytest.param("fields:", "fields: [", 7, "not YAML", id="not YAML"),
        pytest.param("[2, 160]", "&a [2, 160]}\n    spike: {a: *a", 17, "the alias .*a is not taken", id="an alias"),
        pytest.param("fields:", f"note: {'[' * 1500}\nfields:", 5, "more than 50 levels", id="too deep"),
        pytest.param("model: bin-1", "? [a]\n: 1\nmodel: bin-1", 2, "a key is a word", id="a list for a key"),
        pytest.param("empty: 150", "empty: !!int ''", 12, "the tag .* is not taken", id="a tag"),
        pytest.param(
            "fields:", "examples: [{hex: zz}]\nfields:", 5, "cannot be run: non-hex", id="bytes that are none"
        ),
        pytest.param("fields:", "examples: [{payload: {1: 2}}]\nfields:", 5, "cannot be run", id="a message of none"),
        pytest.param(
            "fields:", "examples: [{hex: '', error: '['}]\nfields:", 5, "cannot be run", id="a pattern of none"
        ),
        pytest.param("model: bin-1", "vendor: bin-1", 2, "vendor stands here twice", id="a key twice"),
        pytest.param("envelope: tts_v3", "envelope: morse", 4, "envelope: morse is none of", id="no such envelope"),
        pytest.param(
            "envelope: tts_v3", "envelope: tts_v3\ncodec: native:x", 5, "codec: native:x is neither", id="no such codec"
        ),
        pytest.param(
            "envelope: tts_v3",
            "envelope: tts_v3\ncodec: js:../a.js",
            5,
            r"codec: \.\./a\.js is no file",
            id="elsewhere",
        ),
    ],
)
def test_a_faulty_profile_names_file_line_and_reason(folder: Path, old: str, new: str, line: int, reason: str) -> None:
    (folder / "bin.yaml").write_text(PROFILE.replace(old, new))
    with pytest.raises(ProfileError, match=rf"bin\.yaml: line {line}: .*{reason}"):
        load_profiles(folder)


def test_a_key_is_given_out_once_in_a_folder_and_the_users_folder_wins(folder: Path, tmp_path_factory: object) -> None:
    (folder / "again.yaml").write_text(PROFILE)
    with pytest.raises(ProfileError, match="acme/bin-1 is also in"):
        load_profiles(folder)
    (folder / "again.yaml").write_text(PROFILE.replace("vendor: acme", "vendor: citywatch").replace("bin-1", "bin"))
    profiles = load_profiles(BUILTIN, folder)
    assert profiles["citywatch/bin"].envelope == "tts_v3"
    assert profiles["citywatch/road"].envelope == "native"


def test_the_store_reads_again_what_changed_and_keeps_what_held_when_that_is_faulty(folder: Path) -> None:
    store = ProfileStore(folder)
    assert not store.reload_if_changed()
    (folder / "bin.yaml").write_text(PROFILE.replace("model: bin-1", "model: bin-two"))
    assert store.reload_if_changed()
    assert list(store.profiles) == ["acme/bin-two"]
    (folder / "bin.yaml").write_text("vendor: acme")
    with pytest.raises(ProfileError):
        store.reload_if_changed()
    assert list(store.profiles) == ["acme/bin-two"]
    assert not store.reload_if_changed()


def test_a_vendors_script_is_a_profiles_codec(folder: Path) -> None:
    script = "function Decode(port, bytes, variables) { return {dist: bytes[0] * variables.step, env: {temp: 50}}; }"
    (folder / "bin.js").write_text(script)
    codec = "envelope: tts_v3\ncodec: js:bin.js\nports: [2]\nvariables: {step: '10'}"
    (folder / "bin.yaml").write_text(PROFILE.replace("envelope: tts_v3", codec))
    profile = load_profiles(folder)["acme/bin-1"]
    decoded = profile.decode(Uplink(raw=bytes([46]), port=2))
    assert [(reading.property, reading.value) for reading in decoded.readings] == [
        ("distance", 46.0),
        ("bin_temperature", pytest.approx(10)),
        ("fill_level", 80.0),
    ]
    with pytest.raises(DecodeError, match="port 3"):
        profile.decode(Uplink(raw=bytes([46]), port=3))


@pytest.mark.parametrize(
    ("record", "readings", "refused"),
    [
        pytest.param({"pm2_5": 12}, {"pm2_5": 12}, {}, id="a number"),
        pytest.param({"pm2_5": None}, {"pm2_5": None}, {}, id="the device says that it is missing"),
        pytest.param({"pm2_5": "12"}, {}, {"pm2_5": "'12' is not a number"}, id="text"),
        pytest.param({"pm2_5": True}, {}, {"pm2_5": "True is not a number"}, id="a flag where a quantity belongs"),
        pytest.param({"lid_open": True}, {"lid_open": 1}, {}, id="a flag where one belongs"),
        pytest.param({"pm2_5": {}}, {}, {"pm2_5": "an object is not a number"}, id="an empty object"),
        pytest.param({"pm2_5": {"unit": "ug/m3"}}, {}, {"pm2_5": "an object is not a number"}, id="a unit alone"),
        pytest.param({"pm2_5": {"value": 0.01, "unit": "mg/m3"}}, {"pm2_5": 10}, {}, id="with its own unit"),
        pytest.param({"pm2_5": [1, 2]}, {}, {"pm2_5": "an array is not a number"}, id="an array"),
        pytest.param({"air": {"pm2_5": 12}, "pm10": 20}, {"pm2_5": 12, "pm10": 20}, {}, id="nested"),
        pytest.param({"seq": 3, "now": 0, "device_id": "a"}, {}, {}, id="nothing but what is about the message"),
        pytest.param(
            {"cam": {"Plate": "AB"}}, {}, {"cam.Plate": "personal data is not kept"}, id="personal data, nested"
        ),
        pytest.param({"MAC-Address": "00:11"}, {}, {"MAC-Address": "personal data is not kept"}, id="spelt otherwise"),
        pytest.param(
            {"time": 1e300, "pm2_5": 1},
            {},
            {"pm2_5": "1e+300 is outside the calendar"},
            id="a time beyond the calendar",
        ),
    ],
)
def test_a_native_record_is_stored_or_refused_by_name(
    record: dict[str, object], readings: dict[str, float | None], refused: dict[str, str]
) -> None:
    decoded = load_profiles(BUILTIN)["citywatch/native"].decode(Uplink(records=(record,)))
    assert {reading.property: reading.value for reading in decoded.readings} == readings
    assert {one.property: one.detail for one in decoded.refused} == refused
