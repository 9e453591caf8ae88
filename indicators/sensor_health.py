"""Is a device well? Did it report as often as it should, and how long will its battery last?"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from devices.model import QualityFlag
from indicators.derived import DAY, NO_VALUE, Value
from indicators.errors import IndicatorError
from indicators.fill_rate import theil_sen

NEEDED_DAYS = 7
RECHARGED = 10.0  # points from one day to the next: a new battery, or a sunny day; the line starts over
SLOWEST = 0.01  # %/d: a battery that falls more slowly outlives the device
LONGEST = 3650.0  # d
OTHER_RHYTHM = 1.5  # times as long or as short: no jitter, another rhythm
KEEPS_RHYTHM = 90.0  # percent of a rhythm: a device that keeps it is sound, and registered wrongly


def completeness(reports: int, interval: timedelta) -> float | None:
    """Return percent of the reports expected in a day; None for a device that reports less than once a day."""
    if interval <= timedelta(0):
        raise IndicatorError(f"a device cannot report every {interval}")
    if interval > DAY:
        return None
    return min(100.0, 100.0 * reports / (DAY / interval))


def registered_wrongly(reports: int, expected: timedelta, learned: timedelta) -> bool:
    """Return whether a device's `reports` of a day say that it was never to report as often as registered.

    It keeps a slower rhythm of its own, or sends much more than is expected: then a completeness of 25 % for ever, or
    100 % whatever is lost, says nothing of the device. One that merely loses messages keeps no slower rhythm.
    """
    if learned >= OTHER_RHYTHM * expected:
        kept = completeness(reports, learned)
        return kept is not None and kept >= KEEPS_RHYTHM
    return expected >= OTHER_RHYTHM * learned and reports >= OTHER_RHYTHM * (DAY / expected)


def reporting(reports: int, learned: timedelta | None, expected: timedelta) -> dict[str, Value]:
    """Return `completeness` of a day by the registered interval, and by the device's own rhythm where that is known.

    The first is SUSPECT, so that no rule raises upon it, where the device is registered wrongly.
    """
    share = completeness(reports, expected)
    wrong = learned is not None and registered_wrongly(reports, expected, learned)
    own = completeness(reports, learned) if learned is not None else None
    return {
        "completeness": NO_VALUE
        if share is None
        else Value(round(share, 3), QualityFlag.SUSPECT if wrong else QualityFlag.GOOD),
        "completeness_by_rhythm": NO_VALUE if own is None else Value(round(own, 3), QualityFlag.GOOD),
    }


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
