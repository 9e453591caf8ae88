"""When was a bin emptied? Drops of its fill level, told apart from lone low spikes.

A spike is known by its successor: right after a real emptying the bin is still nearly empty. How much higher the next
reading may be grows with the time between them, since a bin can refill: within ten minutes by next to nothing, within a
day by everything. So a daily reporter's drop counts on its one reading; where the next one stands as high as the one
before the drop, nothing in the series can tell a refilled bin from a spike. Such a drop is told as uncertain, and is no
emptying to anybody who counts: not in `collections`, nor in a forecast's cycle or a service figure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from indicators.errors import IndicatorError
from indicators.fill import FillReading
from indicators.thresholds import table_for


class Standing(StrEnum):
    """How sure an emptying is."""

    PENDING = "pending"  # no later reading yet
    CONFIRMED = "confirmed"
    UNCERTAIN = "uncertain"  # as high again as before, after time enough to refill: perhaps none, and counted as none


@dataclass(frozen=True, slots=True)
class Emptying:
    """One emptying. `time` is that of the first low reading; `before` and `after` are levels in percent."""

    time: datetime
    before: float
    after: float
    partial: bool
    standing: Standing


@dataclass(frozen=True, slots=True)
class EmptyingRule:
    """What counts: levels in points or percent of fill, `refill_hours` the shortest time in which a bin may fill."""

    drop: float
    emptied_to: float
    rebound: float
    refill_hours: float
    noise: float

    def judge(self, before: FillReading, low: FillReading, after: FillReading | None) -> Standing | None:
        """Return how sure it is that the drop from `before` to `low` was an emptying; None where `low` is a spike.

        `before` is the last believed reading ahead of `low`, `after` the next one where it has come.
        """
        if after is None:
            return Standing.PENDING
        rise = after.level - low.level
        believable = 100 * ((after.time - low.time) / timedelta(hours=self.refill_hours))
        if rise > max(self.rebound, believable):
            return None
        if rise > self.rebound and after.level >= before.level - self.noise:
            return Standing.UNCERTAIN
        return Standing.CONFIRMED


def emptyings(readings: Sequence[FillReading], rule: EmptyingRule | None = None) -> list[Emptying]:
    """Return the emptyings in `readings` (one bin, in time order), oldest first; lone spikes are passed over.

    The newest reading, if low, gives a PENDING one. Without `rule` the practice table's is used.
    Raises IndicatorError where times do not rise.
    """
    rule = rule or practice()
    found: list[Emptying] = []
    before: FillReading | None = None
    for at, reading in enumerate(readings):
        after = readings[at + 1] if at + 1 < len(readings) else None
        if after is not None and after.time <= reading.time:
            raise IndicatorError(f"fill readings are not in time order at {after.time.isoformat()}")
        if before is not None and before.level - reading.level >= rule.drop:
            standing = rule.judge(before, reading, after)
            if standing is None:
                continue  # a spike: the level before it goes on
            found.append(Emptying(reading.time, before.level, reading.level, reading.level > rule.emptied_to, standing))
        before = reading
    return found


def collections(readings: Sequence[FillReading], rule: EmptyingRule | None = None) -> list[Emptying]:
    """Return the emptyings that count: those of `emptyings` that a later reading has confirmed."""
    return [each for each in emptyings(readings, rule) if each.standing is Standing.CONFIRMED]


def practice() -> EmptyingRule:
    """Return the rule of the practice table."""
    return EmptyingRule(**table_for("waste").section("emptying"))
