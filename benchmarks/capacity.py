"""The capacity model: what a message and a reading cost each process, and what follows for devices, cores and disk.

A process spends `per_message` + `per_reading` * readings CPU seconds on one message: two measured points fit it, any
third checks it. Nothing else is in it: no queueing, no cache that fills. So plan with HEADROOM.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

HEADROOM = 0.5  # share of the ceiling that a city is planned for: outages are caught up with the rest
YEAR = timedelta(days=365)
# Rollups of one datastream: how far apart their buckets are.
ROLLUPS = {"rollup_minute": timedelta(minutes=1), "rollup_quarter": timedelta(minutes=15)} | {
    "rollup_hour": timedelta(hours=1),
    "rollup_day": timedelta(days=1),
}
# One process each, whatever the cores; ingest has workers, the divided parts, the store a backend for each of them.
SINGLE = ("broker", "fold")
DIVIDED = ("rules", "indicators")


@dataclass(frozen=True, slots=True)
class Point:
    """One measured run: CPU seconds that each process spent on so many messages of so many readings."""

    messages: int
    readings: int  # of one message
    cpu: Mapping[str, float]

    def per_message(self, process: str) -> float:
        """Return the CPU seconds that one message cost a process."""
        return self.cpu[process] / self.messages


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of one process."""

    per_message: float
    per_reading: float

    def of(self, readings: float) -> float:
        """Return the CPU seconds for one message with so many readings."""
        return self.per_message + self.per_reading * readings


def fit(few: Point, many: Point) -> dict[str, Cost]:
    """Return the costs through two points; raises ValueError where both have the same readings a message."""
    if few.readings >= many.readings:
        raise ValueError(f"{few.readings} and {many.readings} readings a message: the second point must have more")
    costs = {}
    for process in few.cpu:
        low, high = few.per_message(process), many.per_message(process)
        each = max(0.0, (high - low) / (many.readings - few.readings))
        each = min(each, high / many.readings)  # nothing is cheaper than free
        costs[process] = Cost(max(0.0, high - each * many.readings), each)
    return costs


def total(costs: Mapping[str, Cost], readings: float) -> float:
    """Return the CPU seconds of all processes for one message."""
    return sum(cost.of(readings) for cost in costs.values())


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How many messages a second there can be, and what ends it."""

    messages_per_second: float
    limit: str


def ceiling(costs: Mapping[str, Cost], readings: float, cores: int, workers: int = 1) -> Ceiling:
    """Return the most messages a second on one machine with so many cores and ingest workers."""
    limits = {f"all {cores} cores": cores / max(total(costs, readings), 1e-12)}
    limits["ingest, which wants another worker"] = workers / max(costs["ingest"].of(readings), 1e-12)
    one = {name: 1 / max(costs[name].of(readings), 1e-12) for name in (*DIVIDED, *SINGLE) if name in costs}
    limits |= {f"{name}, which want another process": one[name] for name in DIVIDED if name in one}
    limits |= {f"{name}, one process": one[name] for name in SINGLE if name in one}
    limit = min(limits, key=lambda name: limits[name])
    return Ceiling(limits[limit], limit)


def devices(messages_per_second: float, every: timedelta) -> int:
    """Return how many devices that report at that interval a planned machine carries."""
    return int(messages_per_second * HEADROOM * every.total_seconds())


def disk_per_year(streams: float, every: timedelta, row: float, rollup_row: float) -> float:
    """Return the bytes that so many datastreams take a year, observations of `row` bytes and rollups together.

    A rollup has no more rows than there are readings.
    """
    readings = YEAR / every
    rollups = sum(min(readings, YEAR / width) for width in ROLLUPS.values())
    return streams * (readings * row + rollups * rollup_row)
