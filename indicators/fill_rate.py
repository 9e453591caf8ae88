"""How fast a bin fills: robust trend since the last emptying, exponential smoothing, and profiles by the hour."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations, pairwise

from indicators.errors import IndicatorError
from indicators.fill import FillReading
from indicators.quantiles import median

HOUR = timedelta(hours=1)
WEEK_HOURS = 168
PROFILE_AFTER = timedelta(weeks=4)
FORECAST_WEEKS = 8  # a bin that does not fill within these is not forecast


@dataclass(frozen=True, slots=True)
class Trend:
    """A line: `slope` in points per hour, `intercept` in percent at hour 0."""

    slope: float
    intercept: float

    def hours_to(self, level: float) -> float | None:
        """Return the hour at which the line reaches `level` percent; None where it does not rise."""
        return (level - self.intercept) / self.slope if self.slope > 0 else None


def theil_sen(hours: Sequence[float], levels: Sequence[float]) -> Trend | None:
    """Return the Theil-Sen line through `levels` (percent) at `hours`; None below two different hours.

    Slope is the median of all pairwise slopes, intercept median level less slope times median hour: up to 29 % of
    readings may be outliers. Least squares lets one spike lift the line.
    """
    points = list(zip(hours, levels, strict=True))
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2) if x2 != x1]
    if not slopes:
        return None
    slope = median(slopes)
    return Trend(slope, median(levels) - slope * median(hours))


@dataclass(frozen=True, slots=True)
class Holt:
    """Double exponential smoothing: `level` now and `trend` per step (Holt 1957)."""

    level: float
    trend: float

    @classmethod
    def fit(cls, levels: Sequence[float], alpha: float = 0.5, beta: float = 0.2) -> "Holt":
        """Return the smoothing after all `levels`, equally spaced; starts from y0 and y1 - y0."""
        if len(levels) < 2:
            raise IndicatorError(f"smoothing with a trend takes two levels and more, not {len(levels)}")
        level, trend = levels[0], levels[1] - levels[0]
        for value in levels[1:]:
            before = level
            level = alpha * value + (1 - alpha) * (before + trend)
            trend = beta * (level - before) + (1 - beta) * trend
        return cls(level, trend)

    def ahead(self, steps: float) -> float:
        """Return the level expected `steps` later."""
        return self.level + self.trend * steps


@dataclass(frozen=True, slots=True)
class RateProfile:
    """Points per hour, in the time zone of the readings, for each of the 168 hours of the week, Monday 00 h first, or
    for each of the 24 hours of the day.
    """

    rates: tuple[float, ...]

    def time_of(self, level: float, start: FillReading) -> datetime | None:
        """Return when the bin reaches `level` percent from `start`; None if not within eight weeks."""
        filled, first, slots = start.level, _slot(start.time, len(self.rates)), len(self.rates)
        for at in range(FORECAST_WEEKS * WEEK_HOURS):
            if filled >= level:
                return start.time + at * HOUR
            rate = self.rates[(first + at) % slots]
            if rate > 0 and filled + rate >= level:
                return start.time + HOUR * (at + (level - filled) / rate)
            filled += rate
        return None

    def rise(self, start: datetime, end: datetime) -> float:
        """Return the points that usually come between `start` and `end`."""
        whole, rest = divmod(end - start, HOUR)
        first, slots = _slot(start, len(self.rates)), len(self.rates)
        points = sum(self.rates[(first + at) % slots] for at in range(whole))
        return points + self.rates[(first + whole) % slots] * (rest / HOUR)

    def times(self, pace: float) -> "RateProfile":
        """Return the same at `pace` times the rates."""
        return RateProfile(tuple(pace * rate for rate in self.rates))


def rate_profile(
    readings: Iterable[FillReading], slots: int = WEEK_HOURS, after: timedelta = PROFILE_AFTER
) -> RateProfile | None:
    """Return the profile of a bin's rises by the hour of the week, or of the day with 24 `slots`.

    None below four weeks of readings, or what `after` says. Each rise between neighbouring readings is spread evenly
    over the hours between them; drops are emptyings and count neither as filling nor as time.
    """
    ordered = list(readings)
    if not ordered or ordered[-1].time - ordered[0].time < after:
        return None
    rise: defaultdict[int, float] = defaultdict(float)
    hours: defaultdict[int, float] = defaultdict(float)
    for before, after_it in pairwise(ordered):
        span = (after_it.time - before.time) / HOUR
        if after_it.level < before.level or span > WEEK_HOURS:
            continue
        per_hour, slot = (after_it.level - before.level) / span, _slot(before.time, slots)
        whole, rest = divmod(after_it.time - before.time, HOUR)
        for _ in range(whole):
            rise[slot] += per_hour
            hours[slot] += 1.0
            slot = (slot + 1) % slots
        if rest:
            rise[slot] += per_hour * (rest / HOUR)
            hours[slot] += rest / HOUR
    if not hours:
        return None
    usual = sum(rise.values()) / sum(hours.values())
    return RateProfile(tuple(rise[slot] / hours[slot] if slot in hours else usual for slot in range(slots)))


def _slot(time: datetime, slots: int) -> int:
    return (time.weekday() * 24 + time.hour) % slots
