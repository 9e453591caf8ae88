"""The next day of a series: shape, honesty of the band, and what is too little to forecast from."""

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest

from indicators.errors import IndicatorError
from indicators.forecast import HourlySeries, backtest, forecast_day

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = 168


def weekly(weeks: int, noise: float = 0.0, seed: int = 1) -> list[float | None]:
    """Return hourly values that rise over the day, lower on weekends, with independent noise."""
    chance = np.random.default_rng(seed)
    at = np.arange(weeks * WEEK)
    values = (10 + at % 24) * np.where(at // 24 % 7 >= 5, 0.5, 1.0) + noise * chance.standard_normal(len(at))
    return [float(value) for value in values]


def test_a_regular_series_is_forecast_exactly_by_hour_of_week() -> None:
    forecast = forecast_day(HourlySeries.of(MONDAY, weekly(8)[: 8 * WEEK - 48]))
    assert forecast is not None and (forecast.seasonality, len(forecast.points)) == ("hour_of_week", 24)
    assert forecast.points[0].time == MONDAY + timedelta(hours=8 * WEEK - 48)
    assert [point.expected for point in forecast.points] == pytest.approx([(10 + hour) * 0.5 for hour in range(24)])


def test_a_series_without_weekdays_is_forecast_by_hour_of_day() -> None:
    chance = np.random.default_rng(2)
    values = [float(at % 24 + chance.standard_normal()) for at in range(8 * WEEK)]
    forecast = forecast_day(HourlySeries.of(MONDAY, values))
    assert forecast is not None and forecast.seasonality == "hour_of_day"


def test_hours_are_those_of_the_place() -> None:
    place = timezone(timedelta(hours=3))
    holiday = date(2026, 4, 27)  # the Monday after eight weeks
    series = HourlySeries.of(MONDAY - timedelta(hours=3), weekly(8), zone=place, holidays=[holiday])
    forecast = forecast_day(series)
    assert forecast is not None
    assert forecast.points[0].expected == pytest.approx(5), "a holiday Monday has the values of a Sunday"


def test_the_band_holds_what_it_says() -> None:
    series = HourlySeries.of(MONDAY, weekly(16, noise=2.0))
    score = backtest(series, origins=range(8 * WEEK, 15 * WEEK, 60), share=0.9)
    assert score is not None
    assert 0.86 < score.coverage < 0.94
    assert score.gain > 0.2, "last week's value carries last week's noise as well"


def test_a_floor_bounds_the_band() -> None:
    forecast = forecast_day(HourlySeries.of(MONDAY, weekly(8, noise=20.0)), floor=0.0)
    assert forecast is not None and all(0 <= point.low <= point.expected <= point.high for point in forecast.points)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        pytest.param(weekly(2), "two weeks", id="too short"),
        pytest.param([value if at % 2 else None for at, value in enumerate(weekly(8))], "half is missing", id="gaps"),
    ],
)
def test_too_little_history_gives_no_forecast(values: list[float | None], why: str) -> None:
    assert forecast_day(HourlySeries.of(MONDAY, values)) is None, why
    assert backtest(HourlySeries.of(MONDAY, values), [len(values) - 24]) is None


def test_some_missing_hours_do_no_harm() -> None:
    values = [None if at % 10 == 0 or 500 <= at < 560 else value for at, value in enumerate(weekly(8))]
    forecast = forecast_day(HourlySeries.of(MONDAY, values))
    assert forecast is not None and forecast.points[0].expected == pytest.approx(10)


def test_a_start_must_name_its_zone() -> None:
    with pytest.raises(IndicatorError, match="time zone"):
        HourlySeries.of(MONDAY.replace(tzinfo=None), [])
