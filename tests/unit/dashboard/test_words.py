"""What the screen says of figures, units, conditions and times."""

from typing import Any

import pytest

from api.condition_units import units_in
from dashboard.components.figures import change_words
from dashboard.components.heat import in_two_lines
from dashboard.pages.simulator import when_words
from dashboard.rule_words import condition_words
from dashboard.units import number, quantity, unit_label


@pytest.mark.parametrize(
    ("value", "digits", "words"),
    [
        pytest.param(1234567.0, 0, "1,234,567", id="thousands stand apart"),
        pytest.param(-0.04, 1, "0.0", id="what rounds to nothing has no sign"),
        pytest.param(-3.25, 1, "−3.2", id="a true minus sign"),
        pytest.param(None, 1, "–", id="nothing is a dash"),
    ],
)
def test_number(value: float | None, digits: int, words: str) -> None:
    assert number(value, digits) == words


def test_quantities_have_the_unit_that_people_know() -> None:
    assert quantity(35.86, "ug/m3") == "35.9\u00a0µg/m³"
    assert quantity(90, "%") == "90\u00a0%"
    assert quantity(None, "Cel") == "–"
    assert unit_label("{bicycles}") == "bicycles"


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        pytest.param("pm2_5 >= 55.5", "Fine particles PM2.5 ≥ 55.5\u00a0µg/m³", id="a limit with its unit"),
        pytest.param(
            "fill_level within 0 for 4d", "Fill level moves by no more than 0\u00a0% for 4 days", id="a standstill"
        ),
        pytest.param(
            "bin_temperature rises by 3 per 1m and bin_temperature >= 40",
            "Temperature in the bin rises by 3\u00a0°C per 1 min and Temperature in the bin ≥ 40\u00a0°C",
            id="a rate and a limit",
        ),
        pytest.param(
            "pm2_5 >= 150 and not at least 2 others within 2000 m with pm2_5 >= 60",
            "Fine particles PM2.5 ≥ 150\u00a0µg/m³ and not 2 or more neighbours within 2000 m with"
            " Fine particles PM2.5 ≥ 60\u00a0µg/m³",
            id="neighbours",
        ),
        pytest.param(
            "at least 3 devices of a district with pm2_5 >= 75",
            "3 or more devices of a district with Fine particles PM2.5 ≥ 75\u00a0µg/m³",
            id="a crowd",
        ),
        pytest.param("no data for 3.5 intervals", "no data for 3.5 intervals", id="silence"),
        pytest.param("us_aqi at Unhealthy or worse", "US air quality index is Unhealthy or worse", id="a level"),
        pytest.param("something_new ~ 3", "something_new ~ 3", id="what has no words stays as it is"),
        pytest.param("something_new >= 3", "something_new ≥ 3", id="a property that is not known"),
    ],
)
def test_conditions_in_words(condition: str, words: str) -> None:
    assert condition_words(condition, units_in(condition)) == words


def test_change_is_said_in_the_figure_s_own_precision() -> None:
    assert change_words(12.04, 12.0, "ug/m3") == "as 24 h ago"
    assert change_words(62, 60, "km/h") == "+2 against 24 h ago"
    assert change_words(None, 60, "km/h") == ""


@pytest.mark.parametrize(
    ("timing", "words"),
    [
        pytest.param({"after_s": 0.0}, "at the start", id="nothing said"),
        pytest.param({"after_s": -840.0}, "14 min before the start", id="before the start"),
        pytest.param({"after_s": 3600.0}, "1 h after the start", id="after the start"),
        pytest.param({"clock": "07:40"}, "at 07:40 by the city's clocks", id="by the clock"),
        pytest.param({"per_day": 14.0}, "at random, 14 times a day", id="at random"),
    ],
)
def test_when_something_is_planted(timing: dict[str, Any], words: str) -> None:
    assert when_words({"after_s": None, "clock": None, "per_day": None} | timing) == words


@pytest.mark.parametrize(
    ("name", "lines"),
    [("Ring Road anticlockwise", "Ring Road<br>anticlockwise"), ("Canal Walk", "Canal Walk"), ("A" * 30, "A" * 30)],
)
def test_long_names_beside_a_heat_map_take_two_lines(name: str, lines: str) -> None:
    assert in_two_lines(name) == lines
