"""How fast a bin fills and when it will be full, after one of its readings.

By its course (`bin_course`), with the band that its past forecasts have earned (`time_to_full`). Until its usual day is
known, a straight line must do; where it rests on less than a day it is suspect, and no rule raises upon it.
"""

from collections.abc import Sequence
from datetime import timedelta

from devices.model import QualityFlag
from indicators.bin_course import Course, course
from indicators.derived import HOUR, NO_VALUE, Value
from indicators.fill import FillReading
from indicators.fill_rate import FORECAST_WEEKS, WEEK_HOURS, theil_sen
from indicators.time_to_full import Trust, evenly

MOST_POINTS = 48  # of a line: pairs of points grow with the square
LEAST_POINTS = 3
LEAST_SPAN = timedelta(hours=2)
DAY = timedelta(days=1)
MOST_HOURS = FORECAST_WEEKS * WEEK_HOURS
NAMES = ("fill_rate", "time_to_full", "time_to_full_low", "time_to_full_high")
NOTHING = dict.fromkeys(NAMES, NO_VALUE)


def bin_forecast(
    past: Sequence[FillReading],
    newest: FillReading,
    quality: QualityFlag,
    full: float,
    known: Trust | None = None,
) -> dict[str, Value]:
    """Return fill_rate (%/h), time_to_full (h) and its band of a bin at `newest`, its reading of that `quality`.

    `past` are readings before it, in time order, one an hour at most; `full` is the level (percent) that counts as
    full; `known` is what its past forecasts have taught. No rate until three readings over two hours stand since the
    last emptying; no time to full where the bin does not fill within eight weeks, and a suspect one where neither three
    days of the bin nor one day of this cycle are known; no band before it is earned, and none around a line.
    """
    now = course([*past, newest])
    if now is None:
        return NOTHING
    rate = _rate(now)
    if newest.level >= full:
        hours: float | None = 0.0
        ends: tuple[float | None, float | None] = (0.0, 0.0)
    elif now.usual is not None:
        hours = now.hours_to(full)
        band = known.band(now.situation(full)) if known else None
        ends = (None, None) if band is None or hours is None else (hours * band.low, hours * band.high)
    else:
        hours = (full - newest.level) / rate if rate is not None and rate > 0 else None
        ends = (None, None)
    by_short_line = now.usual is None and newest.time - now.cycle[0].time < DAY
    ahead = max(quality, QualityFlag.SUSPECT) if by_short_line and newest.level < full else quality
    return {
        "fill_rate": NO_VALUE if rate is None else Value(round(max(rate, 0.0), 4), quality),
        "time_to_full": _told(hours, ahead),
        "time_to_full_low": _told(ends[0], ahead),
        "time_to_full_high": _told(ends[1], ahead),
    }


def _told(hours: float | None, quality: QualityFlag) -> Value:
    return NO_VALUE if hours is None or hours > MOST_HOURS else Value(round(hours, 3), quality)


def _rate(now: Course) -> float | None:
    """Return the points per hour since the last emptying; None where too little stands since."""
    cycle = _thin(now.cycle)
    if len(cycle) < LEAST_POINTS or now.newest.time - cycle[0].time < LEAST_SPAN:
        return None
    trend = theil_sen([(each.time - now.newest.time) / HOUR for each in cycle], [each.level for each in cycle])
    assert trend is not None, "times rise, so there are slopes"
    return trend.slope


def _thin(readings: Sequence[FillReading]) -> Sequence[FillReading]:
    return [readings[at] for at in evenly(len(readings), MOST_POINTS)]
