"""When will this bin be full? A forecast with a band that its own past forecasts have earned.

Rate: Theil-Sen slope since the last emptying, drawn towards the bin's usual rate while that slope rests on few
readings. Band: quantiles of (hours it took / hours forecast) over the bin's past forecasts from about the same level,
with the finite-sample ranks of conformal prediction, so that nothing is assumed about the shape of the errors.
"""

import math
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from indicators.emptying import Emptying
from indicators.errors import IndicatorError
from indicators.fill import FillReading
from indicators.fill_rate import HOUR, theil_sen
from indicators.quantiles import median

# Chosen on the first eight Wyndham bins (docs/proof): error fell up to 12, the band cared little.
USUAL_RATE_WEIGHT = 12  # readings that the usual rate is worth
SLOPE_READINGS = 14  # newest readings of a cycle that the slope rests on
USUAL_CYCLES = 20
NEEDED_CYCLES = 5
KEPT_OUTCOMES = 200  # per level class: old habits are forgotten
NEEDED_OUTCOMES = 20
LONGEST_GAP = timedelta(days=5)
CLASS_WIDTH = 25.0  # points: quartiles are what coarse sensors can be trusted with


@dataclass(frozen=True, slots=True)
class TimeToFull:
    """Time from the newest reading until the bin is full, and the band that holds it with the asked-for share.

    `low` and `high` are None until the bin has `NEEDED_OUTCOMES` past forecasts from such a level.
    """

    expected: timedelta
    low: timedelta | None
    high: timedelta | None
    share: float


@dataclass(slots=True)
class FillHistory:
    """What one bin's completed cycles have taught; `full` is the level (percent) that counts as full."""

    full: float = 80.0
    rates: deque[float] = field(default_factory=lambda: deque(maxlen=USUAL_CYCLES))
    ratios: dict[int, deque[float]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=KEPT_OUTCOMES)),
    )

    def learn(self, cycle: Sequence[FillReading]) -> None:
        """Take in one cycle: the readings from the first after an emptying to the first at `full` and above.

        A cycle that ended before the bin was full says nothing about when it would have been: leave it out.
        Raises IndicatorError where only the last reading should be full and is not.
        """
        if len(cycle) < 2 or cycle[-1].level < self.full or any(each.level >= self.full for each in cycle[:-1]):
            raise IndicatorError(f"a cycle ends with its first reading at {self.full} % or above, after lower ones")
        for at in range(1, len(cycle)):
            expected = self._hours(cycle[:at])
            if expected is not None:
                took = (cycle[-1].time - cycle[at - 1].time) / HOUR
                self.ratios[_level_class(cycle[at - 1].level)].append(took / expected)
        first, last = cycle[0], cycle[-1]
        self.rates.append((last.level - first.level) / ((last.time - first.time) / HOUR))

    def forecast(self, since_emptying: Sequence[FillReading], share: float = 0.9) -> TimeToFull | None:
        """Return the forecast from the newest of the readings since the last emptying.

        None while fewer than five cycles are known, or where the bin is full already.
        """
        if not since_emptying or since_emptying[-1].level >= self.full:
            return None
        hours = self._hours(since_emptying)
        if hours is None:
            return None
        known = sorted(self.ratios.get(_level_class(since_emptying[-1].level), ()))
        expected = timedelta(hours=hours)
        if len(known) < NEEDED_OUTCOMES:
            return TimeToFull(expected, None, None, share)
        tail = (1 - share) / 2 * (len(known) + 1)
        low = known[math.floor(tail) - 1] if tail >= 1 else 0.0
        high = known[min(math.ceil(len(known) + 1 - tail), len(known)) - 1]
        return TimeToFull(expected, expected * low, expected * high, share)

    def _hours(self, since_emptying: Sequence[FillReading]) -> float | None:
        if len(self.rates) < NEEDED_CYCLES:
            return None
        newest = since_emptying[-1]
        recent = since_emptying[-SLOPE_READINGS:]
        trend = theil_sen(
            [(each.time - newest.time) / HOUR for each in recent],
            [each.level for each in recent],
        )
        slope = max(trend.slope, 0.0) if trend else 0.0
        behind = len(since_emptying) - 1
        rate = (behind * slope + USUAL_RATE_WEIGHT * median(self.rates)) / (behind + USUAL_RATE_WEIGHT)
        return (self.full - newest.level) / rate


def completed_cycles(
    readings: Sequence[FillReading], emptied: Sequence[Emptying], full: float
) -> list[list[FillReading]]:
    """Return the cycles of one bin that `FillHistory.learn` takes: from an emptying to the first reading at `full`.

    `emptied` are the emptyings found in `readings`. Cycles cut short by the next emptying or torn by a gap of more than
    five days are left out, as is the time a bin stays full.
    """
    starts = {each.time for each in emptied}
    cycles: list[list[FillReading]] = []
    current: list[FillReading] | None = None
    for at, reading in enumerate(readings):
        if reading.time in starts:
            current = []
        elif at and reading.time - readings[at - 1].time > LONGEST_GAP:
            current = None
        if current is None:
            continue
        current.append(reading)
        if reading.level >= full:
            if len(current) > 1:
                cycles.append(current)
            current = None
    return cycles


def _level_class(level: float) -> int:
    return int(level // CLASS_WIDTH)
