"""Units, sensor correction, minimum data and the threshold tables themselves."""

from datetime import date

import pytest

from indicators.air_units import mass_per_volume_part, to_mass, to_volume_parts
from indicators.barkjohn import barkjohn, channel_mean, corrected_pm2_5
from indicators.errors import IndicatorError
from indicators.exact import mean
from indicators.minimum_data import daily_maximum_eu, daily_maximum_us, day_mean, eight_hour_mean, hour_mean
from indicators.thresholds import parse_table, table_for, tables
from indicators.us_aqi import scales

M = None


@pytest.mark.parametrize(
    ("gas", "eu", "us"),
    [
        ("no2", 1.9125, 1.8804),
        ("o3", 1.9953, 1.9619),
        ("so2", 2.6633, 2.6186),
        ("co", 1.1644, 1.1449),
        ("no", 1.2474, 1.2265),
    ],
)
def test_mass_per_volume_part_by_authority(gas: str, eu: float, us: float) -> None:
    assert mass_per_volume_part(gas, "eu") == pytest.approx(eu, abs=5e-5)
    assert mass_per_volume_part(gas, "us") == pytest.approx(us, abs=5e-5)
    assert mass_per_volume_part(gas, "china") == mass_per_volume_part(gas, "us")


def test_conversion_examples() -> None:
    assert to_mass("no2", 50, "eu") == pytest.approx(95.625, abs=5e-4)
    assert to_mass("no2", 50, "us") == pytest.approx(94.022, abs=5e-4)
    assert to_volume_parts("o3", 190, "eu") == pytest.approx(95.2, abs=0.05)
    assert to_volume_parts("o3", 190, "us") == pytest.approx(96.8, abs=0.05)
    assert to_mass("o3", 1, "eu") == pytest.approx(1.9957, rel=0.002), "EU tables print older constants"


@pytest.mark.parametrize(
    ("gas", "authority", "says"), [("xx", "eu", "no molar mass of 'xx'"), ("o3", "mars", "reference conditions")]
)
def test_conversion_names_what_it_does_not_know(gas: str, authority: str, says: str) -> None:
    with pytest.raises(IndicatorError, match=says):
        to_mass(gas, 1, authority)


@pytest.mark.parametrize(
    ("raw", "humidity", "result"),
    [
        (0, 0, 5.750),
        (50, 50, 27.640),
        (100, 40, 54.702),
        (3, 90, -0.436),
        (590, 50, 345.652),
        (611, 0, 400.120),
        (611, 100, 400.120),
        (800, 50, 586.480),
    ],
)
def test_barkjohn_examples(raw: float, humidity: float, result: float) -> None:
    assert barkjohn(raw, humidity) == pytest.approx(result, abs=5e-4)
    assert corrected_pm2_5(raw, humidity) == pytest.approx(max(0.0, result), abs=5e-4)


def test_barkjohn_refuses_an_impossible_humidity() -> None:
    with pytest.raises(IndicatorError, match="101"):
        corrected_pm2_5(10, 101)


@pytest.mark.parametrize(
    ("a", "b", "kept"),
    [
        pytest.param(10, 14.9, 12.45, id="4.9 apart is kept"),
        pytest.param(100, 130, 115, id="far apart in ug/m3, near in share"),
        pytest.param(2, 5, 3.5, id="far apart in share, near in ug/m3"),
        pytest.param(5, 15, None, id="both: the hour is dropped"),
    ],
)
def test_channels_must_agree(a: float, b: float, kept: float | None) -> None:
    assert channel_mean(a, b) == (None if kept is None else pytest.approx(kept))


@pytest.mark.parametrize(("present", "valid"), [(45, True), (44, False)])
def test_hour_needs_45_of_60_minutes(present: int, valid: bool) -> None:
    assert hour_mean([7.0] * present + [None] * (60 - present), expected=60) == (7.0 if valid else None)


@pytest.mark.parametrize(("present", "valid"), [(6, True), (5, False)])
def test_eight_hours_need_six(present: int, valid: bool) -> None:
    assert eight_hour_mean([9.1] * present + [None] * (8 - present)) == (9.1 if valid else None)


@pytest.mark.parametrize(("present", "valid"), [(18, True), (17, False)])
def test_day_needs_18_hours(present: int, valid: bool) -> None:
    assert day_mean([9.1] * present + [None] * (24 - present)) == (9.1 if valid else None)


def test_daily_maximum_of_eight_hour_means() -> None:
    eve: list[float | None] = [50.0] * 7
    assert daily_maximum_eu(eve + [50.0] * 8 + [90.0] * 8 + [50.0] * 8) == 90.0
    assert daily_maximum_eu(eve + [50.0] * 12 + [None] * 12) is None, "15 windows are too few"
    assert daily_maximum_us([50.0] * 8 + [90.0] * 8 + [50.0] * 8) == 90.0
    assert daily_maximum_us([50.0] * 12 + [None] * 12) is None


def test_minimum_data_states_the_shape_it_takes() -> None:
    for take, shape in ((eight_hour_mean, "8 hours"), (day_mean, "24 hours"), (daily_maximum_eu, "31 hours")):
        with pytest.raises(IndicatorError, match=shape):
            take([1.0])
    with pytest.raises(IndicatorError, match="expected to have 0"):
        hour_mean([], expected=0)


def test_mean_is_that_of_the_decimals_and_not_of_their_floats() -> None:
    assert mean([9.1, 9.1, 9.1]) == 9.1
    with pytest.raises(IndicatorError, match="no values"):
        mean([])


def test_every_table_names_authority_edition_and_validity() -> None:
    assert {table.name for table in tables()} >= {"us_aqi", "european_aqi", "china_aqi", "who", "gas_units"}
    assert len({(table.name, table.valid_from) for table in tables()}) == len(tables())
    assert table_for("china_aqi", date(2020, 1, 1)).edition == "HJ 633-2012"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "x.yaml is not YAML"),
        ("[]", "x.yaml: a mapping was expected"),
        ("name: us_aqi", "x.yaml: 'authority' must be a str, not None"),
        (
            "{name: n, authority: a, edition: e, valid_from: soon, source: s, body: {}}",
            "'valid_from' must be a date, not 'soon'",
        ),
        (
            "{name: n, authority: a, edition: e, valid_from: 2024-01-01, source: s, body: {}, colour: red}",
            "unknown key colour",
        ),
    ],
)
def test_a_bad_table_is_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(IndicatorError, match=says):
        parse_table(text, "x.yaml")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("{pollutant: x, unit: u, step: 1, above: none, bands: [[0, 9, 0, 50], [11, 20, 51, 100]]}", "go on at 10,"),
        ("{pollutant: x, unit: u, step: 1, above: up, bands: [[0, 9, 0, 50]]}", "above: 'up'; allowed are extend"),
    ],
)
def test_a_scale_with_a_gap_or_an_unknown_end_is_refused(row: str, says: str) -> None:
    head = "name: t, authority: a, edition: Draft, valid_from: 2030-01-01, source: s"
    with pytest.raises(IndicatorError, match=f"Draft: x .*{says}"):
        scales(parse_table(f"{{{head}, body: {{quantities: {{x: {row}}}}}}}", "draft.yaml"))


def test_an_unknown_table_or_section_is_named() -> None:
    with pytest.raises(IndicatorError, match="no threshold table 'uk_daqi'; there are china_aqi"):
        table_for("uk_daqi")
    with pytest.raises(IndicatorError, match=r"us_aqi \(US EPA AQI 2024\) has no section 'bands'"):
        table_for("us_aqi").section("bands")
