"""Writes to the store the way ingest does, for tests of what reads it; and a recount to compare rollups with."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sql.connection import Connection, Pool
from sql.engine import detect_engine

TAIL_LOCK = 7_228_001


class Row(NamedTuple):
    """One observation."""

    datastream_id: int
    phenomenon_time: datetime
    result: float | None
    quality: int


async def add_streams(pool: Pool, properties: Sequence[str], district_id: str | None = None) -> list[int]:
    """Register one device with these properties; return its datastreams."""
    number = await pool.fetchval("SELECT count(*) FROM device")
    if district_id is not None:
        await pool.execute(
            "INSERT INTO district (district_id, name, polygon) VALUES ($1, $1, '{}') ON CONFLICT DO NOTHING",
            district_id,
        )
    await pool.execute(
        "INSERT INTO device (device_id, profile, domain, district_id, expected_interval)"
        " VALUES ($1, 'citywatch/native', 'air', $2, '1 minute')",
        f"device-{number}",
        district_id,
    )
    return [
        await pool.fetchval(
            "INSERT INTO datastream (device_id, property, unit) VALUES ($1, $2, '1') RETURNING datastream_id",
            f"device-{number}",
            name,
        )
        for name in properties
    ]


async def make_room(pool: Pool, times: Sequence[datetime]) -> None:
    """Do what ingest does before it writes rows at `times`."""
    async with pool.acquire() as connection:
        await (await detect_engine(connection)).ensure(connection, times)


async def _tail(connection: Connection, rows: Sequence[Row], old: Sequence[Row] | None, now: datetime) -> None:
    await connection.execute("SELECT pg_advisory_xact_lock($1)", TAIL_LOCK)
    await connection.execute(
        "INSERT INTO ingest_batch (seq, datastream_id, phenomenon_time, received_at, result, quality,"
        " old_result, old_quality) VALUES (nextval('ingest_batch_seq'), $1, $2, $3, $4, $5, $6, $7)",
        [row.datastream_id for row in rows],
        [row.phenomenon_time for row in rows],
        [now for _ in rows],
        [row.result for row in rows],
        [row.quality for row in rows],
        None if old is None else [row.result for row in old],
        None if old is None else [row.quality for row in old],
    )
    await connection.execute("SELECT pg_notify('citywatch_tail', '')")


async def write(connection: Connection, rows: Sequence[Row], now: datetime) -> list[Row]:
    """Store rows inside the caller's transaction and put those that were new on the tail; return them."""
    fresh = await connection.fetch(
        "INSERT INTO observation (datastream_id, phenomenon_time, received_at, result, quality)"
        " SELECT a, b, $5, c, d FROM unnest($1::int[], $2::timestamptz[], $3::float8[], $4::smallint[])"
        " AS n (a, b, c, d) ORDER BY a, b ON CONFLICT DO NOTHING"
        " RETURNING datastream_id, phenomenon_time, result, quality",
        [row.datastream_id for row in rows],
        [row.phenomenon_time for row in rows],
        [row.result for row in rows],
        [row.quality for row in rows],
        now,
    )
    new = [Row(*row) for row in fresh]
    if new:
        await _tail(connection, new, None, now)
    return new


async def revise(connection: Connection, rows: Sequence[Row], now: datetime) -> None:
    """Correct stored rows inside the caller's transaction and put old and new on the tail."""
    old, new = [], []
    # In the order of their keys, as two writers that meet would deadlock otherwise.
    for row in sorted({row[:2]: row for row in rows}.values()):
        # Locks the row by an update that changes nothing: compressed rows cannot be locked by a SELECT.
        before = await connection.fetchrow(
            "UPDATE observation SET tests = tests WHERE datastream_id = $1 AND phenomenon_time = $2"
            " RETURNING datastream_id, phenomenon_time, result, quality",
            *row[:2],
        )
        if before is None:
            continue
        await connection.execute(
            "UPDATE observation SET result = $3, quality = $4 WHERE datastream_id = $1 AND phenomenon_time = $2", *row
        )
        old.append(Row(*before))
        new.append(row)
    if new:
        await _tail(connection, new, old, now)


async def stored_rows(pool: Pool) -> list[Row]:
    """Return every observation."""
    return [
        Row(*row) for row in await pool.fetch("SELECT datastream_id, phenomenon_time, result, quality FROM observation")
    ]


def recount(rows: Sequence[Row], width: timedelta, circular: set[int]) -> dict[tuple[int, datetime], dict[str, Any]]:
    """Return what a rollup must say, counted in Python from the rows themselves."""
    epoch = datetime(2000, 1, 3, tzinfo=rows[0].phenomenon_time.tzinfo)
    groups: dict[tuple[int, datetime], list[Row]] = {}
    for row in rows:
        bucket = epoch + (row.phenomenon_time - epoch) // width * width
        groups.setdefault((row.datastream_id, bucket), []).append(row)
    counted = {}
    for key, group in groups.items():
        used = sorted((r.phenomenon_time, r.result) for r in group if r.quality <= 3 and r.result is not None)
        results = [result for _, result in used]
        turning = [math.radians(result) for result in results] if key[0] in circular else []
        counted[key] = {
            "n": len(used),
            "n_good": sum(r.quality == 1 for r in group),
            "n_all": len(group),
            "sum": math.fsum(results),
            "sin_sum": math.fsum(map(math.sin, turning)),
            "cos_sum": math.fsum(map(math.cos, turning)),
            "min": min(results, default=None),
            "max": max(results, default=None),
            "last": used[-1][1] if used else None,
            "last_time": used[-1][0] if used else None,
        }
    return counted
