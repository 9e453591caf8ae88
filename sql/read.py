"""What the API asks of the store: latest results, curves at the resolution a chart can show, accounts and lags."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from citywatch.errors import StoreError
from sql.connection import Connection, Pool
from sql.queries import query
from sql.resolution import (
    GAP,
    WIDTHS,
    Plan,
    Point,
    Resolution,
    bucket_point,
    is_direction,
    pick,
    raw_point,
    thin,
    with_gaps,
)

Store = Connection | Pool


@dataclass(frozen=True, slots=True)
class Series:
    """A curve of one datastream."""

    datastream_id: int
    device_id: str
    property: str
    unit: str
    resolution: Resolution
    points: list[Point]


@dataclass(frozen=True, slots=True)
class Profile:
    """A curve of one property over the whole city or one district: the mean of all readings in a bucket."""

    property: str
    unit: str
    district_id: str | None
    domain: str | None
    resolution: Resolution
    points: list[Point]


@dataclass(frozen=True, slots=True)
class TailLag:
    """How far one consumer of the tail is behind; `seconds` is the wait of the oldest batch it has not read."""

    consumer: str
    seq: int
    batches: int
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is. `observations` are those already folded."""

    devices: int
    datastreams: int
    observations: int
    readings_last_minute: int
    messages_this_hour: int


async def read_series(
    store: Store,
    datastream_id: int,
    start: datetime,
    end: datetime,
    *,
    resolution: Resolution | Literal["auto"] = "auto",
    points: int = 500,
) -> Series:
    """Return the curve of one datastream over [start, end).

    `auto` takes the finest source that gives about `points` points. Raw rows are thinned to at most `points` usable
    ones; a resolution asked for by name is otherwise given bucket by bucket. Raises StoreError if there is no such
    datastream, or if the span is empty.
    """
    stream = await store.fetchrow(query("read", "datastream"), datastream_id)
    if stream is None:
        raise StoreError(f"there is no datastream {datastream_id}")
    if end <= start:
        raise StoreError(f"the span from {start.isoformat()} to {end.isoformat()} is empty")
    interval = stream["expected_interval"]
    if resolution == "auto":
        plan = pick(end - start, interval, points)
    else:
        plan = Plan(resolution, WIDTHS.get(resolution, interval))
    if plan.resolution == "raw":
        rows = await store.fetch(query("read", "series_raw"), datastream_id, start, end)
        curve = thin(with_gaps([raw_point(row) for row in rows], GAP * interval, interval), points)
    else:
        text = query("read", "series_rollup").replace("rollup_minute", f"rollup_{plan.resolution}")
        circular = is_direction(stream["property"])
        rows = await store.fetch(text, datastream_id, start, end, plan.width)
        buckets = [bucket_point(row, circular=circular) for row in rows]
        curve = with_gaps(buckets, max(GAP * interval, plan.width * 1.5), plan.width)
    return Series(datastream_id, stream["device_id"], stream["property"], stream["unit"], plan.resolution, curve)


async def read_profile(
    store: Store,
    name: str,
    start: datetime,
    end: datetime,
    *,
    district_id: str | None = None,
    domain: str | None = None,
    resolution: Resolution | Literal["auto"] = "auto",
    points: int = 1000,
) -> Profile:
    """Return the curve of property `name` over the city, one district, or one domain, by the hour or by the day.

    Raises StoreError for a finer resolution: sums over areas are not kept for it.
    """
    if resolution == "auto":
        resolution = "hour" if (end - start) / WIDTHS["hour"] <= points else "day"
    if resolution not in ("hour", "day"):
        raise StoreError(f"sums over areas are kept by hour and day, not by {resolution}")
    text = query("read", "profile").replace("rollup_area_hour", f"rollup_area_{resolution}")
    rows = await store.fetch(text, name, start, end, district_id, domain)
    curve = [bucket_point(row, circular=is_direction(name)) for row in rows]
    unit = await store.fetchval(query("read", "unit_of_property"), name) or ""
    return Profile(
        name, unit, district_id, domain, resolution, with_gaps(curve, WIDTHS[resolution] * 1.5, WIDTHS[resolution])
    )


async def read_tail_lag(store: Store) -> list[TailLag]:
    """Return how far each consumer of the tail is behind."""
    return [TailLag(**row) for row in await store.fetch(query("read", "tail_lag"))]


def slowest(lags: Iterable[TailLag]) -> dict[str, TailLag]:
    """Return by consumer the part of it that is the furthest behind; an undivided one is its only part."""
    found: dict[str, TailLag] = {}
    for lag in lags:
        name = lag.consumer.partition("-")[0]
        if name not in found or lag.seq < found[name].seq:
            found[name] = lag
    return found


async def read_counts(store: Store, now: datetime) -> Counts:
    """Return how much there is in the store; `now` is the wall clock."""
    row = await store.fetchrow(query("read", "counts"), now)
    assert row is not None
    return Counts(**row)
