"""Is a device well? Did it report as often as it should, and how long will its battery last?"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from indicators.derived import DAY
from indicators.errors import IndicatorError
from indicators.fill_rate import theil_sen

NEEDED_DAYS = 7
RECHARGED = 10.0  # points from one day to the next: a new battery, or a sunny day; the line starts over
SLOWEST = 0.01  # %/d: a battery that falls more slowly outlives the device
LONGEST = 3650.0  # d


def completeness(reports: int, interval: timedelta) -> float | None:
    """Return percent of the reports expected in a day; None for a device that reports less than once a day."""
    if interval <= timedelta(0):
        raise IndicatorError(f"a device cannot report every {interval}")
    if interval > DAY:
        return None
    return min(100.0, 100.0 * reports / (DAY / interval))


def battery_days_left(levels: Sequence[tuple[float, float]]) -> float | None:
    """Return the days until a battery is empty, from (day number, mean percent) in order, at most ten years.

    A Theil-Sen line through the days since the last recharge. None below seven days, or where it does not fall.
    """
    start = 0
    for at, ((_, before), (_, after)) in enumerate(pairwise(levels), start=1):
        if after - before >= RECHARGED:
            start = at
    recent = levels[start:]
    if len(recent) < NEEDED_DAYS:
        return None
    newest = recent[-1][0]
    trend = theil_sen([day - newest for day, _ in recent], [level for _, level in recent])
    if trend is None or trend.slope > -SLOWEST:
        return None
    return min(max(trend.intercept, 0.0) / -trend.slope, LONGEST)
