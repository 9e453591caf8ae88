"""What the command line calls: one JSON object in, one out, and errors that say what is allowed."""

import json
from typing import Any

import pytest

from indicators.catalogue import compute, list_indicators
from indicators.errors import IndicatorError


@pytest.mark.parametrize(
    ("inputs", "value", "responsible"),
    [
        ({"pm2_5": 35.9}, 102, ["pm2_5"]),
        ({"o3_8h": 0.0785}, 126, ["o3"]),
        ({"so2_1h": 75}, 100, ["so2"]),
        ({"co_8h": 8.4}, 90, ["co"]),
        ({"no2_1h": 101, "pm10": 54.9, "o3_1h": 0.1, "so2_24h": 10}, 101, ["no2"]),
        ({"o3_1h": 0.124}, None, []),
    ],
)
def test_us_aqi_answers_as_scripts_expect(inputs: dict[str, float], value: int | None, responsible: list[str]) -> None:
    answer = compute("us_aqi", inputs)
    assert (answer["value"], answer["responsible"]) == (value, responsible)
    assert (answer["edition"], answer["note"]) == ("US EPA AQI 2024", "indicative, not regulatory")


EXAMPLES: dict[str, tuple[dict[str, Any], Any]] = {
    "us_aqi": ({"pm2_5": 9.0}, 50),
    "european_aqi": ({"pm2_5": 12, "no2": 61, "o3": 90}, 4),
    "china_aqi": ({"pm2_5": 60}, 100),
    "who": ({"pm2_5_24h": 20, "so2_24h": 10}, 1),
    "nowcast_pm2_5": ({"hours": [13, 16, 10, 21, 74, 64, 53, 82, 90, 75, 80, 50]}, 17.41391942),
    "nowcast_pm10": ({"hours": [50, None, 50]}, 50),
    "nowcast_o3": ({"hours": [62]}, 57.2),
    "pm2_5_corrected": ({"channel_a": 49, "channel_b": 51, "relative_humidity": 50}, 27.64),
    "gas_mass": ({"gas": "no2", "authority": "eu", "volume_parts": 50}, 95.625),
    "space_mean_speed": ({"speeds": [40, 80]}, 53.3333),
    "loop_density": ({"occupancy": 0.12, "effective_length": 6.5}, 18.4615),
    "loop_speed": ({"flow": 1200, "occupancy": 0.12, "effective_length": 6.5}, 65.0),
    "level_of_service": ({"density": 11}, "A"),
    "travel_time": ({"travel_times": [10, 10.5, 11, 11, 12, 12.5, 13, 14, 18, 25], "free_flow": 10}, 1.37),
    "fill_level": ({"distance": 100, "empty": 150, "full": 20, "temperature": -5}, 41.855),
    "time_to_full": (
        {"hours": [0, 6, 12, 18, 24, 30, 36], "levels": [20, 24, 29, 80, 37, 41, 46], "full": 80},
        78.706,
    ),
    "robust_score": ({"usual": [410, 398, 405, 420, 402, 415, 399, 408], "value": 455}, 5.452),
    "equity": ({"residents": [48000, 30000, 30000, 12000], "served": [12, 9, 3, 6]}, 0.2),
    "small_counts": ({"counts": [12, 3, 20]}, [None, None, 20]),
}


def test_every_indicator_is_listed_with_its_inputs_and_has_an_example() -> None:
    listed = {each["name"]: each for each in list_indicators()}
    assert listed.keys() == EXAMPLES.keys()
    for name, (inputs, _) in EXAMPLES.items():
        assert inputs.keys() <= listed[name]["inputs"].keys()
    assert json.dumps(list(listed.values()))
    assert listed["us_aqi"]["inputs"]["o3_8h"] == {"unit": "[ppm]", "kind": "number", "required": False}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_indicator_computes_its_example(name: str) -> None:
    inputs, value = EXAMPLES[name]
    answer = compute(name, inputs)
    assert answer["value"] == (pytest.approx(value, abs=5e-4) if isinstance(value, float) else value)
    assert isinstance(answer["edition"], str)
    assert json.loads(json.dumps(answer)) == answer


@pytest.mark.parametrize(
    ("name", "inputs", "value"),
    [
        pytest.param("nowcast_pm2_5", {"hours": [None, None, 28, 30]}, None, id="NowCast not available"),
        pytest.param(
            "pm2_5_corrected", {"channel_a": 5, "channel_b": 15, "relative_humidity": 50}, None, id="channels"
        ),
        pytest.param("level_of_service", {"speed": 80, "free_speed": 100}, "B", id="urban street"),
        pytest.param("level_of_service", {"metric_density": 29}, "F", id="metric density"),
        pytest.param("time_to_full", {"hours": [1], "levels": [5], "full": 80}, None, id="one reading"),
        pytest.param("fill_level", {"distance": 46, "empty": 150, "full": 20}, 80.0, id="no temperature"),
    ],
)
def test_variants(name: str, inputs: dict[str, Any], value: Any) -> None:
    assert compute(name, inputs)["value"] == value


@pytest.mark.parametrize(
    ("name", "inputs", "says"),
    [
        pytest.param("uk_daqi", {}, "no indicator 'uk_daqi'; there are us_aqi, european_aqi", id="name"),
        pytest.param("us_aqi", {"pm25": 12}, r"takes no 'pm25' \(= 12\); it takes pm2_5, pm10", id="input"),
        pytest.param("us_aqi", {"pm2_5": "12"}, "pm2_5 must be a number, not '12'", id="text for a number"),
        pytest.param("us_aqi", {"pm2_5": True}, "pm2_5 must be a number, not True", id="truth for a number"),
        pytest.param("us_aqi", {}, "needs at least one of pm2_5", id="nothing"),
        pytest.param("nowcast_pm2_5", {"hours": 5}, "hours must be a list of numbers and nulls, not 5", id="no list"),
        pytest.param("space_mean_speed", {"speeds": [1, None]}, "must be a list of numbers, not", id="null in a list"),
        pytest.param("gas_mass", {"gas": 1}, "gas must be a text, not 1", id="number for a text"),
        pytest.param("loop_speed", {"flow": 1}, "needs occupancy, effective_length as well", id="missing"),
        pytest.param("level_of_service", {"speed": 80}, "needs density, or", id="speed without free speed"),
        pytest.param("time_to_full", {"hours": [1], "levels": [], "full": 80}, "as many levels", id="lengths"),
        pytest.param("equity", {"residents": [1], "served": []}, "as many served", id="districts"),
    ],
)
def test_errors_name_the_value_and_what_is_allowed(name: str, inputs: dict[str, Any], says: str) -> None:
    with pytest.raises(IndicatorError, match=says):
        compute(name, inputs)
