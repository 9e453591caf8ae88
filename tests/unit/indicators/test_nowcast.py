"""NowCast against EPA's sheet, published vectors and the missing-hour rules."""

import json
from pathlib import Path

import pytest

from indicators.errors import IndicatorError
from indicators.nowcast import nowcast_o3, nowcast_pm
from indicators.us_aqi import us_aqi

M = None


@pytest.mark.parametrize(
    ("hours", "weight", "value", "reported", "aqi"),
    [
        pytest.param([13, 16, 10, 21, 74, 64, 53, 82, 90, 75, 80, 50], 0.5, 17.41391942, 17.4, 66, id="EPA sheet"),
        pytest.param([20, 21, 20, 19, 20, 22, 21, 20, 20, 21, 19, 20], 0.86363636, 20.26879548, 20.2, 72, id="steady"),
        pytest.param([30, M, 28, 31, 29, M, 30, 33, 32, 31, 30, 29], 0.84848485, 30.04634559, 30.0, 90, id="gaps"),
        pytest.param([M, 28] + [30] * 10, 0.93333333, 29.74929283, 29.7, 89, id="a missing hour keeps its exponent"),
        pytest.param([71] + [0] * 11, 0.5, 35.50866911, 35.5, 101, id="a sudden rise"),
    ],
)
def test_nowcast_of_particles(
    hours: list[float | None], weight: float, value: float, reported: float, aqi: int
) -> None:
    nowcast = nowcast_pm(hours, "pm2_5")
    assert nowcast is not None
    assert nowcast.weight == pytest.approx(weight, abs=1e-8)
    assert nowcast.value == pytest.approx(value, abs=1e-8)
    assert (nowcast.reported, us_aqi({"pm2_5": nowcast.value}).value) == (reported, aqi)


@pytest.mark.parametrize(
    ("hours", "available"),
    [
        pytest.param([M, M, 28] + [30] * 9, False, id="one of the newest three is not enough"),
        pytest.param([30, M, 28], True, id="two of three are"),
        pytest.param([], False, id="no history"),
    ],
)
def test_nowcast_needs_two_of_the_newest_three_hours(hours: list[float | None], available: bool) -> None:
    assert (nowcast_pm(hours, "pm2_5") is not None) is available


def test_nowcast_of_clean_air_is_zero_and_of_equal_hours_is_exact() -> None:
    clean, steady = nowcast_pm([0] * 12, "pm2_5"), nowcast_pm([9.1] * 12, "pm2_5")
    assert clean is not None and clean.reported == 0.0
    assert steady is not None and steady.reported == 9.1, "in floats this mean is 9.0999 and loses a step"


def test_nowcast_of_pm10_truncates_to_whole_numbers() -> None:
    nowcast = nowcast_pm([55.9, 55.9, 55.9], "pm10")
    assert nowcast is not None and nowcast.reported == 55.0


def test_nowcast_refuses_other_pollutants() -> None:
    with pytest.raises(IndicatorError, match="no particle NowCast of 'no2'"):
        nowcast_pm([1, 2, 3], "no2")


def test_nowcast_equals_published_vectors(shared_data: Path) -> None:
    vectors = json.loads((shared_data / "reference" / "nowcast_pm25_vectors.json").read_text())
    for vector in vectors:
        nowcast = nowcast_pm(vector["hours_newest_first"], "pm2_5")
        # Where that library refuses because one of the two newest hours is missing, EPA's rule (2 of 3) accepts.
        assert nowcast is not None, vector["note"]
        assert vector["nowcast"] is None or nowcast.value == pytest.approx(vector["nowcast"], abs=1e-9)


@pytest.mark.parametrize(
    ("hours", "value", "reported"),
    [
        pytest.param([62, 60, 58], 57.2, 57.0, id="worked example"),
        pytest.param([M, 62, 60], 57.2, 57.0, id="this hour missing: the NowCast of an hour ago"),
        pytest.param([0, 0, 0], 0.0, 0.0, id="all zero gives zero"),
        pytest.param([-20, 1], 0.0, 0.0, id="below zero gives zero"),
        pytest.param([M, M, M, 62], None, None, id="none of the last three"),
    ],
)
def test_nowcast_of_ozone_is_the_surrogate(
    hours: list[float | None], value: float | None, reported: float | None
) -> None:
    nowcast = nowcast_o3(hours)
    assert (nowcast.value if nowcast else None) == value
    assert (nowcast.reported if nowcast else None) == reported
    assert nowcast is None or nowcast.method == "surrogate"


def test_nowcast_of_ozone_leads_to_the_worked_aqi() -> None:
    nowcast = nowcast_o3([62])
    assert nowcast is not None and us_aqi({"o3_8h": nowcast.reported / 1000}).value == 58
