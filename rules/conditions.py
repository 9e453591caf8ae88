"""The closed set of conditions a rule is made of, each a pure step, composable with All, AnyOf and Not.

Those on the past of a value stand in `rules.trends`, those on other devices in `rules.crowd`.

A leaf remembers what it needs of its property in a small tuple whose first item is the time of the newest usable
sample: `observe` folds a sample into it, `judge` says what it means at an instant. Deadbands follow the alert: `active`
says whether the alert stands, so that values between the limits neither raise nor clear. Samples that count for
nothing (FAIL, MISSING, and SUSPECT unless the rule says otherwise) never reach `observe`: see `rules.engine`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from rules.leaf import Level, Memory
from rules.leaf import verdict_of as _verdict
from rules.model import Verdict
from rules.trends import Crossing, Deviation

GAPS = 9  # gaps between samples that a learned rhythm is the median of
FEWEST_GAPS = 4  # before that the declared interval counts


@dataclass(frozen=True, slots=True)
class AtLeast(Level):
    """TRUE at `limit` and above; while the alert stands, until the value is down to `limit - deadband`."""

    limit: float
    deadband: float = 0.0
    property: str | None = None
    kind: ClassVar[str] = "at_least"

    def judge(self, memory: Memory, at: datetime, interval: timedelta, *, active: bool) -> Verdict:
        """Judge the newest value."""
        value: float = memory[1]
        return _verdict(value > self.limit - self.deadband if active and self.deadband else value >= self.limit)


@dataclass(frozen=True, slots=True)
class AtMost(Level):
    """TRUE at `limit` and below; while the alert stands, until the value is up to `limit + deadband`."""

    limit: float
    deadband: float = 0.0
    property: str | None = None
    kind: ClassVar[str] = "at_most"

    def judge(self, memory: Memory, at: datetime, interval: timedelta, *, active: bool) -> Verdict:
        """Judge the newest value."""
        value: float = memory[1]
        return _verdict(value < self.limit + self.deadband if active and self.deadband else value <= self.limit)


@dataclass(frozen=True, slots=True)
class Outside(Level):
    """TRUE below `low` and above `high`; while the alert stands, until the value is `deadband` inside them."""

    low: float
    high: float
    deadband: float = 0.0
    property: str | None = None
    kind: ClassVar[str] = "outside"

    def judge(self, memory: Memory, at: datetime, interval: timedelta, *, active: bool) -> Verdict:
        """Judge the newest value."""
        value: float = memory[1]
        inset = self.deadband if active else 0.0
        return _verdict(value < self.low + inset or value > self.high - inset)


@dataclass(frozen=True, slots=True)
class RateOfChange:
    """TRUE when the change between two neighbouring samples, per `per`, reaches `limit` in `direction`."""

    limit: float
    per: timedelta
    direction: str = "either"  # rise, fall or either
    property: str | None = None
    kind: ClassVar[str] = "rate_of_change"

    def observe(self, memory: Memory | None, at: datetime, value: float) -> Memory:
        """Remember value and rate; the rate of a first sample is unknown."""
        if memory is None or at <= memory[0]:
            return at, value, None
        return at, value, (value - memory[1]) / ((at - memory[0]) / self.per)

    def judge(self, memory: Memory, at: datetime, interval: timedelta, *, active: bool) -> Verdict:
        """Judge the newest rate."""
        rate: float | None = memory[2]
        if rate is None:
            return Verdict.UNKNOWN
        signed = {"rise": rate, "fall": -rate, "either": abs(rate)}[self.direction]
        return _verdict(signed >= self.limit)


@dataclass(frozen=True, slots=True)
class Flat:
    """TRUE when all samples of the last `window` or longer lie in a band no wider than `tolerance`.

    The band starts anew at the first sample that leaves it. Zero tolerance means equal values.
    """

    window: timedelta
    tolerance: float = 0.0
    property: str | None = None
    kind: ClassVar[str] = "flat"

    def observe(self, memory: Memory | None, at: datetime, value: float) -> Memory:
        """Widen the band, or start a new one."""
        if memory is not None:
            low, high = min(memory[2], value), max(memory[3], value)
            if high - low <= self.tolerance:
                return at, value, low, high, memory[4]
        return at, value, value, value, at

    def judge(self, memory: Memory, at: datetime, interval: timedelta, *, active: bool) -> Verdict:
        """Judge how long the band has held, up to its newest sample."""
        return _verdict(memory[0] - memory[4] >= self.window)


@dataclass(frozen=True, slots=True)
class AtLevel(Level):
    """TRUE at the named level of an index and at worse ones; `limit` is where that level begins."""

    limit: float
    level: str
    property: str | None = None
    kind: ClassVar[str] = "level"

    def judge(self, memory: Memory, at: datetime, interval: timedelta, *, active: bool) -> Verdict:
        """Judge the newest value."""
        return _verdict(memory[1] >= self.limit)


@dataclass(frozen=True, slots=True)
class NoData:
    """TRUE from the instant at which nothing has been heard for `limit`, or for `periods` intervals.

    The interval is the declared one, or, `learned`, the median of the last `GAPS` gaps between what was heard.
    """

    periods: float | None = 3.0
    limit: timedelta | None = None
    property: str | None = None
    learned: bool = False
    kind: ClassVar[str] = "no_data"

    def after(self, interval: timedelta, memory: Memory) -> timedelta:
        """Return how long a device of this rhythm may be silent after what `memory` holds."""
        if self.limit is not None:
            return self.limit
        gaps = memory[1:]
        if self.learned and len(gaps) >= FEWEST_GAPS:
            interval = timedelta(seconds=sorted(gaps)[len(gaps) // 2])
        return interval * (self.periods or 3.0)

    def observe(self, memory: Memory | None, at: datetime, value: float) -> Memory:
        """Remember that something was heard, and, to learn from, how long that took (in seconds).

        An earlier time changes nothing: a device that was excused (engine.excuse) counts as heard later than that.
        """
        if memory is None:
            return (at,)
        if at <= memory[0]:
            return memory
        if not self.learned:
            return (at, *memory[1:])
        return (at, *memory[1:][-(GAPS - 1) :], (at - memory[0]).total_seconds())

    def judge(self, memory: Memory, at: datetime, interval: timedelta, *, active: bool) -> Verdict:
        """Judge the silence up to `at`."""
        return _verdict(at - memory[0] >= self.after(interval, memory))


@dataclass(frozen=True, slots=True)
class Count(Level):
    """TRUE while at least `limit` devices of one area meet the condition `of`. It watches areas, not devices.

    `area`: `district`, `site`, `city`, or the name of a tag (such as `corridor`) that its devices share.
    """

    limit: float
    area: str
    of: "Condition"
    property: str | None = None
    kind: ClassVar[str] = "count"

    def judge(self, memory: Memory, at: datetime, interval: timedelta, *, active: bool) -> Verdict:
        """Judge how many there are."""
        return _verdict(memory[1] >= self.limit)


@dataclass(frozen=True, slots=True)
class Neighbours(Level):
    """TRUE while at least `limit` other devices within `radius` metres meet the condition `of`."""

    limit: float
    radius: float
    of: "Condition"
    property: str | None = None
    kind: ClassVar[str] = "neighbours"

    def judge(self, memory: Memory, at: datetime, interval: timedelta, *, active: bool) -> Verdict:
        """Judge how many there are."""
        return _verdict(memory[1] >= self.limit)


@dataclass(frozen=True, slots=True)
class All:
    """TRUE when every part is, FALSE when one is not, else UNKNOWN."""

    parts: tuple["Condition", ...]
    kind: ClassVar[str] = "all"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """TRUE when one part is, FALSE when none is, else UNKNOWN."""

    parts: tuple["Condition", ...]
    kind: ClassVar[str] = "any"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of its part, deadband included; UNKNOWN stays UNKNOWN."""

    part: "Condition"
    kind: ClassVar[str] = "not"


Crowd = Count | Neighbours
Leaf = AtLeast | AtMost | Outside | RateOfChange | Flat | AtLevel | NoData | Deviation | Crossing | Crowd
Composed = All | AnyOf | Not
Condition = Leaf | Composed


# Those whose memory does not grow old: silence is what they are about, or they are told of every change.
_PATIENT = (NoData, Count, Neighbours)


def leaves(condition: Condition) -> Iterator[Leaf]:
    """Yield the leaves from left to right: the order in which their memories are kept."""
    match condition:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)
        case leaf:
            yield leaf


def judge(
    condition: Condition,
    memories: Sequence[Memory | None],
    at: datetime,
    interval: timedelta,
    *,
    active: bool,
    patience: timedelta,
) -> Verdict:
    """Return what `condition` says at `at` of a device reporting every `interval`.

    A leaf that has heard nothing yet, or nothing for longer than `patience`, is UNKNOWN; silence itself never is.
    """
    verdict, _ = _judge(condition, memories, 0, at, interval, active, patience)
    return verdict


def _judge(
    condition: Condition,
    memories: Sequence[Memory | None],
    position: int,
    at: datetime,
    interval: timedelta,
    active: bool,
    patience: timedelta,
) -> tuple[Verdict, int]:
    match condition:
        case All(parts) | AnyOf(parts):
            decisive = Verdict.FALSE if isinstance(condition, All) else Verdict.TRUE
            found = []
            for part in parts:
                verdict, position = _judge(part, memories, position, at, interval, active, patience)
                found.append(verdict)
            if decisive in found:
                return decisive, position
            return (Verdict.UNKNOWN if Verdict.UNKNOWN in found else found[0]), position
        case Not(part):
            verdict, position = _judge(part, memories, position, at, interval, not active, patience)
            if verdict is Verdict.UNKNOWN:
                return verdict, position
            return _verdict(verdict is Verdict.FALSE), position
        case leaf:
            memory = memories[position]
            if isinstance(leaf, Crowd) and memory is None:
                memory = (at, 0.0)  # nobody has spoken yet
            if memory is None or (at - memory[0] > patience and not isinstance(leaf, _PATIENT)):
                return Verdict.UNKNOWN, position + 1
            return leaf.judge(memory, at, interval, active=active), position + 1
