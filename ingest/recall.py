"""The memory of a datastream after a restart: read back from the store, which is the log of what was judged."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

from devices.model import QualityFlag
from ingest.model import Channel, Row
from ingest.quality.attenuated import SignalWindow
from ingest.quality.flat_line import SILENCE, Extreme, FlatRun
from ingest.quality.memory import Memory
from sql.connection import Connection, Record
from sql.queries import query

# Enough for spike and rate of change, and to tell most values from a flat line.
RECENT = 8


async def recall(connection: Connection, channels: Iterable[Channel]) -> None:
    """Give every channel its memory: what a worker that had never stopped would have."""
    known: dict[int, Channel] = {}
    for channel in channels:
        channel.memory = Memory()
        if channel.datastream_id is not None:
            known[channel.datastream_id] = channel
    if not known:
        return
    rows = await connection.fetch(query("ingest", "recent_observations"), list(known), RECENT)
    flat: list[tuple[Channel, Sequence[Record]]] = []
    for datastream_id, group in groupby(rows, key=itemgetter("datastream_id")):
        channel, recent = known[datastream_id], list(group)
        if _remember(channel, recent):
            flat.append((channel, recent))
    if flat:
        await _extend(connection, flat)
    signals = [channel for channel in known.values() if channel.limits.attenuated_signal is not None]
    if signals:
        await _recall_signals(connection, signals)


def _remember(channel: Channel, recent: Sequence[Record]) -> bool:
    """Build the memory from the newest rows; return whether a flat line may have begun before the first of them."""
    memory, limits = channel.memory, channel.limits
    assert memory is not None
    newest = recent[-1]
    memory.last = Row(
        channel,
        newest["phenomenon_time"],
        newest["received_at"],
        newest["result"],
        QualityFlag(newest["quality"]),
        newest["tests"],
        sealed=True,
    )
    memory.before = recent[-2]["result"] if len(recent) > 1 else None
    if limits.flat_line is None:
        return False
    memory.flat = FlatRun()
    for row in recent:
        memory.flat.add(row["result"], row["phenomenon_time"], channel.interval, limits.flat_line.tolerance)
    return len(recent) == RECENT and memory.flat.start == recent[0]["phenomenon_time"]


async def _extend(connection: Connection, flat: Sequence[tuple[Channel, Sequence[Record]]]) -> None:
    """Find out how long the flat ones have been flat. Only the beginning is fetched, not the readings."""
    asked: list[tuple[int | None, datetime, datetime, float, float, timedelta]] = []
    for channel, recent in flat:
        limits, last = channel.limits.flat_line, recent[-1]["phenomenon_time"]
        assert limits is not None
        values = [row["result"] for row in recent if row["result"] is not None] or [0.0]
        longest = max(limits.fail_after or timedelta(0), limits.suspect_after or timedelta(0)) + channel.interval
        low, high = max(values) - limits.tolerance, min(values) + limits.tolerance
        asked.append((channel.datastream_id, last - longest, last, low, high, SILENCE * channel.interval))
    starts = await connection.fetch(query("ingest", "flat_since"), *map(list, zip(*asked, strict=True)))
    found = {row["datastream_id"]: row["start"] for row in starts}
    for channel, recent in flat:
        start = found.get(channel.datastream_id)
        values = [row["result"] for row in recent if row["result"] is not None]
        if start is None or not values or channel.memory is None or channel.memory.flat is None:
            continue
        last, pause = recent[-1]["phenomenon_time"], recent[-1]["phenomenon_time"] - recent[-2]["phenomenon_time"]
        channel.memory.flat.seed(start, last, Extreme(min(values), last), Extreme(max(values), last), pause)


async def _recall_signals(connection: Connection, channels: Sequence[Channel]) -> None:
    for channel in channels:
        limits, memory = channel.limits.attenuated_signal, channel.memory
        assert limits is not None
        assert memory is not None
        memory.signal = SignalWindow()
        rows = await connection.fetch(query("ingest", "recent_observations"), [channel.datastream_id], limits.most)
        for row in rows:
            memory.signal.add(row["result"], row["phenomenon_time"], limits)
