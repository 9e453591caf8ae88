"""Reads the hours that forecasts and what is usual rest on, and works them out."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from devices.model import QualityFlag
from indicators.derived import (
    FORECAST_INPUTS,
    HOUR,
    NO_VALUE,
    USUAL_INPUTS,
    Value,
    expected_in,
    flag,
    next_day,
)
from indicators.dues import Derived, Due, told
from indicators.forecast import HISTORY_WEEKS, WEEK_HOURS, HourlySeries, forecast_day
from indicators.minimum_data import hour_is_valid
from indicators.usual_hour import Calendar, like_hours, usual_hour
from sql.connection import Connection
from sql.queries import query

HISTORY_HOURS = HISTORY_WEEKS * WEEK_HOURS


async def derive_forecasts(connection: Connection, dues: Sequence[Due], calendar: Calendar) -> list[Derived]:
    """Return the highest hour expected within 24 hours of each due; it is worked out beside the event loop."""
    found: list[Derived] = []
    for due in dues:
        since = due.due_at - HISTORY_HOURS * HOUR
        rows = await connection.fetch(
            query("indicators", "hour_sums"), [due.device_id], [since], [due.due_at], list(FORECAST_INPUTS)
        )
        series: defaultdict[str, dict[datetime, float]] = defaultdict(dict)
        for row in rows:
            if row["n"]:
                series[row["property"]][row["bucket"]] = row["sum"] / row["n"]
        for name, means in series.items():
            # The newest hour must be there: what is expected from tomorrow on is no forecast of today's.
            highest = None
            if due.due_at - HOUR in means:
                highest = await asyncio.to_thread(highest_expected, means, due.due_at, calendar)
            value = NO_VALUE if highest is None else Value(round(highest, 4), QualityFlag.GOOD)
            found += told(due, {next_day(name): value})
    return found


def highest_expected(means: dict[datetime, float], end: datetime, calendar: Calendar) -> float | None:
    """Return the highest of the 24 hourly means expected after `end`; None without three weeks of history."""
    start = min(means)
    values = [means.get(start + at * HOUR) for at in range((end - start) // HOUR)]
    forecast = forecast_day(HourlySeries.of(start, values, calendar.zone, calendar.holidays), floor=0.0)
    return None if forecast is None else max(point.expected for point in forecast.points)


async def derive_usual(connection: Connection, dues: Sequence[Due], calendar: Calendar) -> list[Derived]:
    """Return what is usual at the hour of each due, and how far the hour is off."""
    asked = [
        (due.device_id, hour) for due in dues for hour in (*like_hours(due.due_at - HOUR, calendar), due.due_at - HOUR)
    ]
    rows = await connection.fetch(
        query("indicators", "single_hours"),
        [device_id for device_id, _ in asked],
        [hour for _, hour in asked],
        list(USUAL_INPUTS),
    )
    hours = {(row["device_id"], row["property"], row["bucket"]): row for row in rows}
    found: list[Derived] = []
    for due in dues:
        start = due.due_at - timedelta(hours=1)
        for name in USUAL_INPUTS:
            now = hours.get((due.device_id, name, start))
            if now is None:
                continue
            if not hour_is_valid(now["n"], expected_in(HOUR, due.interval)):
                found += told(due, {f"{name}_usual": NO_VALUE, f"{name}_deviation": NO_VALUE})
                continue
            past = [
                row["sum"] / row["n"]
                for hour in like_hours(start, calendar)
                if (row := hours.get((due.device_id, name, hour))) is not None
            ]
            quality = flag(now["n_good"], now["n"])
            found += told(due, usual_hour(name, now["sum"] / now["n"], past, quality))
    return found
