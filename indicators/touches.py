"""Which periods the rows of the tail touch, and which of those wait already; the worker reads and writes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from indicators.derived import EACH_READING, PERIODS, QUARTER, Kind, complete_at, floor, kinds_of, touched

DueKey = tuple[str, str, datetime]  # device, kind, end of the period


@dataclass(frozen=True, slots=True)
class Input:
    """One datastream: what its readings touch, by device and kind."""

    targets: tuple[tuple[str, Kind], ...]
    interval: timedelta

    @classmethod
    def of(
        cls,
        device_id: str,
        name: str,
        interval: timedelta,
        watched: str | None = None,
        others: Iterable[tuple[str, Kind]] = (),
    ) -> "Input":
        """Return the input that the datastream of the property `name` is.

        `watched` names the one that is; `others` is what users have calculated from it.
        """
        kinds = kinds_of(name)
        own = (*kinds, Kind.SERIES) if name == watched else kinds
        return cls((*((device_id, kind) for kind in own), *others), interval)


@dataclass(slots=True)
class Touches:
    """The periods that wait, as the store has them, so that a row costs a look-up and not a statement."""

    inputs: Mapping[int, Input] = field(default_factory=dict)
    waiting: set[DueKey] = field(default_factory=set)

    def fresh(self, rows: Iterable[tuple[int, datetime]]) -> dict[DueKey, datetime]:
        """Return the periods that the rows (datastream, time) touch and that did not wait yet, with when they complete.

        Rows that are no input touch nothing.
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
            # Every width is a multiple of a quarter of an hour: rows of one quarter touch the same periods.
            start = floor(at, QUARTER)
            if (datastream_id, start) in seen:
                continue
            seen.add((datastream_id, start))
            for device_id, kind in known.targets:
                if kind not in EACH_READING:
                    spots[device_id, kind, floor(at, PERIODS[kind].width)] = known.interval
        found: dict[DueKey, datetime] = {}
        for (device_id, kind, spot), interval in spots.items():
            for end in touched(kind, spot):
                key = (device_id, str(kind), end)
                if key not in self.waiting:
                    found[key] = complete_at(kind, end, interval)
        return found
