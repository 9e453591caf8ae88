"""Which periods the rows of the tail touch, and which of those wait already; the worker reads and writes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from indicators.derived import (
    EACH_READING,
    MINUTE,
    PAIR_INPUT,
    PERIODS,
    QUARTER,
    Kind,
    complete_at,
    floor,
    kinds_of,
    touched,
)
from sql.share import Share

PAIR_MEMORY = timedelta(hours=1)

DueKey = tuple[str, str, datetime]  # device, kind, end of the period


@dataclass(frozen=True, slots=True)
class Input:
    """One datastream: what its readings touch, by device and kind."""

    targets: tuple[tuple[str, Kind], ...]
    interval: timedelta
    live: bool = False  # its times are those of the wall clock

    @classmethod
    def of(
        cls,
        device_id: str,
        name: str,
        interval: timedelta,
        watched: str | None = None,
        downstream: str | None = None,
        others: Iterable[tuple[str, Kind]] = (),
        *,
        live: bool = False,
    ) -> "Input":
        """Return the input that the datastream of the property `name` is.

        `watched` names the one that is, `downstream` the next detector along the road; `others` is what users have
        calculated from it.
        """
        own = kinds_of(name, interval)
        if name == watched:
            own = (*own, Kind.SERIES)
        if downstream is not None and name == PAIR_INPUT and interval <= MINUTE:
            own = (*own, Kind.PAIR)
        return cls((*((device_id, kind) for kind in own), *others), interval, live)

    def within(self, share: Share) -> "Input":
        """Return it as one share of the city has it."""
        if share.is_whole:
            return self
        return replace(self, targets=tuple(each for each in self.targets if share.holds(each[0])))


@dataclass(slots=True)
class Touches:
    """The periods that wait, as the store has them, so that a row costs a look-up and not a statement."""

    inputs: Mapping[int, Input] = field(default_factory=dict)
    waiting: set[DueKey] = field(default_factory=set)

    def fresh(self, rows: Iterable[tuple[int, datetime]], now: datetime) -> dict[DueKey, datetime]:
        """Return the periods that the rows (datastream, time) touch and that did not wait yet, with when they complete.

        Rows that are no input touch nothing. An incident is told while it lasts: live rows that are much older than
        `now`, the wall clock, are no longer looked through for one.
        """
        spots: dict[tuple[str, Kind, datetime], timedelta] = {}
        seen: set[tuple[int, datetime]] = set()
        for datastream_id, at in rows:
            known = self.inputs.get(datastream_id)
            if known is None:
                continue
            for device_id, kind in known.targets:
                if kind in EACH_READING:
                    spots[device_id, kind, at] = known.interval
                elif kind is Kind.PAIR and not (known.live and now - at > PAIR_MEMORY):
                    spots[device_id, kind, floor(at, MINUTE)] = known.interval
            # Every other width is a multiple of a quarter of an hour: rows of one quarter touch the same periods.
            start = floor(at, QUARTER)
            if (datastream_id, start) in seen:
                continue
            seen.add((datastream_id, start))
            for device_id, kind in known.targets:
                if kind not in EACH_READING and kind is not Kind.PAIR:
                    spots[device_id, kind, floor(at, PERIODS[kind].width)] = known.interval
        found: dict[DueKey, datetime] = {}
        for (device_id, kind, spot), interval in spots.items():
            for end in touched(kind, spot):
                key = (device_id, str(kind), end)
                if key not in self.waiting:
                    found[key] = complete_at(kind, end, interval)
        return found
