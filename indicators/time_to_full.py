"""When will this bin be full? A forecast with a band that its own past forecasts have earned.

Rate: Theil-Sen slope since the last emptying, drawn towards the bin's usual rate while that slope rests on few
readings. Band: quantiles of (hours it took / hours forecast) over the bin's past forecasts in a like situation,
with the finite-sample ranks of conformal prediction, so that nothing is assumed about the shape of the errors.
"""

import math
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from indicators.emptying import Emptying, Standing
from indicators.errors import IndicatorError
from indicators.fill import FillReading
from indicators.fill_rate import HOUR, theil_sen
from indicators.quantiles import median

# Values chosen on the first eight Wyndham bins (docs/indicators.md says what else was seen).
USUAL_RATE_WEIGHT = 12  # readings that the usual rate is worth
SLOPE_READINGS = 14  # newest readings of a cycle that the slope rests on
USUAL_CYCLES = 20
NEEDED_CYCLES = 5
KEPT_OUTCOMES = 200  # per situation: old habits are forgotten
NEEDED_OUTCOMES = 20
LONGEST_GAP = timedelta(days=5)
ADAPTION = 0.01  # how fast the tails follow hits and misses
OVERDUE = 1.5  # usual cycles: a bin that stands still so long follows another law
CLASS_WIDTH = 25.0  # points: quartiles are what coarse sensors can be trusted with


@dataclass(frozen=True, slots=True)
class TimeToFull:
    """Time from the newest reading until the bin is full, and the band that holds it with the asked-for share.

    `low` and `high` are None until the bin has had `NEEDED_OUTCOMES` forecasts in such a situation.
    """

    expected: timedelta
    low: timedelta | None
    high: timedelta | None
    share: float


@dataclass(slots=True)
class FillHistory:
    """What one bin's completed cycles have taught.

    `full` is the level (percent) that counts as full, `share` what the band is to hold. `low_tail` and `high_tail` are
    the shares now left out on either side: they shrink after each miss and grow a little after each hit, so that the
    band keeps its word when habits change (adaptive conformal inference, Gibbs and Candes 2021).
    """

    full: float = 80.0
    share: float = 0.9
    low_tail: float = field(init=False)
    high_tail: float = field(init=False)
    rates: deque[float] = field(default_factory=lambda: deque(maxlen=USUAL_CYCLES))
    ratios: dict[tuple[int, bool], deque[float]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=KEPT_OUTCOMES)),
    )

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise IndicatorError(f"a band holds a share between 0 and 1, not {self.share}")
        self.low_tail = self.high_tail = (1 - self.share) / 2

    def learn(self, cycle: Sequence[FillReading]) -> None:
        """Take in one cycle: the readings from the first after an emptying to the first at `full` and above.

        A cycle that ended before the bin was full says nothing about when it would have been: leave it out.
        Raises IndicatorError where only the last reading should be full and is not.
        """
        if len(cycle) < 2 or cycle[-1].level < self.full or any(each.level >= self.full for each in cycle[:-1]):
            raise IndicatorError(f"a cycle ends with its first reading at {self.full} % or above, after lower ones")
        partial = [cycle[:at] for at in range(1, len(cycle))]
        made = [(self._class(seen), seen[-1].time, forecast) for seen in partial if (forecast := self.forecast(seen))]
        for situation, time, forecast in made:
            took = cycle[-1].time - time
            self._adapt(forecast, took)
            self.ratios[situation].append(took / forecast.expected)
        first, last = cycle[0], cycle[-1]
        self.rates.append((last.level - first.level) / ((last.time - first.time) / HOUR))

    def forecast(self, since_emptying: Sequence[FillReading]) -> TimeToFull | None:
        """Return the forecast from the newest of the readings since the last emptying.

        None while fewer than five cycles are known, or where the bin is full already.
        """
        if not since_emptying or since_emptying[-1].level >= self.full:
            return None
        hours = self._hours(since_emptying)
        if hours is None:
            return None
        known = sorted(self.ratios.get(self._class(since_emptying), ()))
        expected = timedelta(hours=hours)
        if len(known) < NEEDED_OUTCOMES:
            return TimeToFull(expected, None, None, self.share)
        ranks = len(known) + 1
        lowest, highest = math.floor(self.low_tail * ranks), math.ceil((1 - self.high_tail) * ranks)
        low = known[lowest - 1] if lowest >= 1 else 0.0
        high = known[min(highest, len(known)) - 1]
        return TimeToFull(expected, expected * low, expected * high, self.share)

    def _adapt(self, forecast: TimeToFull, took: timedelta) -> None:
        if forecast.low is None or forecast.high is None:
            return
        aim = (1 - self.share) / 2
        self.low_tail = _within(self.low_tail + ADAPTION * (aim - (took < forecast.low)), aim)
        self.high_tail = _within(self.high_tail + ADAPTION * (aim - (took > forecast.high)), aim)

    def _class(self, since_emptying: Sequence[FillReading]) -> tuple[int, bool]:
        """Return what is comparable: the quartile of the level, and whether the bin is long overdue."""
        newest = since_emptying[-1]
        age = (newest.time - since_emptying[0].time) / HOUR
        return int(newest.level // CLASS_WIDTH), age * median(self.rates) > OVERDUE * self.full

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

    `emptied` are the emptyings found in `readings`. Cycles cut short by the next emptying, torn by a gap of more than
    five days or by a drop that may be an emptying or a spike are left out, as is the time a bin stays full.
    """
    starts = {each.time for each in emptied if each.standing is not Standing.UNCERTAIN}
    doubtful = {each.time for each in emptied} - starts
    cycles: list[list[FillReading]] = []
    current: list[FillReading] | None = None
    for at, reading in enumerate(readings):
        if reading.time in starts:
            current = []
        elif reading.time in doubtful or (at and reading.time - readings[at - 1].time > LONGEST_GAP):
            current = None
        if current is None:
            continue
        current.append(reading)
        if reading.level >= full:
            if len(current) > 1:
                cycles.append(current)
            current = None
    return cycles


def _within(tail: float, aim: float) -> float:
    return min(max(tail, 0.0), 4 * aim)
