"""Mappings: each shipped one against the file it is for, to the row; whatever does not fit is named."""

import gzip
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from citywatch.errors import MappingError
from simulators.mapping import load_mapping, mapping_names
from simulators.series import Series, find_mapping, read_series, registry_of

SAMPLES = Path(__file__).resolve().parents[3] / "simulators" / "samples"


def read(path: Path) -> Series:
    return read_series(path, find_mapping(path))


def missing(series: Series) -> Counter[str]:
    return Counter(name for r in series.records for name, value in r.values.items() if value is None)


@pytest.mark.parametrize(
    ("path", "mapping", "rows", "records", "distinct", "devices"),
    [
        ("traffic_metro_interstate/metro_interstate_2017.csv.gz", "metro_interstate", 10605, 10605, 8713, 1),
        ("traffic_losloop/los_speed_50sensors_7days.csv.gz", "losloop", 2016, 100800, 100800, 50),
        ("waste_wyndham/wyndham_smart_bins.csv.gz", "wyndham", 15152, 15152, 15152, 16),
        ("air_beijing/prsa_aotizhongxin_2016.csv.gz", "beijing", 8784, 8784, 8784, 1),
        ("air_beijing/prsa_dongsi_2016.csv.gz", "beijing", 8784, 8784, 8784, 1),
        ("air_uci_italy/air_quality_uci_first_half.csv.gz", "uci_italy", 4678, 4678, 4678, 1),
        ("traffic_telraam/telraam_hourly.csv.gz", "telraam", 8509, 8509, 8509, 1),
    ],
)
def test_each_shipped_mapping_reads_its_file_to_the_row(
    shared_data: Path, path: str, mapping: str, rows: int, records: int, distinct: int, devices: int
) -> None:
    series = read(shared_data / "timeseries" / path)
    assert series.mapping.name == mapping
    assert (series.rows, series.skipped, len(series.records), len(series.devices)) == (rows, 0, records, devices)
    assert len({(r.device_id, r.time) for r in series.records}) == distinct
    assert [r.time for r in series.records] == sorted(r.time for r in series.records)


def test_every_shipped_mapping_is_tried_above() -> None:
    assert mapping_names() == ["beijing", "losloop", "metro_interstate", "telraam", "uci_italy", "wyndham"]


def test_i94_first_hour_is_local_winter_time_and_kelvin_becomes_celsius(shared_data: Path) -> None:
    first = read(shared_data / "timeseries/traffic_metro_interstate/metro_interstate_2017.csv.gz").records[0]
    assert first.time == datetime(2017, 1, 1, 6, tzinfo=UTC)
    assert first.values == {
        "vehicle_flow": 1848,
        "air_temperature": -3.4,
        "rainfall": 0,
        "snowfall": 0,
        "cloud_cover": 75,
    }


def test_beijing_gaps_are_missing_and_carbon_monoxide_is_in_milligrams(shared_data: Path) -> None:
    series = read(shared_data / "timeseries/air_beijing/prsa_aotizhongxin_2016.csv.gz")
    assert missing(series) == {
        "pm2_5": 177, "pm10": 111, "so2": 134, "no2": 223, "co": 128, "o3": 279, "air_temperature": 7,
        "air_pressure": 7, "dew_point": 7, "rainfall": 7, "wind_direction": 41, "wind_speed": 5,
    }  # fmt: skip
    assert max(r.values["co"] or 0 for r in series.records) == 10.0
    assert series.records[0].time == datetime(2015, 12, 31, 16, tzinfo=UTC)
    assert series.records[0].values["wind_direction"] == 22.5


def test_uci_minus_200_is_missing_and_never_a_value(shared_data: Path) -> None:
    series = read(shared_data / "timeseries/air_uci_italy/air_quality_uci_first_half.csv.gz")
    assert missing(series) == {
        "co": 1074, "nmhc": 3764, "nox": 1003, "no2": 1006, "benzene": 147, "metal_oxide_co": 147,
        "metal_oxide_nmhc": 147, "metal_oxide_nox": 147, "metal_oxide_no2": 147, "metal_oxide_o3": 147,
        "air_temperature": 147, "relative_humidity": 147,
    }  # fmt: skip
    assert min(v for r in series.records for v in r.values.values() if v is not None) > -20
    assert series.records[0].time == datetime(2004, 3, 10, 17, tzinfo=UTC)


def test_uci_hour_that_summer_time_would_skip_is_read(shared_data: Path) -> None:
    times = {r.time for r in read(shared_data / "timeseries/air_uci_italy/air_quality_uci_first_half.csv.gz").records}
    assert {datetime(2004, 3, 28, hour, tzinfo=UTC) for hour in range(3)} <= times


def test_wyndham_steps_become_percent_of_known_bins(shared_data: Path) -> None:
    series = read(shared_data / "timeseries/waste_wyndham/wyndham_smart_bins.csv.gz")
    assert {r.values["fill_level"] for r in series.records} == {0, 20, 40, 60, 80, 100}
    entry = series.devices["wyndham-1511190"]
    assert (entry["name"], entry["latitude"]) == ("Aldi G Point Cook", -37.8825216667)
    assert entry["tags"]["fullness_threshold_step"] == "8"
    assert series.records[0].time == datetime(2018, 6, 25, 14, tzinfo=UTC)


def test_los_loop_miles_become_kilometres_at_known_places(shared_data: Path) -> None:
    series = read(shared_data / "timeseries/traffic_losloop/los_speed_50sensors_7days.csv.gz")
    assert series.records[0].values == {"vehicle_speed": pytest.approx(64.38 * 1.609344)}
    assert series.devices["loop-773869"]["longitude"] == -118.31829


def test_telraam_local_times_are_right_across_both_changes_of_clocks(shared_data: Path) -> None:
    series = read(shared_data / "timeseries/traffic_telraam/telraam_hourly.csv.gz")
    hours = [r.time for r in series.records]
    spring = [t for t in hours if datetime(2022, 3, 26, 23, tzinfo=UTC) <= t < datetime(2022, 3, 27, 3, tzinfo=UTC)]
    assert [t.hour for t in spring] == [23, 0, 1, 2]
    autumn = [t for t in hours if datetime(2022, 10, 29, 22, tzinfo=UTC) <= t < datetime(2022, 10, 30, 3, tzinfo=UTC)]
    assert [t.hour for t in autumn] == [22, 23, 0, 1, 2]
    assert {(b - a).total_seconds() for a, b in pairwise(autumn)} == {3600}
    counted = next(r for r in series.records if r.time == datetime(2022, 10, 30, 7, tzinfo=UTC))
    assert counted.values["car_flow"] == 106.0903733  # 08:00 CET
    assert missing(series)["car_flow"] == 3781


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.csv")), ids=lambda p: p.stem)
def test_samples_are_rows_of_the_published_files(shared_data: Path, path: Path) -> None:
    published = {"beijing": "air_beijing/*.gz", "i94": "traffic_metro*/*.gz", "wyndham": "waste_wyndham/*.gz"}
    pattern = next(p for name, p in published.items() if path.name.startswith(name))
    lines: set[str] = set()
    for file in (shared_data / "timeseries").glob(pattern):
        lines |= set(gzip.decompress(file.read_bytes()).decode().splitlines())
    assert set(path.read_text(encoding="utf-8").splitlines()) <= lines
    assert read(path).records


BASE = """
name: trial
title: t
attribution: a
licence: l
source_id: trial
domain: air
expected_interval: 1h
missing: ["", NA, -200]
time: {columns: [t], format: "%Y-%m-%d %H:%M", zone: Europe/Paris}
device: {id: "d-{who}"}
columns: {x: {property: no2}}
"""


def trial(tmp_path: Path, rows: str, mapping: str = BASE, header: str = "t,who,x") -> Series:
    (tmp_path / "trial.yaml").write_text(mapping, encoding="utf-8")
    (tmp_path / "trial.csv").write_text(f"{header}\n{rows}\n", encoding="utf-8")
    return read_series(tmp_path / "trial.csv", load_mapping(str(tmp_path / "trial.yaml")))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("2022-01-01 00:00,a,1\n2022-01-01 01:00,a,high", r"line 3: column 'x' is 'high', neither a number"),
        ("2022-01-01 00:00,a,inf", r"line 2: column 'x' is 'inf', not a finite number"),
        ("2022-01-01 00:00,a,n/a", r"line 2: column 'x' is 'n/a', neither a number nor a missing mark"),
        ("01.02.2022,a,1", r"line 2: time is '01.02.2022', not as '%Y-%m-%d %H:%M'"),
        ("2022-03-27 02:30,a,1", r"line 2: time is '2022-03-27 02:30', which the clocks of Europe/Paris skip"),
        ("2022-01-01 00:00,a", r"line 2: 2 cells, the header has 3"),
    ],
)
def test_what_does_not_fit_is_named_with_file_line_and_value(tmp_path: Path, rows: str, message: str) -> None:
    with pytest.raises(MappingError, match=rf"trial\.csv, {message}"):
        trial(tmp_path, rows)


def test_unknown_and_absent_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="line 1: column 'y' is unknown to the mapping trial"):
        trial(tmp_path, "2022-01-01 00:00,a,1,2", header="t,who,x,y")
    with pytest.raises(MappingError, match="line 1: no column 'x'; there are t, who"):
        trial(tmp_path, "2022-01-01 00:00,a", header="t,who")


def test_missing_marks_are_missing_as_text_and_as_number(tmp_path: Path) -> None:
    series = trial(tmp_path, "\n".join(f"2022-01-01 0{n}:00,a,{v}" for n, v in enumerate(["", "NA", "-200.0", "-20"])))
    assert [r.values["no2"] for r in series.records] == [None, None, None, -20]


def test_decimal_comma_semicolons_and_skipped_rows(tmp_path: Path) -> None:
    mapping = BASE + "delimiter: ';'\ndecimal: ','\nskip: [{column: x, at_least: 1000}]\n"
    series = trial(tmp_path, "2022-01-01 00:00;a;12,5\n2022-01-01 01:00;a;1.234,5", mapping, "t;who;x")
    assert [r.values["no2"] for r in series.records] == [12.5]
    assert (series.rows, series.skipped) == (2, 1)


@pytest.mark.parametrize(
    ("marks", "hours"),
    [
        pytest.param(["CEST", "CET"], [0, 1], id="told apart by the mark"),
        pytest.param(["CET", "CET"], [0, 1], id="both marked winter: the first was summer"),
        pytest.param(["CET"], [1], id="one alone is what its mark says"),
        pytest.param(["CEST"], [0], id="one alone, summer"),
    ],
)
def test_the_hour_that_clocks_show_twice(tmp_path: Path, marks: list[str], hours: list[int]) -> None:
    mapping = BASE.replace("Europe/Paris}", "Europe/Paris, abbreviation: true, repeated: ordered}")
    series = trial(tmp_path, "\n".join(f"2022-10-30 02:00 {mark},a,1" for mark in marks), mapping)
    assert [r.time.hour for r in series.records] == hours


def test_a_mark_that_its_zone_did_not_have_is_an_error(tmp_path: Path) -> None:
    mapping = BASE.replace("Europe/Paris}", "Europe/Paris, abbreviation: true}")
    with pytest.raises(MappingError, match=r"line 2: .* Europe/Paris was not on CET then"):
        trial(tmp_path, "2022-07-01 02:00 CET,a,1", mapping)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("no2", "smog"), "smog is not in the catalogue"),
        (("Europe/Paris", "Mars/Base"), "'Mars/Base' is neither a time zone nor an offset"),
        (("licence: l", "license: l"), "license: Extra inputs are not permitted"),
        (("domain: air", "domain: sea"), "domain"),
    ],
)
def test_a_wrong_mapping_says_what_is_wrong(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(MappingError, match=message):
        trial(tmp_path, "2022-01-01 00:00,a,1", BASE.replace(*change))


def test_unknown_mapping_and_unfitting_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="no mapping 'nowhere': there are beijing"):
        load_mapping("nowhere")
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(MappingError, match="no shipped mapping has these columns"):
        find_mapping(tmp_path / "odd.csv")


def test_a_broken_archive_is_an_error_of_the_mapping_kind(tmp_path: Path) -> None:
    path = tmp_path / "broken.csv.gz"
    path.write_bytes(gzip.compress(b"t,who,x\n" * 1000)[:40])
    with pytest.raises(MappingError, match="broken"):
        find_mapping(path)


def test_registry_of_samples_has_one_replay_source_each() -> None:
    document = registry_of([read(path) for path in sorted(SAMPLES.glob("*.csv"))])
    assert document["sources"] == [
        {"source_id": "replay:beijing", "kind": "replay"},
        {"source_id": "replay:metro_interstate", "kind": "replay"},
        {"source_id": "replay:wyndham", "kind": "replay"},
    ]
    assert len(document["devices"]) == 2 + 1 + 16
