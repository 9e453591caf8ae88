"""How far a bin's forecasts of its time to full can be trusted: a band that their own outcomes have earned.

Each cycle that ends says of the forecasts made in it what (hours it took / hours told) came to. The band is made of
quantiles of these ratios in a like situation, with the finite-sample ranks of conformal prediction: nothing is assumed
about the shape of the errors. Its tails shrink after each miss and grow a little after each hit, so that it keeps its
word when habits change (adaptive conformal inference, Gibbs and Candes 2021).

Few bins are left to fill up. A cycle that the crew ended earlier teaches by the level it came to: how long that took,
against what the same law had said of that level. It must be half of full at least.
"""

import math
from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from indicators.bin_course import course
from indicators.derived import HOUR
from indicators.emptying import Standing, collections, emptyings
from indicators.errors import IndicatorError
from indicators.fill import FillReading

# Values chosen on the first eight Wyndham bins (docs/indicators.md says what else was seen).
SHARE = 0.9  # of outcomes that the band is to hold
NEEDED_OUTCOMES = 20  # in a like situation, before there is a band
KEPT_OUTCOMES = 400  # of a bin: old habits are forgotten
MOST_OF_A_CYCLE = 12  # outcomes: neighbouring forecasts of one cycle teach the same
LONGEST_GAP = timedelta(days=5)
ADAPTION = 0.01  # how fast the tails follow hits and misses
LEAST_TOP = 0.5  # of full: what a cycle must come to, to say something about full
LEAST_CLIMB = 10.0  # points from a forecast to where its cycle was ended early: less is lost in the sensor's noise
FORECAST_SPAN = timedelta(days=28)  # of readings that a forecast rests on
TEACHING_SPAN = 2 * FORECAST_SPAN  # of readings up to a cycle's end: the cycle, and what its forecasts rested on


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one forecast came to: `ratio` is hours taken / hours told, known from `known_at` on."""

    made_at: datetime
    known_at: datetime
    situation: int
    ratio: float


@dataclass(frozen=True, slots=True)
class Band:
    """The ends of the band, in parts of the time told."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Trust:
    """What a bin's outcomes have taught: their ratios by situation, ascending, and the shares now left out."""

    ratios: Mapping[int, Sequence[float]]
    low_tail: float
    high_tail: float

    def band(self, situation: int) -> Band | None:
        """Return the band that outcomes in that situation have earned; None below twenty of them."""
        return _band(self.ratios.get(situation, ()), self.low_tail, self.high_tail)


def trust(taught: Iterable[Outcome], share: float = SHARE) -> Trust:
    """Return what outcomes of one bin, in any order, have taught for a band that is to hold `share`.

    The newest 400 count.
    """
    if not 0 < share < 1:
        raise IndicatorError(f"a band holds a share between 0 and 1, not {share}")
    aim = (1 - share) / 2
    low_tail = high_tail = aim
    known: defaultdict[int, list[float]] = defaultdict(list)
    ordered = sorted(taught, key=lambda each: (each.known_at, each.made_at))[-KEPT_OUTCOMES:]
    for _, cycle in groupby(ordered, key=lambda each: each.known_at):
        together = list(cycle)
        for each in together:  # none of these was known when the others were made
            band = _band(known[each.situation], low_tail, high_tail)
            if band is not None:
                low_tail = _within(low_tail + ADAPTION * (aim - (each.ratio < band.low)), aim)
                high_tail = _within(high_tail + ADAPTION * (aim - (each.ratio > band.high)), aim)
        for each in together:
            insort(known[each.situation], each.ratio)
    return Trust(known, low_tail, high_tail)


def ends_cycle(before: Sequence[FillReading], newest: FillReading, full: float) -> bool:
    """Return whether `newest` may end a cycle: full after a lower one, or the first to confirm an emptying."""
    if not before:
        return False
    if newest.level >= full:
        return before[-1].level < full
    return any(each.time == before[-1].time for each in collections([*before[-2:], newest]))


def outcomes(readings: Sequence[FillReading], full: float) -> list[Outcome]:
    """Return what the forecasts of the cycle came to that the newest of `readings` ends, by filling or as emptied.

    `readings` are those of eight weeks, in time order, one an hour at most. Nothing where the newest ends none, where
    the cycle's start is not among the readings, or where a gap of more than five days or a drop that may be an
    emptying or a spike tears it.
    """
    cycle = _ended(readings, full)
    if not cycle:
        return []
    top = min(max(each.level for each in cycle), full)
    reached = next(each for each in cycle if each.level >= top)
    climb = 0.0 if top >= full else LEAST_CLIMB
    made = [each for each in cycle if each.time < reached.time and top - each.level > climb]
    found = []
    for at in evenly(len(made), MOST_OF_A_CYCLE):
        time = made[at].time
        then = course([each for each in readings if time - FORECAST_SPAN <= each.time <= time])
        told = then.hours_to(top) if then else None
        if then is not None and told:
            ratio = (reached.time - time) / HOUR / told
            found.append(Outcome(time, readings[-1].time, then.situation(full), ratio))
    return found


def evenly(number: int, most: int) -> Sequence[int]:
    """Return at most so many places of `number`, evenly chosen, the last among them."""
    if number <= most:
        return range(number)
    return [round(each * (number - 1) / (most - 1)) for each in range(most)]


def _ended(readings: Sequence[FillReading], full: float) -> Sequence[FillReading]:
    """Return the cycle that the newest reading ends, from the first after an emptying; empty where it tells nothing."""
    found = emptyings(readings)
    starts = [each.time for each in found if each.standing is Standing.CONFIRMED]
    newest = readings[-1]
    if starts and newest.level >= full:
        cycle = [each for each in readings if each.time >= starts[-1]]
        early = cycle[:-1]
    elif len(starts) >= 2 and starts[-1] == readings[-2].time:
        cycle = early = [each for each in readings if starts[-2] <= each.time < starts[-1]]
    else:
        return []
    # What had been full was learned then; what came to little says little.
    if any(each.level >= full for each in early) or max(each.level for each in cycle) < LEAST_TOP * full:
        return []
    doubtful = {each.time for each in found if each.standing is not Standing.CONFIRMED}
    torn = any(after.time - before.time > LONGEST_GAP for before, after in pairwise(cycle))
    return [] if torn or any(each.time in doubtful for each in cycle) else cycle


def _band(known: Sequence[float], low_tail: float, high_tail: float) -> Band | None:
    if len(known) < NEEDED_OUTCOMES:
        return None
    ranks = len(known) + 1
    lowest, highest = math.floor(low_tail * ranks), math.ceil((1 - high_tail) * ranks)
    return Band(known[lowest - 1] if lowest >= 1 else 0.0, known[min(highest, len(known)) - 1])


def _within(tail: float, aim: float) -> float:
    return min(max(tail, 0.0), 4 * aim)
