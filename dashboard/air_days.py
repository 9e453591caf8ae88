"""Hours of air made into days: daily means, the highest eight hours, and the worst index level of each day."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo

from dashboard.bands import Band, air_band
from dashboard.shapes import Point
from dashboard.units import parse_time

FULL_DAY = 18  # hours that a daily mean needs, three quarters
FULL_EIGHT = 6  # of eight hours, likewise
HOUR = timedelta(hours=1)

Hours = Mapping[datetime, float]


def hours_of(points: Sequence[Point]) -> dict[datetime, float]:
    """Return the hourly values that are there by the beginning of their hour, in UTC."""
    return {
        at: point["value"]
        for point in points
        if point["value"] is not None and (at := parse_time(point["time"])) is not None
    }


def daily_means(hours: Hours, zone: tzinfo) -> dict[date, float]:
    """Return the mean of each of the reader's days that has enough hours."""
    by_day: dict[date, list[float]] = {}
    for at, value in hours.items():
        by_day.setdefault(at.astimezone(zone).date(), []).append(value)
    return {day: sum(values) / len(values) for day, values in by_day.items() if len(values) >= FULL_DAY}


def daily_highest_eight(hours: Hours, zone: tzinfo) -> dict[date, float]:
    """Return the highest mean of eight hours that end on each of the reader's days that has enough such means."""
    means: dict[date, list[float]] = {}
    for last in hours:
        values = [hours[at] for back in range(8) if (at := last - back * HOUR) in hours]
        if len(values) < FULL_EIGHT:
            continue
        # The hour that begins at `last` ends an hour later; at midnight that still is the day before.
        means.setdefault(last.astimezone(zone).date(), []).append(sum(values) / len(values))
    return {day: max(found) for day, found in means.items() if len(found) >= FULL_DAY}


def worst_levels(hours: Mapping[str, Hours], zone: tzinfo) -> dict[date, Band]:
    """Return the worst hourly index level of each day; `hours` is by pollutant."""
    worst: dict[date, Band] = {}
    for at in sorted({at for one in hours.values() for at in one}):
        band = air_band({name: one.get(at) for name, one in hours.items()})
        day = at.astimezone(zone).date()
        if band is not None and (day not in worst or band.level > worst[day].level):
            worst[day] = band
    return worst
