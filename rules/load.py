"""What alerts ask of an operator, by the measures of ISA-18.2-2016 section 16. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

PERIOD = timedelta(minutes=10)
FLOOD_BEGINS, FLOOD_ENDS = (
    10,
    5,
)  # a flood begins with more than the one in a period, and ends with fewer than the other
CHATTER, CHATTER_WINDOW = 3, timedelta(seconds=60)
STALE = timedelta(hours=24)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def periods_of(raised: Iterable[datetime]) -> Counter[datetime]:
    """Return how many alerts there were in each ten minutes that had any."""
    return Counter(_EPOCH + (at - _EPOCH) // PERIOD * PERIOD for at in raised)


def floods(counts: Sequence[int]) -> list[bool]:
    """Say of each of a row of periods whether the operator was in a flood."""
    found, flooded = [], False
    for count in counts:
        flooded = count >= FLOOD_ENDS if flooded else count > FLOOD_BEGINS
        found.append(flooded)
    return found


@dataclass(frozen=True, slots=True)
class Load:
    """The rate of alerts over a span, for each of so many operators."""

    alerts: int
    per_hour: float
    per_day: float
    most_in_period: int
    share_over_ten: float
    share_in_flood: float

    def as_json(self) -> dict[str, Any]:
        """Return the figures for programs."""
        return {name: round(getattr(self, name), 4) for name in self.__slots__}


def load_of(raised: Iterable[datetime], since: datetime, until: datetime, operators: int = 1) -> Load:
    """Return the load of alerts raised from `since` up to `until`; ten minutes without any count too."""
    times = list(raised)
    counts = periods_of(times)
    first = (since - _EPOCH) // PERIOD
    length = max(1, -((_EPOCH - until) // PERIOD) - first)
    row = [counts.get(_EPOCH + (first + n) * PERIOD, 0) / operators for n in range(length)]
    hours = (until - since) / timedelta(hours=1)
    return Load(
        alerts=len(times),
        per_hour=len(times) / hours / operators,
        per_day=24 * len(times) / hours / operators,
        most_in_period=round(max(row, default=0)),
        share_over_ten=sum(each > FLOOD_BEGINS for each in row) / length,
        share_in_flood=sum(floods([round(each) for each in row])) / length,
    )


def chattering(raises: Mapping[str, Sequence[datetime]]) -> dict[str, int]:
    """Return, for each key that was raised `CHATTER` times within a minute, how often it began to."""
    found: dict[str, int] = {}
    for key, times in raises.items():
        row = sorted(times)
        begun = sum(
            row[n + CHATTER - 1] - row[n] <= CHATTER_WINDOW
            and (n == 0 or row[n + CHATTER - 2] - row[n - 1] > CHATTER_WINDOW)
            for n in range(len(row) - CHATTER + 1)
        )
        if begun:
            found[key] = begun
    return found


def share_of(values: Sequence[float], share: float) -> float | None:
    """Return the value below which `share` of the values lie, None without any."""
    if not values:
        return None
    row = sorted(values)
    return row[min(len(row) - 1, int(share * len(row)))]
