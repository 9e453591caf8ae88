"""Conditions on how a value moves against its own past: deviation from a learned baseline, and a limit in sight.

Both keep a memory of constant size and judge nothing before they know enough.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from rules.leaf import Memory, verdict_of
from rules.model import Verdict

KNOWN_DAYS = 3  # days of a slot before it says anything
LONGEST = 10  # an older day weighs less than a tenth of the baseline
CLIP = 3.0  # spreads by which one odd day can move the baseline at most
SPREAD = math.sqrt(math.pi / 2)  # standard deviation over mean absolute deviation, of a normal distribution
SLOTS = 48  # hours of a working day, then of a day of the weekend, in UTC
LEAST_TREND = 3  # samples before a line is drawn

# (days, mean, mean absolute deviation, open day, its samples, their sum, sum of their absolute deviations)
Slot = tuple[int, float, float, int, int, float, float]
EMPTY: Slot = (0, 0.0, 0.0, 0, 0, 0.0, 0.0)


def slot_of(at: datetime) -> int:
    """Return the slot of the week that an instant belongs to."""
    return at.hour + (24 if at.weekday() >= 5 else 0)


def _close(slot: Slot) -> Slot:
    """Fold the open day into the baseline; what is far off counts as `CLIP` spreads only."""
    days, mean, deviation, _, samples, total, distances = slot
    day = total / samples
    if not days:
        return (1, day, distances / samples, 0, 0, 0.0, 0.0)
    weight = max(1 / (days + 1), 1 / LONGEST)
    most = CLIP * SPREAD * deviation if days >= KNOWN_DAYS and deviation else math.inf
    step = max(-most, min(most, day - mean))
    distance = min(most, distances / samples)
    return (days + 1, mean + weight * step, deviation + weight * (distance - deviation), 0, 0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Deviation:
    """TRUE when the value is `limit` robust standard deviations, and `least` units, off its baseline in `direction`.

    The baseline is the usual value at this hour of a working day or a weekend day (UTC), from earlier days only: a
    mean and a mean absolute deviation that forget slowly and that one odd day moves little. Before `KNOWN_DAYS` days:
    UNKNOWN. While the alert stands, until the value is `deadband` nearer.
    """

    limit: float
    least: float
    direction: str = "either"  # above, below or either
    deadband: float = 0.0
    property: str | None = None
    kind: ClassVar[str] = "deviation"

    def observe(self, memory: Memory | None, at: datetime, value: float) -> Memory:
        """Remember the value with the baseline it is judged against, then count it for the days to come."""
        slots: tuple[Slot, ...] = memory[4] if memory else (EMPTY,) * SLOTS
        number, day = slot_of(at), at.toordinal()
        slot = slots[number]
        if slot[4] and slot[3] != day:
            slot = _close(slot)
        days, mean, deviation, _, samples, total, distances = slot
        known = days >= KNOWN_DAYS
        # On the very first day there is no mean to be far from but the day's own.
        centre = mean if days else (total / samples if samples else value)
        slot = (days, mean, deviation, day, samples + 1, total + value, distances + abs(value - centre))
        kept = (*slots[:number], slot, *slots[number + 1 :])
        return at, value, mean if known else None, SPREAD * deviation if known else None, kept

    def judge(self, memory: Memory, at: datetime, interval: timedelta, *, active: bool) -> Verdict:
        """Judge the newest value against its baseline."""
        value, centre, spread = memory[1], memory[2], memory[3]
        if centre is None:
            return Verdict.UNKNOWN
        off = {"above": value - centre, "below": centre - value, "either": abs(value - centre)}[self.direction]
        limit = max(self.limit * spread, self.least)
        return verdict_of(off > limit - self.deadband if active and self.deadband else off >= limit)


@dataclass(frozen=True, slots=True)
class Crossing:
    """TRUE when the value will be at `limit` in `within` if it goes on as it did over about the last `over`.

    A straight line by least squares, in which a sample that is `over` old weighs 1/e. `direction` says from which side
    the limit is met. A step of `restart` units against that direction (a bin that is emptied) begins a new line.
    """

    limit: float
    within: timedelta
    over: timedelta
    direction: str = "rise"  # or fall
    restart: float | None = None
    deadband: float = 0.0
    property: str | None = None
    kind: ClassVar[str] = "crossing"

    def observe(self, memory: Memory | None, at: datetime, value: float) -> Memory:
        """Add the sample to the sums of the line; times in them are seconds before the newest."""
        if memory is None or at <= memory[0] or self._is_new_line(memory[1], value):
            return at, value, 1, 1.0, 0.0, 0.0, value, 0.0
        _, _, count, weight, times, squares, values, products = memory
        step = (at - memory[0]).total_seconds()
        fade = math.exp(-step / self.over.total_seconds())
        squares = fade * (squares - 2 * step * times + weight * step * step)
        products = fade * (products - step * values)
        times = fade * (times - weight * step)
        return at, value, count + 1, fade * weight + 1, times, squares, fade * values + value, products

    def judge(self, memory: Memory, at: datetime, interval: timedelta, *, active: bool) -> Verdict:
        """Judge where the line will be."""
        ahead = self.forecast(memory)
        if ahead is None:
            return Verdict.UNKNOWN
        sign = 1.0 if self.direction == "rise" else -1.0
        limit = sign * self.limit - (self.deadband if active else 0.0)
        return verdict_of(sign * memory[1] >= limit or sign * ahead >= limit)

    def forecast(self, memory: Memory) -> float | None:
        """Return the value expected in `within`; None before there is a line."""
        _, _, count, weight, times, squares, values, products = memory
        spread = weight * squares - times * times
        if count < LEAST_TREND or spread <= 0:
            return None
        slope: float = (weight * products - times * values) / spread
        now: float = (values - slope * times) / weight
        return now + slope * self.within.total_seconds()

    def _is_new_line(self, before: float, value: float) -> bool:
        if self.restart is None:
            return False
        return (before - value if self.direction == "rise" else value - before) >= self.restart


def baseline_of(memory: Memory) -> dict[str, Any]:
    """Return the baseline that a `Deviation` judged its newest value by, for explanations."""
    return {"value": memory[1], "baseline": memory[2], "spread": memory[3]}
