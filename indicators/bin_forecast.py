"""How fast a bin fills and when it will be full, after one of its readings."""

from collections.abc import Sequence
from datetime import timedelta

from devices.model import QualityFlag
from indicators.derived import HOUR, NO_VALUE, Value
from indicators.emptying import Standing, emptyings
from indicators.fill import FillReading
from indicators.fill_rate import FORECAST_WEEKS, WEEK_HOURS, theil_sen
from indicators.thresholds import table_for

MOST_POINTS = 48  # of a line: pairs of points grow with the square
LEAST_POINTS = 3
LEAST_SPAN = timedelta(hours=2)


def bin_forecast(past: Sequence[FillReading], newest: FillReading, quality: QualityFlag) -> dict[str, Value]:
    """Return fill_rate (%/h) and time_to_full (h) of a bin at `newest`, its reading of that `quality`.

    `past` are readings before it, in time order, one an hour at most. None of both until three readings over two hours
    stand since the last emptying; no time to full where the bin does not fill within eight weeks. A low reading that is
    perhaps a spike neither starts the line anew nor is part of it.
    """
    readings = [*past, newest]
    found = emptyings(readings)
    if found and found[-1].standing is Standing.PENDING:
        return {"fill_rate": NO_VALUE, "time_to_full": NO_VALUE}
    doubtful = {each.time for each in found if each.standing is Standing.UNCERTAIN}
    start = max((each.time for each in found if each.standing is Standing.CONFIRMED), default=readings[0].time)
    cycle = _thin([each for each in readings if each.time >= start and each.time not in doubtful])
    if len(cycle) < LEAST_POINTS or newest.time - cycle[0].time < LEAST_SPAN:
        return {"fill_rate": NO_VALUE, "time_to_full": NO_VALUE}
    trend = theil_sen([(each.time - newest.time) / HOUR for each in cycle], [each.level for each in cycle])
    assert trend is not None, "times rise, so there are slopes"
    full = table_for("waste").section("levels")["overflow"]
    hours = 0.0 if newest.level >= full else trend.hours_to(full)
    if hours is not None and hours > FORECAST_WEEKS * WEEK_HOURS:
        hours = None
    return {
        "fill_rate": Value(round(max(trend.slope, 0.0), 4), quality),
        "time_to_full": NO_VALUE if hours is None else Value(round(max(hours, 0.0), 3), quality),
    }


def _thin(readings: Sequence[FillReading]) -> Sequence[FillReading]:
    """Return at most `MOST_POINTS` of the readings, evenly chosen, the newest among them."""
    if len(readings) <= MOST_POINTS:
        return readings
    last = len(readings) - 1
    return [readings[round(each * last / (MOST_POINTS - 1))] for each in range(MOST_POINTS)]
