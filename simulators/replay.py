"""Publishing recorded series over MQTT as the devices would have: in order of time, at a pace, at least once."""

import asyncio
import contextlib
import heapq
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import orjson

from simulators.planting import rfc3339
from simulators.publisher import Publisher
from simulators.series import Record, Series

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Timed:
    """One message of a recording, `seconds` after the recording's own beginning; `at` is its time, for progress."""

    seconds: float
    topic: str
    payload: bytes
    at: datetime
    readings: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay has published, all of it acknowledged."""

    messages: int
    readings: int
    stopped: bool


def message_of(record: Record) -> bytes:
    """Return the native payload of a record; what the series marks missing is null."""
    return orjson.dumps({"time": rfc3339(record.time.timestamp()), **record.values})


def timed_messages(series: Series, since: datetime | None = None, until: datetime | None = None) -> list[Timed]:
    """Return a series' messages from `since` up to, not including, `until`, in order of time."""
    records = [r for r in series.records if (since is None or r.time >= since) and (until is None or r.time < until)]
    if not records:
        return []
    begin = records[0].time
    return [
        Timed(
            (record.time - begin).total_seconds(),
            f"city/v1/devices/{record.device_id}/telemetry",
            message_of(record),
            record.time,
            len(record.values),
        )
        for record in records
    ]


def squeezed(recording: list[Timed], lasts: timedelta) -> list[Timed]:
    """Return a recording that takes `lasts` at its own pace, whatever it took when it was made."""
    whole = recording[-1].seconds if recording else 0.0
    share = lasts.total_seconds() / whole if whole > 0 else 1.0
    return [replace(timed, seconds=timed.seconds * share) for timed in recording]


def together(recordings: Iterable[list[Timed]]) -> Iterator[Timed]:
    """Yield several recordings side by side: each begins at once, whatever its year."""
    return heapq.merge(*recordings, key=lambda timed: timed.seconds)


def merge_same_source(series: list[Series]) -> list[Series]:
    """Return one series for each source, so that a source's clock never runs back between two files of it."""
    by_source: dict[str, Series] = {}
    for one in series:
        source_id = next(iter(one.devices.values()))["source_id"] if one.devices else one.mapping.source_id
        first = by_source.get(source_id)
        if first is None:
            by_source[source_id] = one
            continue
        first.records = sorted([*first.records, *one.records], key=lambda record: record.time)
        first.devices |= one.devices
        first.rows += one.rows
        first.skipped += one.skipped
    return list(by_source.values())


async def replay(
    recordings: list[list[Timed]],
    publisher: Publisher,
    speed: float | None,
    stop: asyncio.Event,
    progress: Progress,
) -> Replayed:
    """Publish all of it at `speed` times its own pace, None for as fast as acknowledged."""
    total = sum(map(len, recordings))
    begun = time.monotonic()
    messages = readings = 0
    for timed in together(recordings):
        if speed is not None:
            wait = timed.seconds / speed - (time.monotonic() - begun)
            if wait > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), timeout=wait)
        if stop.is_set():
            break
        await publisher.publish(timed.topic, timed.payload)
        messages += 1
        readings += timed.readings
        progress(messages, total, f"{messages:,} of {total:,} messages, at {timed.at:%Y-%m-%d %H:%M}")
    await publisher.drain()
    return Replayed(messages, readings, stop.is_set())
