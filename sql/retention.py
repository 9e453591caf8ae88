"""What is deleted, by class: pure policy, and the deletions with their report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from citywatch.setting_groups import RetentionSettings
from sql.connection import Connection, Pool
from sql.engine import Chunk, Engine
from sql.queries import query

Class = Literal["raw", "minute", "quarter", "hour", "alerts", "rejected", "tail"]
Reason = Literal["retention", "disk"]

ROLLUPS: dict[Class, str] = {"minute": "rollup_minute", "quarter": "rollup_quarter", "hour": "rollup_hour"}
ROWS = 10_000  # rows a statement deletes, at most
STREAMS = 100  # datastreams whose rollups a statement deletes, at most
ALERTS = 500


@dataclass(frozen=True, slots=True)
class Deletion:
    """What was deleted: everything of its class older than `before`. `bytes` is None where the file keeps its size."""

    kind: Class
    reason: Reason
    before: datetime
    rows: int
    bytes: int | None = None


def expired(chunks: Sequence[Chunk], keep: timedelta | None, now: datetime) -> list[Chunk]:
    """Return the chunks of which every row is older than `keep`."""
    return [] if keep is None else [chunk for chunk in chunks if chunk.end <= now - keep]


def to_shed(chunks: Sequence[Chunk], excess: int, keep: timedelta, now: datetime) -> list[Chunk]:
    """Return the oldest chunks that together free `excess` bytes, none with rows younger than `keep`."""
    chosen: list[Chunk] = []
    for chunk in sorted(expired(chunks, keep, now), key=lambda chunk: chunk.start):
        if sum(each.bytes for each in chosen) >= excess:
            break
        chosen.append(chunk)
    return chosen


def _count(status: str) -> int:
    return int(status.rsplit(" ", 1)[-1])


async def record(connection: Connection | Pool, deletion: Deletion) -> None:
    """Write the report of one deletion."""
    await connection.execute(
        query("care", "record_deletion"),
        deletion.kind,
        deletion.reason,
        deletion.before,
        deletion.rows,
        deletion.bytes,
    )


async def drop_chunk(connection: Connection, engine: Engine, chunk: Chunk, reason: Reason, rows: int) -> Deletion:
    """Drop a week of raw observations with its report, or neither."""
    deletion = Deletion("raw", reason, chunk.end, rows, chunk.bytes)
    async with connection.transaction():
        await engine.drop(connection, chunk)
        await connection.execute(query("care", "delete_said"), chunk.start, chunk.end)
        await record(connection, deletion)
    return deletion


async def delete_expired(connection: Connection, keep: RetentionSettings, now: datetime) -> list[Deletion]:
    """Delete what is too old, except raw observations, in small steps; return and record what went."""
    deletions = []
    for kind, table in ROLLUPS.items():
        limit: timedelta | None = getattr(keep, kind)
        if limit is not None:
            deletions.append(Deletion(kind, "retention", now - limit, await _rollups(connection, table, now - limit)))
    if keep.alerts is not None:
        rows = await _alerts(connection, now - keep.alerts)
        deletions.append(Deletion("alerts", "retention", now - keep.alerts, rows))
    if keep.rejected is not None:
        rows = await _in_steps(connection, "delete_rejected", now - keep.rejected)
        deletions.append(Deletion("rejected", "retention", now - keep.rejected, rows))
    rows = await _in_steps(connection, "delete_tail", now - keep.tail)
    deletions.append(Deletion("tail", "retention", now - keep.tail, rows))
    deletions = [deletion for deletion in deletions if deletion.rows]
    for deletion in deletions:
        await record(connection, deletion)
    return deletions


async def _in_steps(connection: Connection, name: str, before: datetime) -> int:
    total = 0
    while gone := _count(await connection.execute(query("care", name), before, ROWS)):
        total += gone
    return total


async def _rollups(connection: Connection, table: str, before: datetime) -> int:
    """Delete along the key, datastream by datastream: there is no index by time alone, and none is worth its cost."""
    text = query("care", "delete_rollups").replace("rollup_minute", table)
    streams = [row["datastream_id"] for row in await connection.fetch(query("care", "folded_streams"))]
    total = 0
    for first in range(0, len(streams), STREAMS):
        total += _count(await connection.execute(text, streams[first : first + STREAMS], before))
    if table == "rollup_hour":
        await connection.execute(query("care", "delete_area_hours"), before)
    return total


async def _alerts(connection: Connection, before: datetime) -> int:
    dependents = await connection.fetch(query("care", "alert_dependents"))
    total = 0
    while ids := await connection.fetchval(query("care", "expired_alerts"), before, ALERTS):
        async with connection.transaction():
            for row in dependents:
                named = f"DELETE FROM {row['table']} WHERE {row['column']} = ANY ($1::bigint[])"  # noqa: S608  catalogue
                await connection.execute(named, ids)
            await connection.execute(query("care", "delete_alerts"), ids)
        total += len(ids)
    await connection.execute(query("care", "delete_incidents"), before)
    return total
