"""Did a measure change anything? Two periods compared on matched hours of the week, with interval and n.

Each day becomes one number: its total over what the period before had at the same hours of the week (holidays as
Sundays), so that a missing night or another mix of weekdays cannot look like an effect. With a control place, its
number for the day is divided out, which removes weather and season that both share. Days resemble the days before them:
the error of their mean counts autocorrelation over up to two weeks (Newey and West 1987), and the Student quantile has
the degrees of freedom that such an estimate is worth (1.5 n over the number of lags, for Bartlett weights).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import exp, log, sqrt
from statistics import fmean, variance

from indicators.baseline import hour_of_week
from indicators.errors import IndicatorError
from indicators.quantiles import student

NEEDED_DAYS = 14  # on either side: two weeks, so that every weekday is there twice
LAGS = 14  # days over which days may resemble each other, fewer in short periods
DAYS_PER_LAG = 8

# Local time and value of one hour.
Hours = Sequence[tuple[datetime, float]]


@dataclass(frozen=True, slots=True)
class Effect:
    """Relative change from before to after: 0.1 is 10 % more. `low` to `high` holds it with probability `share`.

    `found` says that the interval leaves 0 out. `days_before`, `days_after` count the days, `hours` the matched hours.
    """

    change: float
    low: float
    high: float
    share: float
    found: bool
    days_before: int
    days_after: int
    hours: int


def compare(
    before: Hours,
    after: Hours,
    control: Hours = (),
    holidays: Collection[date] = (),
    share: float = 0.99,
) -> Effect | None:
    """Return the relative change between two periods of one place; None with fewer than 14 usable days on either side.

    Times are local. `control` has the hours of an untouched place over both periods; only days it covers then count.
    Raises IndicatorError for periods that overlap, or values that leave nothing to relate to.
    """
    if before and after and max(time for time, _ in before) >= min(time for time, _ in after):
        raise IndicatorError("the period before must end ahead of the period after")
    days_before, days_after, hours = _daily_ratios(before, after, holidays)
    if control:
        last_before = max((day for day in days_before), default=date.min)
        steady_before, steady_after, _ = _daily_ratios(
            [each for each in control if each[0].date() <= last_before],
            [each for each in control if each[0].date() > last_before],
            holidays,
        )
        days_before, days_after = _relate(days_before, steady_before), _relate(days_after, steady_after)
    if min(len(days_before), len(days_after)) < NEEDED_DAYS:
        return None
    old, new = _mean_and_error(days_before), _mean_and_error(days_after)
    middle = log(new.mean / old.mean)
    error = sqrt((new.error / new.mean) ** 2 + (old.error / old.mean) ** 2)
    reach = error * student(share, min(old.freedom, new.freedom))
    low, high = exp(middle - reach) - 1, exp(middle + reach) - 1
    return Effect(
        change=exp(middle) - 1,
        low=low,
        high=high,
        share=share,
        found=not low <= 0 <= high,
        days_before=len(days_before),
        days_after=len(days_after),
        hours=hours,
    )


def compare_by_district(
    before: Mapping[str, Hours],
    after: Mapping[str, Hours],
    holidays: Collection[date] = (),
    share: float = 0.99,
) -> dict[str, Effect | None]:
    """Return `compare` for every district that both periods name."""
    return {name: compare(before[name], after[name], (), holidays, share) for name in before if name in after}


@dataclass(frozen=True, slots=True)
class _Mean:
    mean: float
    error: float
    freedom: float


def _daily_ratios(
    before: Hours, after: Hours, holidays: Collection[date]
) -> tuple[dict[date, float], dict[date, float], int]:
    """Return each day's total over the usual total of the same hours of the week, and how many hours were matched."""
    by_slot: defaultdict[int, list[float]] = defaultdict(list)
    for time, value in before:
        by_slot[hour_of_week(time, holidays)].append(value)
    matched = {hour_of_week(time, holidays) for time, _ in after} & by_slot.keys()
    reference = {slot: fmean(by_slot[slot]) for slot in matched}
    ratios = []
    hours = 0
    for period in (before, after):
        seen: defaultdict[date, list[tuple[float, float]]] = defaultdict(list)
        for time, value in period:
            slot = hour_of_week(time, holidays)
            if slot in reference:
                seen[time.date()].append((value, reference[slot]))
                hours += 1
        totals = {day: (sum(v for v, _ in pairs), sum(r for _, r in pairs)) for day, pairs in seen.items()}
        ratios.append({day: value / usual for day, (value, usual) in totals.items() if usual > 0})
    return ratios[0], ratios[1], hours


def _relate(days: Mapping[date, float], control: Mapping[date, float]) -> dict[date, float]:
    return {day: ratio / control[day] for day, ratio in days.items() if control.get(day, 0) > 0}


def _mean_and_error(days: Mapping[date, float]) -> _Mean:
    ratios = [days[day] for day in sorted(days)]
    mean = fmean(ratios)
    if mean <= 0:
        raise IndicatorError(f"a relative change needs values that are above 0 on the whole; their mean is {mean:g}")
    off = [ratio - mean for ratio in ratios]
    spread = variance(ratios)
    lags = min(LAGS, len(off) // DAYS_PER_LAG)
    # Bartlett weights keep the long-run variance above 0; less than that of independent days is not believed.
    shared = sum((1 - lag / (lags + 1)) * _products(off, lag) for lag in range(1, lags + 1)) / len(off)
    long_run = max(spread + 2 * shared, spread)
    return _Mean(mean, sqrt(long_run / len(off)), min(1.5 * len(off) / lags, len(off) - 1))


def _products(off: Sequence[float], lag: int) -> float:
    return sum(one * two for one, two in zip(off, off[lag:], strict=False))
