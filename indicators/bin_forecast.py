"""How fast a bin fills and when it will be full, after one of its readings.

A bin fills by day and rests at night: the line through a morning calls it full by the evening, wrongly. So the way
ahead is the bin's own usual day, at the pace that this cycle has kept so far. Until that day is known, a straight line
must do; where it rests on less than a day it is suspect, and no rule raises upon it.
"""

from collections.abc import Sequence
from datetime import timedelta

from devices.model import QualityFlag
from indicators.derived import HOUR, NO_VALUE, Value
from indicators.emptying import Standing, emptyings
from indicators.fill import FillReading
from indicators.fill_rate import FORECAST_WEEKS, WEEK_HOURS, rate_profile, theil_sen
from indicators.thresholds import table_for

MOST_POINTS = 48  # of a line: pairs of points grow with the square
LEAST_POINTS = 3
LEAST_SPAN = timedelta(hours=2)
DAY = timedelta(days=1)
DAY_HOURS = 24
PROFILE_AFTER = timedelta(days=3)
USUAL_WEIGHT = 10.0  # points of fill that the usual pace is worth: few readings do not make a pace


def bin_forecast(past: Sequence[FillReading], newest: FillReading, quality: QualityFlag) -> dict[str, Value]:
    """Return fill_rate (%/h) and time_to_full (h) of a bin at `newest`, its reading of that `quality`.

    `past` are readings before it, in time order, one an hour at most. None of both until three readings over two hours
    stand since the last emptying; no time to full where the bin does not fill within eight weeks, and a suspect one
    where neither three days of the bin nor one day of this cycle are known. A low reading that is perhaps a spike
    neither starts the cycle anew nor is part of it.
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
    quality_ahead = quality
    if newest.level >= (full := table_for("waste").section("levels")["overflow"]):
        hours: float | None = 0.0
    elif profile := rate_profile([each for each in readings if each.time not in doubtful], DAY_HOURS, PROFILE_AFTER):
        come, usual = newest.level - cycle[0].level, profile.rise(cycle[0].time, newest.time)
        pace = max(come + USUAL_WEIGHT, 0.0) / (usual + USUAL_WEIGHT)
        when = profile.times(pace).time_of(full, newest)
        hours = None if when is None else (when - newest.time) / HOUR
    else:
        hours = (full - newest.level) / trend.slope if trend.slope > 0 else None
        if newest.time - cycle[0].time < DAY:
            quality_ahead = max(quality, QualityFlag.SUSPECT)
    if hours is not None and hours > FORECAST_WEEKS * WEEK_HOURS:
        hours = None
    return {
        "fill_rate": Value(round(max(trend.slope, 0.0), 4), quality),
        "time_to_full": NO_VALUE if hours is None else Value(round(hours, 3), quality_ahead),
    }


def _thin(readings: Sequence[FillReading]) -> Sequence[FillReading]:
    """Return at most `MOST_POINTS` of the readings, evenly chosen, the newest among them."""
    if len(readings) <= MOST_POINTS:
        return readings
    last = len(readings) - 1
    return [readings[round(each * last / (MOST_POINTS - 1))] for each in range(MOST_POINTS)]
