"""Is this value strange for this series? A detector for traffic series that looks back only and needs no tuning.

Every value is compared, on a logarithmic scale, with the same half hour of past weeks or, until three of those are
known, with the same hour of past days. How strange the distance is, the series itself tells: a value is anomalous when
hardly any earlier distance was as large. So the rate of calls is about what was asked for, whatever the series' noise.
A week's reference costs about 10,000 numbers of memory per series: meant for sites that matter, not for every sensor.
"""

from bisect import bisect_left, insort
from collections import defaultdict, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from math import copysign, log1p

from indicators.baseline import NORMAL_MAD, hour_of_week
from indicators.quantiles import median

# Values chosen on the NAB series nyc_taxi, TravelTime_387 and speed_7578 (docs/indicators.md says what else was seen).
NEEDED_PERIODS = 3  # past weeks, or days, that make a reference
KEPT_PER_SLOT = 16  # values of a half hour of the week
KEPT_PER_HOUR = 168  # values of an hour of the day
KEPT_SCORES = 4000
NEEDED_SCORES = 100
SPREAD_FLOOR = 0.5  # of the usual distance: a slot that happened to repeat itself is not that sure
RARE = 0.005
RECENT_DISTANCES = 2000
SPREAD_EVERY = 50  # values between two looks at the usual distance


@dataclass(frozen=True, slots=True)
class SeriesVerdict:
    """How strange one value is: signed robust score, and the share of earlier scores at least as large.

    Both are None while there is no reference; `anomalous` is False then.
    """

    score: float | None
    rarity: float | None
    anomalous: bool


@dataclass(slots=True)
class SeriesDetector:
    """Memory of one series. Feed it values in time order; times are local, so that hours mean what people live by."""

    holidays: frozenset[date] = frozenset()
    by_half_hour: dict[int, deque[tuple[date, float]]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=KEPT_PER_SLOT))
    )
    by_hour: dict[int, deque[tuple[date, float]]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=KEPT_PER_HOUR))
    )
    distances: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT_DISTANCES))
    newest_scores: deque[float] = field(default_factory=deque)
    sorted_scores: list[float] = field(default_factory=list)
    usual_distance: float | None = None
    judged: int = 0

    def judge(self, time: datetime, value: float) -> SeriesVerdict:
        """Return how strange `value` at `time` is, against earlier values only, and remember it."""
        height = copysign(log1p(abs(value)), value)
        half_hour = 2 * hour_of_week(time, self.holidays) + (time.minute >= 30)
        reference = _reference(self.by_half_hour[half_hour]) or _reference(self.by_hour[time.hour])
        self.by_half_hour[half_hour].append((time.date(), height))
        self.by_hour[time.hour].append((time.date(), height))
        if not reference:
            return SeriesVerdict(None, None, False)
        score = self._score(height, reference)
        return self._rank(score)

    def _score(self, height: float, reference: Sequence[float]) -> float:
        middle = median(reference)
        spread = median([abs(each - middle) for each in reference])
        if self.judged % SPREAD_EVERY == 0 and len(self.distances) >= NEEDED_SCORES:
            self.usual_distance = median(self.distances)
        self.judged += 1
        floor = SPREAD_FLOOR * (self.usual_distance if self.usual_distance is not None else spread)
        self.distances.append(abs(height - middle))
        return NORMAL_MAD * (height - middle) / max(spread, floor, 1e-9)

    def _rank(self, score: float) -> SeriesVerdict:
        known, size = len(self.sorted_scores), abs(score)
        as_large = known - bisect_left(self.sorted_scores, size)
        insort(self.sorted_scores, size)
        self.newest_scores.append(size)
        if len(self.newest_scores) > KEPT_SCORES:
            self.sorted_scores.pop(bisect_left(self.sorted_scores, self.newest_scores.popleft()))
        if known < NEEDED_SCORES:
            return SeriesVerdict(score, None, False)
        rarity = (as_large + 1) / (known + 1)
        # A short memory cannot call anything rarer than its own length: there, a record is enough.
        return SeriesVerdict(score, rarity, rarity <= RARE or as_large == 0)


def _reference(slot: Collection[tuple[date, float]]) -> list[float]:
    """Return the heights in `slot`, or none where they are of too few different days."""
    enough = len({day for day, _ in slot}) >= NEEDED_PERIODS
    return [height for _, height in slot] if enough else []
