"""What is to be worked out and what came of it, and the spans of readings that it rests on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from indicators.derived import Kind, Method, Value
from sql.connection import Record

Key = tuple[str, datetime]  # device and end of a span
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Due:
    """One period of one device whose values are to be worked out."""

    device_id: str
    kind: Kind
    due_at: datetime
    interval: timedelta

    @property
    def key(self) -> Key:
        """Return device and end of the period."""
        return self.device_id, self.due_at


@dataclass(frozen=True, slots=True)
class Derived:
    """One value of one property of one device, at the end of its period.

    `method` and `unit` are stated where the property is a user's own.
    """

    device_id: str
    property: str
    time: datetime
    value: Value
    method: Method | None = None
    unit: str | None = None


def told(due: Due, values: Mapping[str, Value]) -> Iterator[Derived]:
    """Yield the values of `due` by property."""
    return (Derived(due.device_id, name, due.due_at, value) for name, value in values.items())


def spans(dues: Sequence[Due], before: timedelta, after: timedelta) -> tuple[list[str], list[datetime], list[datetime]]:
    """Return devices, starts and ends of the spans from `before` the end of each due to `after` it."""
    return (
        [due.device_id for due in dues],
        [due.due_at - before for due in dues],
        [due.due_at + after for due in dues],
    )


def by_key(rows: Iterable[Record]) -> dict[Key, list[Record]]:
    """Return rows by their device and end of span."""
    found: dict[Key, list[Record]] = {}
    for row in rows:
        found.setdefault((row["device_id"], row["until"]), []).append(row)
    return found
