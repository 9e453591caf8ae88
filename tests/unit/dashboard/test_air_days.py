"""Hours made into days: what is a full day, the highest eight hours, the worst level, and the calendar's weeks."""

from datetime import UTC, date, datetime, timedelta, timezone

from dashboard.air_days import daily_highest_eight, daily_means, hours_of, worst_levels
from dashboard.components.forecast import forecast_figure
from dashboard.components.index_calendar import calendar_weeks
from dashboard.shapes import Forecast, Point

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)


def day_of(values: list[float], begin: datetime = MONDAY) -> dict[datetime, float]:
    return {begin + at * HOUR: value for at, value in enumerate(values)}


def test_a_daily_mean_needs_three_quarters_of_its_hours() -> None:
    assert daily_means(day_of([10.0] * 9 + [20.0] * 9), UTC) == {date(2026, 11, 23): 15.0}
    assert daily_means(day_of([10.0] * 17), UTC) == {}


def test_days_are_the_readers() -> None:
    east = timezone(8 * HOUR)
    assert daily_means(day_of([1.0] * 24, MONDAY - 8 * HOUR), east) == {date(2026, 11, 23): 1.0}


def test_the_highest_eight_hours_of_a_day_and_none_of_a_day_with_few() -> None:
    values = [10.0] * 8 + [50.0] * 8 + [10.0] * 8
    assert daily_highest_eight(day_of(values), UTC) == {date(2026, 11, 23): 50.0}
    assert daily_highest_eight(day_of([50.0] * 12), UTC) == {}


def test_the_worst_hour_and_pollutant_decide_the_day() -> None:
    levels = worst_levels({"pm2_5": day_of([4.0] * 24), "no2": day_of([9.0] * 23 + [101.0])}, UTC)
    band = levels[date(2026, 11, 23)]
    assert (band.level, band.responsible) == (5, "no2")


def test_calendar_weeks_begin_on_monday_and_the_last_holds_today() -> None:
    weeks = calendar_weeks(date(2026, 11, 25), 6)
    assert [len(week) for week in weeks] == [7] * 6
    assert weeks[0][0] == date(2026, 10, 19)
    assert date(2026, 11, 25) in weeks[-1]


def test_missing_values_are_left_out() -> None:
    def point(hour: int, value: float | None) -> Point:
        at = (MONDAY + hour * HOUR).isoformat()
        return {"time": at, "value": value, "min": value, "max": value, "n": 1, "good_share": 1.0}

    assert hours_of([point(0, 1.5), point(1, None)]) == {MONDAY: 1.5}


def test_the_forecast_stands_beside_the_same_hours_of_the_week_before() -> None:
    forecast: Forecast = {
        "property": "no2",
        "unit": "ug/m3",
        "share": 0.9,
        "points": [{"time": MONDAY.isoformat(), "expected": 20.0, "low": 15.0, "high": 26.0}],
        "score": None,
    }
    hours = {MONDAY - HOUR: 18.0, MONDAY - timedelta(days=7): 31.0}
    drawn = {trace["name"]: trace["y"] for trace in forecast_figure(forecast, hours, UTC)["data"]}
    assert drawn == {
        "Measured": [18.0],
        "Band, lower end": [15.0],
        "Band, upper end": [26.0],
        "Expected": [20.0],
        "Same hour last week": [31.0],
    }
