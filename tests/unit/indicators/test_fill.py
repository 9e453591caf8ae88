"""Fill from distance, temperature, and how fast a bin fills: the worked examples of the domain reference."""

from datetime import UTC, datetime, timedelta

import pytest

from devices.model import QualityFlag
from indicators.errors import IndicatorError
from indicators.fill import FillReading, compensated_distance, distance_flag, fill_level, median_shot
from indicators.fill_rate import Holt, rate_profile, theil_sen

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(("distance", "level"), [(150, 0), (46, 80.0), (20, 100), (12, 100), (158, 0)])
def test_fill_level_from_distance(distance: float, level: float) -> None:
    assert fill_level(distance, empty=150, full=20) == level


def test_fill_level_needs_a_bin_with_a_depth() -> None:
    with pytest.raises(IndicatorError, match="full at 150 cm and empty at 20 cm"):
        fill_level(50, empty=20, full=150)


@pytest.mark.parametrize(("temperature", "distance", "level"), [(-5, 95.588, 41.855), (35, 102.647, 36.425)])
def test_temperature_moves_the_echo(temperature: float, distance: float, level: float) -> None:
    true = compensated_distance(100, temperature)
    assert true == pytest.approx(distance, abs=5e-4)
    assert fill_level(true, 150, 20) == pytest.approx(level, abs=1e-3)


def test_a_distance_beyond_the_bottom_is_suspect() -> None:
    assert [distance_flag(d, empty=150) for d in (150, 160, 160.1)] == [
        QualityFlag.GOOD,
        QualityFlag.GOOD,
        QualityFlag.SUSPECT,
    ]


def test_the_median_of_shots_ignores_a_stray_echo() -> None:
    assert median_shot([80, 81, 12, 80, 82]) == 80


def test_theil_sen_example() -> None:
    trend = theil_sen([0, 6, 12, 18, 24, 30, 36], [20, 24, 29, 80, 37, 41, 46])
    assert trend is not None
    assert trend.slope == pytest.approx(0.708333, abs=5e-7)
    assert trend.intercept == pytest.approx(24.25)
    assert trend.hours_to(80) == pytest.approx(78.706, abs=5e-4)
    assert trend.hours_to(90) == pytest.approx(92.824, abs=5e-4)


@pytest.mark.parametrize(
    ("hours", "levels"), [pytest.param([0], [5], id="one reading"), pytest.param([3, 3], [5, 6], id="one time")]
)
def test_theil_sen_needs_two_times(hours: list[float], levels: list[float]) -> None:
    assert theil_sen(hours, levels) is None


def test_a_bin_that_does_not_fill_has_no_forecast() -> None:
    trend = theil_sen([0, 1, 2], [30, 30, 29])
    assert trend is not None and trend.hours_to(80) is None


def test_holt_example() -> None:
    holt = Holt.fit([20, 24, 29, 33, 37, 41, 46])
    assert holt.level == pytest.approx(45.5962, abs=5e-5)
    assert holt.trend == pytest.approx(4.21516, abs=5e-6)
    assert holt.ahead(2) == pytest.approx(45.5962 + 2 * 4.21516, abs=1e-4)
    with pytest.raises(IndicatorError, match="two levels and more, not 1"):
        Holt.fit([20])


def test_rate_profile_learns_the_hours_in_which_a_bin_fills() -> None:
    def level(at: int) -> float:
        # Half a point an hour from 08 to 16 h, emptied at the end of every Sunday.
        day, hour = divmod(at % (24 * 7), 24)
        return 4.0 * day + min(max(hour - 8, 0), 8) / 2

    readings = [FillReading(MONDAY + at * HOUR, level(at)) for at in range(24 * 7 * 4 + 1)]
    profile = rate_profile(readings)
    assert profile is not None
    assert [profile.rates[slot] for slot in (3, 8, 15, 16)] == [0, 0.5, 0.5, 0]
    start = FillReading(MONDAY + 20 * HOUR, 10.0)
    assert profile.time_of(11.0, start) == MONDAY + 34 * HOUR, "one point: the first two hours of Tuesday's eight"
    assert profile.time_of(5.0, start) == start.time


def test_rate_profile_needs_four_weeks_and_a_bin_that_fills() -> None:
    still = [FillReading(MONDAY + at * HOUR, 5.0) for at in range(24 * 7 * 4 + 1)]
    assert rate_profile(still[:100]) is None
    assert rate_profile([]) is None
    profile = rate_profile(still)
    assert profile is not None and profile.time_of(80, still[-1]) is None
