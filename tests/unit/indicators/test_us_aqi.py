"""US AQI against the authority's own answers, and every rounding trap we know of."""

import csv
import gzip
from datetime import date
from pathlib import Path

import pytest

from indicators.errors import IndicatorError
from indicators.us_aqi import us_aqi


@pytest.mark.parametrize(
    ("inputs", "value"),
    [
        pytest.param({"pm2_5": 9.0}, 50, id="top of good"),
        pytest.param({"pm2_5": 9.05}, 50, id="truncated, not rounded"),
        pytest.param({"pm2_5": 9.1}, 51, id="no gap between bands"),
        pytest.param({"pm2_5": 12.0}, 56, id="the older table said 50"),
        pytest.param({"pm2_5": 35.4}, 100, id="top of moderate"),
        pytest.param({"pm2_5": 35.49}, 100, id="35.49 truncates to 35.4"),
        pytest.param({"pm2_5": 35.5}, 101, id="unhealthy for sensitive groups begins"),
        pytest.param({"pm2_5": 35.9}, 102, id="EPA example PM2.5"),
        pytest.param({"pm2_5": 150.4}, 226, id="the older table said 200"),
        pytest.param({"pm2_5": 225.5}, 301, id="hazardous begins"),
        pytest.param({"pm2_5": 325.4}, 500, id="end of the scale"),
        pytest.param({"pm2_5": 400.0}, 649, id="beyond the AQI on the last segment"),
        pytest.param({"pm2_5": -5.0}, 0, id="a negative concentration counts as 0"),
        pytest.param({"pm10": 54.9}, 50, id="PM10 truncates to whole numbers"),
        pytest.param({"pm10": 155}, 101, id="PM10 155"),
        pytest.param({"pm10": 425}, 301, id="PM10 425"),
        pytest.param({"no2_1h": 101}, 101, id="NO2 101"),
        pytest.param({"no2_1h": 360}, 150, id="NO2 360"),
        pytest.param({"o3_8h": 0.07853333}, 126, id="EPA example ozone"),
        pytest.param({"o3_8h": 0.072}, 105, id="exact half goes up"),
        pytest.param({"o3_8h": 0.201}, None, id="8 h defines nothing above 300"),
        pytest.param({"o3_1h": 0.124}, None, id="1 h defines nothing below 101"),
        pytest.param({"o3_1h": 0.164}, 150, id="ozone 1 h"),
        pytest.param({"co_8h": 8.4}, 90, id="EPA example CO"),
        pytest.param({"co_8h": 3.3}, 38, id="dividing first gives 37"),
        pytest.param({"so2_1h": 304}, 200, id="SO2 1 h ends at 200"),
        pytest.param({"so2_24h": 305}, 201, id="SO2 24 h goes on"),
        pytest.param({"so2_1h": 400, "so2_24h": 304}, 200, id="SO2 1 h high, 24 h not: 200"),
        pytest.param({"so2_1h": 400, "so2_24h": 604}, 300, id="SO2 1 h high, 24 h high"),
        pytest.param({"so2_1h": 75}, 100, id="SO2 75"),
        pytest.param({"o3_8h": 0.201, "o3_1h": 0.205}, 201, id="ozone beyond 8 h takes 1 h"),
        pytest.param({"o3_8h": 0.086, "o3_1h": 0.125}, 151, id="ozone takes the larger"),
        pytest.param({}, None, id="nothing measured"),
    ],
)
def test_us_aqi_matches_the_worked_examples(inputs: dict[str, float], value: int | None) -> None:
    assert us_aqi(inputs).value == value


@pytest.mark.parametrize(
    ("quantity", "half_points"),
    [("o3_8h", {0.072: 105, 0.076: 119, 0.080: 133, 0.084: 147, 0.153: 251}), ("co_8h", {1.1: 13})],
)
def test_us_aqi_rounds_an_exact_half_up(quantity: str, half_points: dict[float, int]) -> None:
    assert {point: us_aqi({quantity: point}).value for point in half_points} == half_points


def test_us_aqi_names_the_responsible_pollutant_of_the_epa_example() -> None:
    index = us_aqi({"o3_8h": 0.07853333, "pm2_5": 35.9, "co_8h": 8.4})
    assert (index.value, index.responsible) == (126, ("o3",))
    assert index.sub_indices == {"o3": 126, "pm2_5": 102, "co": 90}
    assert (index.category, index.colour) == ("Unhealthy for Sensitive Groups", "#FF7E00")
    assert (index.edition, index.note) == ("US EPA AQI 2024", "indicative, not regulatory")


def test_us_aqi_names_both_pollutants_of_a_tie() -> None:
    assert us_aqi({"pm2_5": 9.1, "pm10": 55}).responsible == ("pm2_5", "pm10")


def test_us_aqi_says_which_inputs_it_takes() -> None:
    with pytest.raises(IndicatorError, match=r"takes no 'pm25' \(= 12\); it takes pm2_5, pm10, o3_8h"):
        us_aqi({"pm25": 12})
    with pytest.raises(IndicatorError, match="nan is not a finite number"):
        us_aqi({"pm2_5": float("nan")})


def test_us_aqi_has_no_edition_for_days_before_its_first() -> None:
    with pytest.raises(IndicatorError, match="no edition of us_aqi was in force on 2020-01-01"):
        us_aqi({"pm2_5": 12}, on=date(2020, 1, 1))


@pytest.mark.parametrize(
    ("file", "quantity", "rows"),
    [
        ("epa_daily_aqi_pm25_texas_2023.csv.gz", "pm2_5", 4964),
        ("epa_daily_aqi_so2_pennsylvania_2023.csv.gz", "so2_1h", 4139),
        ("epa_daily_aqi_co_newyork_2023.csv.gz", "co_8h", 364),
    ],
)
def test_us_aqi_equals_epas_own_answer_on_every_row(shared_data: Path, file: str, quantity: str, rows: int) -> None:
    with gzip.open(shared_data / "reference" / file, "rt") as lines:
        table = list(csv.DictReader(lines))
    ours = [us_aqi({quantity: float(row["concentration"])}).value for row in table]
    assert len(table) == rows
    assert ours == [int(row["aqi"]) for row in table]


def test_us_aqi_equals_the_published_2024_points(shared_data: Path) -> None:
    with (shared_data / "reference" / "aqi_pm25_2024_points.csv").open() as lines:
        points = list(csv.DictReader(lines))
    assert [us_aqi({"pm2_5": float(row["pm25_ug_m3"])}).value for row in points] == [int(row["aqi"]) for row in points]
