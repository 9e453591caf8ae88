"""Does a sensor drift away from its neighbours? A daily offset against them, and CUSUM on the days. Pure.

The verdict is "check its calibration", for whoever looks after the devices; it is no alert for the public.
"""

from collections.abc import Sequence

from devices.model import QualityFlag
from indicators.baseline import NORMAL_MAD
from indicators.change_detection import Cusum
from indicators.derived import NO_VALUE, Value
from indicators.quantiles import median

NEEDED_HOURS = 18  # of a day with enough neighbours: three quarters, as for a daily mean
LEARNING_DAYS = 21  # the oldest days say what is usual between this sensor and its neighbours
NEEDED_DAYS = 28
SPAN_DAYS = 90
LEAST_SPREAD = 0.5  # in the unit of the property: two sensors that never differ are not that sure
MOST = 1000.0  # what has drifted further is told as this


def daily_offset(differences: Sequence[float]) -> float | None:
    """Return the median of a day's hourly differences from the neighbours' median; None below 18 hours."""
    return median(differences) if len(differences) >= NEEDED_HOURS else None


def drift(offsets: Sequence[float]) -> float | None:
    """Return how far the newest of the daily `offsets` (oldest first) has drifted, in standard deviations, cumulated.

    Above 0 for a sensor that reads ever more than its neighbours; beyond 5 on either side it is due for a check (the
    sum that CUSUM calls at, with half a deviation of slack). None below four weeks.
    """
    if len(offsets) < NEEDED_DAYS:
        return None
    learnt = offsets[:LEARNING_DAYS]
    middle = median(learnt)
    spread = max(median([abs(each - middle) for each in learnt]) / NORMAL_MAD, LEAST_SPREAD)
    state = Cusum(middle, spread)
    for each in offsets[LEARNING_DAYS:]:
        state = state.step(each)
    return state.high if state.high >= state.low else -state.low


def drift_values(name: str, today: float | None, before: Sequence[float]) -> dict[str, Value]:
    """Return the offset of the property `name` on a day and its drift, from the offsets of the days before."""
    if today is None:
        return {f"{name}_offset": NO_VALUE, f"{name}_drift": NO_VALUE}
    found = drift([*before, today])
    told = NO_VALUE if found is None else Value(round(min(max(found, -MOST), MOST), 3), QualityFlag.GOOD)
    return {f"{name}_offset": Value(round(today, 4), QualityFlag.GOOD), f"{name}_drift": told}
