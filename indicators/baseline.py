"""What is usual at this hour of the week: median and spread per slot, and how far a value is from it.

Robust z after Iglewicz and Hoaglin (1993). Needs no tuning: a handful of past weeks is enough, and outliers among them
do no harm. Holidays count as Sundays.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from indicators.errors import IndicatorError
from indicators.quantiles import median

NORMAL_MAD = 0.6745  # MAD of a normal distribution, in standard deviations
NORMAL_MEAN_DEVIATION = 1.2533  # standard deviations in one mean absolute deviation
ANOMALY = 3.5
SUNDAY = 6


@dataclass(frozen=True, slots=True)
class Usual:
    """Median of a slot, its median absolute deviation and mean absolute deviation (unit of the values), and n."""

    median: float
    mad: float
    mean_deviation: float
    n: int

    @property
    def deviation(self) -> float | None:
        """Return a robust standard deviation; None where no value ever differed."""
        if self.mad > 0:
            return self.mad / NORMAL_MAD
        return self.mean_deviation * NORMAL_MEAN_DEVIATION or None

    def score(self, value: float) -> float | None:
        """Return the robust z of `value`: (x - median) in robust standard deviations; None without any spread."""
        return (value - self.median) / self.deviation if self.deviation else None

    def anomalous(self, value: float) -> bool | None:
        """Return whether `value` lies more than 3.5 robust deviations off; None where that cannot be said."""
        score = self.score(value)
        return None if score is None else abs(score) > ANOMALY


def usual(values: Sequence[float]) -> Usual:
    """Return median and spread of `values`; raise IndicatorError where there are none."""
    if not values:
        raise IndicatorError("nothing is usual without values")
    middle = median(values)
    deviations = [abs(value - middle) for value in values]
    return Usual(middle, median(deviations), sum(deviations) / len(deviations), len(values))


def hour_of_week(time: datetime, holidays: Collection[date] = ()) -> int:
    """Return the slot 0 (Monday 00 h) to 167 of `time` in its own time zone; a holiday has the slots of a Sunday."""
    weekday = SUNDAY if time.date() in holidays else time.weekday()
    return weekday * 24 + time.hour


@dataclass(frozen=True, slots=True)
class WeeklyBaseline:
    """What is usual in each hour of the week at one place; slots without enough values are not there."""

    slots: Mapping[int, Usual]
    holidays: frozenset[date] = frozenset()

    def at(self, time: datetime) -> Usual | None:
        """Return what is usual at `time`; None where the baseline cannot tell."""
        return self.slots.get(hour_of_week(time, self.holidays))

    def explain(self, time: datetime, value: float) -> str:
        """Return a sentence such as '455 against usual 406.5 for Tue 08h (z 5.5, n 8)'."""
        known = self.at(time)
        if known is None:
            return f"{value:g}: nothing is known about {time:%a %H}h"
        score = known.score(value)
        told = "no spread" if score is None else f"z {score:.1f}"
        return f"{value:g} against usual {known.median:g} for {time:%a %H}h ({told}, n {known.n})"


def weekly_baseline(
    values: Iterable[tuple[datetime, float]], holidays: Collection[date] = (), needed: int = 4
) -> WeeklyBaseline:
    """Return the baseline of local times and values; a slot needs `needed` values (weeks) to be there."""
    free = frozenset(holidays)
    slots: defaultdict[int, list[float]] = defaultdict(list)
    for time, value in values:
        slots[hour_of_week(time, free)].append(value)
    return WeeklyBaseline({slot: usual(seen) for slot, seen in slots.items() if len(seen) >= needed}, free)
