"""What writers can rely on: exact rollups, dedupe at a price that is known, migration beside them, and power cuts."""

import asyncio
import random
import re
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from citywatch.local.postgres import LocalPostgres
from citywatch.setting_groups import StoreSettings
from citywatch.settings import Settings
from docs.proof.store_servers import migrated, scale
from sql.care import TROUBLE, look_after
from sql.connection import Connection, Pool
from sql.engine import detect_engine
from sql.fold import fold_once
from sql.migrate import load_migrations, migrate
from sql.observations import store_observations
from sql.pool import open_pool
from tests.conftest import ROOT, administer
from tests.integration.storing import Row, add_streams, make_room, write
from tests.integration.test_fold import PROPERTIES, START, check_areas, check_latest, check_rollups, write_at_random

BATCH = 1000
LEAST = {"plain": 0.6, "timescale": 0.3}  # of bare COPY
COPIED = ["datastream_id", "quality", "tests", "phenomenon_time", "received_at", "result"]
BASE = ROOT / "tests" / "versions" / "0.1.0.sql"


async def recounts(dsn: str) -> dict[str, Any]:
    """Four writers, late, doubled, disordered, revising and aborting, while two folds run: the rollups are exact."""
    pool = await migrated(dsn, 12)
    rounds, seeds = max(25, int(500 * scale())), (1, 2)
    try:
        streams = await add_streams(pool, PROPERTIES, "north") + await add_streams(pool, PROPERTIES)
        await make_room(pool, [START, START + timedelta(days=1)])
        for seed in seeds:
            writers = asyncio.gather(*(write_at_random(pool, streams, 100 * seed + each, rounds) for each in range(4)))
            while not writers.done():
                await asyncio.gather(*(_fold(pool, 300) for _ in range(2)))
            await writers
        while await _fold(pool, 20_000):
            pass
        await check_rollups(pool, streams)
        await check_areas(pool)
        await check_latest(pool)
        tail = await pool.fetchrow(
            "SELECT count(*) FILTER (WHERE old_result IS NULL) AS writes, count(old_result) AS revisions,"
            " sum(size) FILTER (WHERE old_result IS NULL) AS rows FROM ingest_batch"
        )
        stored = await pool.fetchval("SELECT count(*) FROM observation")
        assert tail is not None
        assert tail["rows"] == stored, "the tail does not hold every new row once"
        return {"seeds": seeds, "transactions": 8 * rounds, **dict(tail), "sums_within": 1e-9}
    finally:
        await pool.close()


async def _fold(pool: Pool, rows: int) -> int:
    async with pool.acquire() as connection:
        return await fold_once(connection, rows)


def _columns(first: int, streams: int) -> tuple[list[int], list[datetime], list[float]]:
    """Return batch number `first`: as a worker gets them, many datastreams at about one time."""
    base = datetime(2026, 5, 4, tzinfo=UTC)
    numbers = range(first * BATCH, (first + 1) * BATCH)
    return (
        [1 + n % streams for n in numbers],
        [base + timedelta(seconds=n // streams * 10 + n % 7) for n in numbers],
        [20.0 + n % 400 / 10 for n in numbers],
    )


async def batches(dsn: str, engine: str) -> dict[str, Any]:
    """Batches of 1,000 rows with dedupe, tail and synchronous commit, against COPY of the same rows, turn by turn."""
    rounds, each, streams = max(4, int(20 * scale())), 50, 3000
    pool = await migrated(dsn)
    try:
        await make_room(pool, [datetime(2026, 5, 4, tzinfo=UTC) + timedelta(days=7 * week) for week in range(4)])
        async with pool.acquire() as connection:
            assert await connection.fetchval("SHOW synchronous_commit") == "on"
            assert await connection.fetchval("SHOW fsync") == "on"
            ours, bare = [], []
            for number in range(rounds + 1):
                data = [_columns(number * each + batch, streams) for batch in range(each)]
                bare.append(await _copy(connection, data))
                await connection.execute("TRUNCATE observation, ingest_batch")
                ours.append(await _ours(connection, data))
                await connection.execute("TRUNCATE observation, ingest_batch; CHECKPOINT")
            again = await _ours(connection, data)
            again = await _ours(connection, data, new=False)
    finally:
        await pool.close()
    ratio = statistics.median(o / b for o, b in zip(ours[1:], bare[1:], strict=True))
    figures = {
        "rows_per_second": round(statistics.median(ours[1:])),
        "copy_rows_per_second": round(statistics.median(bare[1:])),
        "all_duplicates_rows_per_second": round(again),
        "ratio": round(ratio, 3),
        "rounds": rounds,
    }
    assert ratio >= LEAST[engine], {**figures, "promised": LEAST[engine]}
    return figures


async def _copy(connection: Connection, data: Sequence[tuple[list[int], list[datetime], list[float]]]) -> float:
    records = [list(zip(d, [1] * BATCH, [0] * BATCH, t, t, r, strict=True)) for d, t, r in data]
    started = time.perf_counter()
    for batch in records:
        await connection.copy_records_to_table("observation", records=batch, columns=COPIED)
    return len(data) * BATCH / (time.perf_counter() - started)


async def _ours(
    connection: Connection, data: Sequence[tuple[list[int], list[datetime], list[float]]], *, new: bool = True
) -> float:
    ones, noughts = [1] * BATCH, [0] * BATCH
    started = time.perf_counter()
    for streams, times, results in data:
        row = await store_observations(
            connection, datastreams=streams, times=times, received=times, results=results, quality=ones, tests=noughts
        )
        assert row["stored"] == (BATCH if new else 0)
    return len(data) * BATCH / (time.perf_counter() - started)


class Traffic:
    """Writers that note what was committed, and how long each write took; they survive a store that goes away."""

    def __init__(self, dsn: str, streams: Sequence[int], start: datetime, writers: int = 2) -> None:
        self.acknowledged: list[Row] = []
        self.slowest = 0.0
        self._dsn, self._streams, self._start = dsn, streams, start
        self._stop = asyncio.Event()
        self._tasks = [asyncio.create_task(self._write(number, writers)) for number in range(writers)]

    async def _write(self, number: int, writers: int) -> None:
        """Write rows of this writer's own times, again after a failure until they are acknowledged."""
        second, connection = number, None
        while not self._stop.is_set():
            time_ = self._start + timedelta(seconds=second)
            rows = [Row(stream, time_, float(second), 1) for stream in self._streams]
            started = time.monotonic()
            try:
                connection = connection or await asyncpg.connect(self._dsn, timeout=5)
                async with connection.transaction():
                    await write(connection, rows, time_)
            except (*TROUBLE, TimeoutError):  # type: ignore[misc]
                if connection is not None:
                    connection.terminate()
                connection = None
                await asyncio.sleep(0.05)
                continue
            self.slowest = max(self.slowest, time.monotonic() - started)
            self.acknowledged += rows
            second += writers
        if connection is not None:
            await connection.close()

    async def end(self) -> None:
        """Let each writer finish the write it is in."""
        self._stop.set()
        await asyncio.gather(*self._tasks)


async def lost(connection: Connection, rows: Sequence[Row]) -> int:
    """Return how many of these rows are not stored."""
    missing: int = await connection.fetchval(
        "SELECT count(*) FROM unnest($1::int[], $2::timestamptz[], $3::float8[]) AS a (d, t, r)"
        " WHERE NOT EXISTS (SELECT FROM observation AS o"
        " WHERE o.datastream_id = d AND o.phenomenon_time = t AND o.result = r)",
        [row.datastream_id for row in rows],
        [row.phenomenon_time for row in rows],
        [row.result for row in rows],
    )
    return missing


BULK = """
INSERT INTO observation (datastream_id, phenomenon_time, received_at, result, quality)
SELECT s, $1::timestamptz + i * $3::interval, $1, i % 50, 1 FROM generate_series(1, $2::int) AS i,
       generate_series(100, 149) AS s
"""


async def migration(own: LocalPostgres, engine: str) -> dict[str, Any]:
    """Migrate 5 million rows from the first version's schema while rows are written; no write waits long."""
    count, start = int(5_000_000 * scale()), datetime(2026, 4, 13, tzinfo=UTC)
    dsn = own.dsn()
    text = BASE.read_text(encoding="utf-8")
    base = set(re.findall(r"'(\d{4}_\w+)'", text))
    if engine == "plain":
        await administer(dsn, text)
    pool = await open_pool(dsn, process="proof", size=2)
    try:
        async with pool.acquire() as connection:
            await connection.execute("SET statement_timeout = 0")
            if engine != "plain":
                await migrate(connection, [each for each in load_migrations() if each.name in base])
            engine_ = await detect_engine(connection)
            span = timedelta(seconds=10 * (count // 50))
            await engine_.ensure(connection, [start + week * timedelta(days=7) for week in range(span.days // 7 + 2)])
            await connection.execute(BULK, start, count // 50, timedelta(seconds=10))
            await engine_.ensure(connection, [start - timedelta(days=7)])
            traffic = Traffic(dsn, range(1, 51), start - timedelta(days=7))
            while len(traffic.acknowledged) < 1000:  # noqa: ASYNC110  what is waited for is other tasks' work
                await asyncio.sleep(0.01)
            traffic.slowest = 0.0
            started = time.monotonic()
            applied = await migrate(connection)
            seconds = time.monotonic() - started
            await traffic.end()
            missing = await lost(connection, traffic.acknowledged)
            rows = await connection.fetchval("SELECT count(*) FROM observation")
    finally:
        await pool.close()
    figures = {
        "rows": rows,
        "applied": applied,
        "seconds": round(seconds, 2),
        "longest_write_s": round(traffic.slowest, 2),
        "written_meanwhile": len(traffic.acknowledged),
        "lost": missing,
    }
    assert applied, {**figures, "missed": "nothing to migrate"}
    assert not missing, figures
    assert traffic.slowest < 5, {**figures, "missed": "a write waited"}
    return figures


async def power_cuts(own: LocalPostgres) -> dict[str, Any]:
    """Kill the server in the middle of writes and of packing, again and again; what was acknowledged is there, once."""
    rounds, dice = max(3, int(20 * scale())), random.Random(3)
    pool = await migrated(own.dsn(), 2)
    start = datetime(2026, 2, 2, tzinfo=UTC)
    async with pool.acquire() as connection:
        # Old weeks with enough rows that packing them takes a while.
        await make_room(pool, [start + week * timedelta(days=7) for week in range(5)])
        await connection.execute(BULK, start, 4 * 7 * 24 * 30, timedelta(minutes=2))
    await pool.close()
    bulk = 4 * 7 * 24 * 30 * 50
    killed_while_packing, packed = 0, 0
    traffic = Traffic(own.dsn(), range(1, 51), start + timedelta(days=28), writers=3)
    try:
        for _ in range(rounds):
            packing = asyncio.create_task(_pack(own.dsn(), start + timedelta(days=60)))
            await asyncio.sleep(dice.uniform(0.1, 2.5))
            killed_while_packing += not packing.done()
            own.stop(kill=True)
            packed += await packing
            await asyncio.to_thread(own.start)
        before = len(traffic.acknowledged)
        deadline = time.monotonic() + 60
        while len(traffic.acknowledged) == before:
            assert time.monotonic() < deadline, "the writers did not come back"
            await asyncio.sleep(0.05)
    finally:
        await traffic.end()
    packed += await _pack(own.dsn(), start + timedelta(days=60))
    pool = await open_pool(own.dsn(), process="proof", size=1)
    async with pool.acquire() as connection:
        await connection.execute("SET statement_timeout = 0")
        figures = {
            "kills": rounds,
            "killed_while_packing": killed_while_packing,
            "acknowledged": len(traffic.acknowledged),
            "lost": await lost(connection, traffic.acknowledged),
            "doubled": await connection.fetchval(
                "SELECT count(*) - count(DISTINCT (datastream_id, phenomenon_time)) FROM observation"
            ),
            "bulk_lost": bulk
            - await connection.fetchval("SELECT count(*) FROM observation WHERE datastream_id >= 100"),
            "tail_differs": await connection.fetchval(
                "SELECT (SELECT sum(size) FROM ingest_batch)"
                " - (SELECT count(*) FROM observation WHERE datastream_id < 100)"
            ),
            "weeks_left_unpacked": sum(
                not chunk.packed and chunk.end <= start + timedelta(days=28)
                for chunk in await (await detect_engine(connection)).chunks(connection)
            ),
        }
    await pool.close()
    wrong = {
        n: figures[n] for n in ("lost", "doubled", "bulk_lost", "tail_differs", "weeks_left_unpacked") if figures[n]
    }
    assert not wrong, {**figures, "missed": wrong}
    assert killed_while_packing, {**figures, "missed": "no kill met the packing"}
    return figures


async def _pack(dsn: str, now: datetime) -> int:
    """Look after the store once; return how many weeks were packed before the server went away."""
    settings, pool = Settings(store=StoreSettings(pack_after=timedelta(0))), None
    try:
        pool = await open_pool(dsn, process="care", size=2)
        return len((await look_after(pool, settings, now)).packed)
    except TROUBLE:
        return 0
    finally:
        if pool is not None:
            pool.terminate()
