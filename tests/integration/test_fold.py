"""The fold and the tail, against a recount in Python, under writers that are late, doubled, disordered and cut off."""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

import sql.fold
from citywatch.setting_groups import StoreSettings
from citywatch.settings import Settings
from sql.connection import Connection, Pool
from sql.fold import ROLLUPS, fold, fold_once, follow_moves
from sql.read import read_tail_lag
from sql.tail import TailBatch, TailWatch, read_tail, save_position
from tests.integration.storing import Row, add_streams, make_room, recount, revise, stored_rows, write

START = datetime(2026, 3, 28, 22, tzinfo=UTC)  # across midnight and the end of a week
PROPERTIES = ["pm2_5", "wind_direction", "air_temperature"]


class Abort(Exception):
    pass


def some_row(dice: random.Random, streams: Sequence[int]) -> Row:
    quality = dice.choice([1, 1, 1, 2, 3, 4, 9])
    return Row(
        dice.choice(streams),
        # Few distinct times, so that writers meet on the same keys.
        START + timedelta(seconds=dice.randrange(0, 40_000, 40)),
        None if quality == 9 else dice.choice([dice.uniform(-50, 360), float(dice.randrange(5))]),
        quality,
    )


async def write_at_random(pool: Pool, streams: Sequence[int], seed: int, rounds: int) -> None:
    """One of several writers: new rows, duplicates, revisions, and transactions that end in a rollback."""
    dice = random.Random(seed)
    for _ in range(rounds):
        rows = [some_row(dice, streams) for _ in range(dice.randrange(1, 60))]
        try:
            async with pool.acquire() as connection, connection.transaction():
                if dice.random() < 0.3:
                    await revise(connection, rows, START)
                else:
                    await write(connection, rows, START)
                if dice.random() < 0.2:
                    raise Abort
        except (Abort, asyncpg.DeadlockDetectedError):
            continue


async def check_rollups(pool: Pool, streams: Sequence[int]) -> None:
    rows = await stored_rows(pool)
    circular = {
        row["datastream_id"]
        for row in await pool.fetch("SELECT datastream_id FROM datastream WHERE property = 'wind_direction'")
    }
    assert len(rows) > 100
    for table, width in ROLLUPS.items():
        wanted = recount(rows, width, circular)
        found = {(r["datastream_id"], r["bucket"]): dict(r) for r in await pool.fetch(f"SELECT * FROM {table}")}
        assert found.keys() == wanted.keys(), table
        for key, want in wanted.items():
            for column, value in want.items():
                near = pytest.approx(value, abs=1e-9) if column.endswith("sum") else value
                assert found[key][column] == near, (table, key, column)


async def check_areas(pool: Pool) -> None:
    for table, single in {"rollup_area_hour": "rollup_hour", "rollup_area_day": "rollup_day"}.items():
        columns = ("n", "n_good", "n_all", "sum", "sin_sum", "cos_sum")
        sums = ", ".join(f"sum({column})::float8" for column in columns)
        wanted = await pool.fetch(
            f"SELECT s.property, r.bucket, d.domain, coalesce(d.district_id, ''), {sums} FROM {single} AS r"
            " JOIN datastream AS s USING (datastream_id) JOIN device AS d USING (device_id) GROUP BY 1, 2, 3, 4"
        )
        found = await pool.fetch(
            f"SELECT property, bucket, domain, district_id, {', '.join(columns)} FROM {table} WHERE n_all <> 0"
        )
        assert {tuple(row)[:4] for row in found} == {tuple(row)[:4] for row in wanted}
        by_key = {tuple(row)[:4]: tuple(row)[4:] for row in found}
        for row in wanted:
            assert by_key[tuple(row)[:4]] == pytest.approx(tuple(row)[4:], abs=1e-8), (table, tuple(row)[:4])


async def check_latest(pool: Pool) -> None:
    wanted = await pool.fetch(
        "SELECT DISTINCT ON (datastream_id) datastream_id, phenomenon_time, result, quality FROM observation"
        " ORDER BY datastream_id, phenomenon_time DESC"
    )
    found = await pool.fetch(
        "SELECT datastream_id, phenomenon_time, result, quality FROM latest_observation ORDER BY datastream_id"
    )
    assert [tuple(row) for row in found] == [tuple(row) for row in wanted]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_folds_equal_a_recount_after_late_doubled_and_revised_rows(pool: Pool, seed: int) -> None:
    streams = await add_streams(pool, PROPERTIES, "north") + await add_streams(pool, PROPERTIES)
    await make_room(pool, [START, START + timedelta(days=1)])
    writers = asyncio.gather(*(write_at_random(pool, streams, 100 * seed + each, 25) for each in range(4)))
    folded = 0
    async with asyncio.timeout(60):
        # Two folds at once, while rows arrive: they take turns and neither repeats the other's work.
        while not writers.done():
            for rows in await asyncio.gather(*(_fold(pool, 150) for _ in range(2))):
                folded += rows
        await writers
        while rows := await _fold(pool, 500):
            folded += rows
    assert folded == await pool.fetchval("SELECT sum(size) FROM ingest_batch")
    await check_rollups(pool, streams)
    await check_areas(pool)
    await check_latest(pool)


async def _fold(pool: Pool, rows: int) -> int:
    async with pool.acquire() as connection:
        return await fold_once(connection, rows)


async def test_history_follows_a_device_to_its_new_district(pool: Pool) -> None:
    streams = await add_streams(pool, ["pm2_5"], "north")
    await add_streams(pool, ["pm2_5"], "south")
    await make_room(pool, [START])
    async with pool.acquire() as connection, connection.transaction():
        await write(connection, [Row(streams[0], START + timedelta(hours=h), 5.0 + h, 1) for h in range(20)], START)
    await _fold(pool, 1000)
    await pool.execute("UPDATE device SET district_id = 'south' WHERE district_id = 'north'")
    async with pool.acquire() as connection:
        # A revision between the move and its discovery is taken from where the row was counted.
        async with connection.transaction():
            await revise(connection, [Row(streams[0], START, 5.0, 4)], START)
        await fold_once(connection)
        await follow_moves(connection)
        await follow_moves(connection)
    await check_areas(pool)
    north = await pool.fetchrow(
        "SELECT sum(n) AS n, sum(n_all) AS n_all FROM rollup_area_day WHERE district_id = 'north'"
    )
    south = await pool.fetchrow(
        "SELECT sum(n) AS n, sum(n_all) AS n_all FROM rollup_area_day WHERE district_id = 'south'"
    )
    assert north is not None
    assert south is not None
    assert (tuple(north), tuple(south)) == ((0, 0), (19, 20))


async def test_a_move_reads_the_history_of_what_moved_only(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql.fold, "STREAMS", 3)
    (moved, *others) = [await add_streams(pool, PROPERTIES, "north") for _ in range(10)]
    for streams in (moved, *others):
        await pool.execute(
            "INSERT INTO fold_stream SELECT datastream_id, property, 'air', 'north', false FROM datastream"
            " WHERE datastream_id = ANY ($1)",
            streams,
        )
        for table in ("rollup_hour", "rollup_day"):
            await pool.execute(
                f"INSERT INTO {table} SELECT s, $2::timestamptz + n * interval '1 day', 1, 1, 1, 5, 0, 0, 5, 5, 5, NULL"
                " FROM unnest($1::int[]) AS s CROSS JOIN generate_series(1, 200) AS n",
                streams,
                START,
            )
    await pool.execute("ANALYZE")

    async def follow(district: str, devices: str) -> int:
        """Move devices; return how many rows of the rollups were read for it."""
        await pool.execute(
            "INSERT INTO district (district_id, name, polygon) VALUES ($1, $1, '{}') ON CONFLICT DO NOTHING", district
        )
        await pool.execute("UPDATE device SET district_id = $1 WHERE device_id LIKE $2", district, devices)
        read = (
            "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::int FROM pg_stat_xact_user_tables"
            " WHERE relname IN ('rollup_hour', 'rollup_day')"
        )
        async with pool.acquire() as connection, connection.transaction():
            before: int = await connection.fetchval(read)
            await follow_moves(connection)
            after: int = await connection.fetchval(read)
            return after - before

    async def counted() -> dict[str, int]:
        rows = await pool.fetch("SELECT district_id, sum(n)::int AS n FROM rollup_area_day GROUP BY 1 ORDER BY 1")
        return {row["district_id"]: row["n"] for row in rows if row["n"]}

    assert await follow("north", "%") == 0, "nothing has moved"
    assert await follow("south", "device-0") == 2 * 3 * 200
    assert await counted() == {"north": -600, "south": 600}
    assert await follow("west", "%") == 2 * 30 * 200, "all, in ten steps"
    assert await counted() == {"north": -6000, "west": 6000}


async def test_latest_never_goes_back(pool: Pool) -> None:
    (stream,) = await add_streams(pool, ["pm2_5"])
    await make_room(pool, [START])
    seen = []
    for minutes, result, quality in [(5, 1.0, 1), (3, 2.0, 1), (9, None, 9), (7, 4.0, 1)]:
        row = Row(stream, START + timedelta(minutes=minutes), result, quality)
        async with pool.acquire() as connection:
            async with connection.transaction():
                await write(connection, [row], START)
            await fold_once(connection)
        latest = await pool.fetchrow("SELECT phenomenon_time, result, quality FROM latest_observation")
        assert latest is not None
        seen.append(((latest["phenomenon_time"] - START) // timedelta(minutes=1), latest["result"], latest["quality"]))
    assert seen == [(5, 1.0, 1), (5, 1.0, 1), (9, None, 9), (9, None, 9)]


async def test_rows_of_a_deleted_device_do_not_stop_the_fold(pool: Pool) -> None:
    (stream,) = await add_streams(pool, ["pm2_5"])
    await make_room(pool, [START])
    async with pool.acquire() as connection, connection.transaction():
        await write(connection, [Row(stream, START, 1.0, 1), Row(stream + 1, START, 1e300, 1)], START)
    await pool.execute("DELETE FROM device")
    assert await _fold(pool, 10) == 2
    assert await pool.fetchval("SELECT count(*) FROM latest_observation") == 0


class Reader:
    """A consumer whose transactions are cut off now and then; keeps what it committed."""

    def __init__(self, pool: Pool, seed: int) -> None:
        self.pool, self.dice, self.batches = pool, random.Random(seed), list[TailBatch]()

    async def read(self, limit: int) -> int:
        try:
            async with self.pool.acquire() as connection, connection.transaction():
                batches = await read_tail(connection, "reader", limit)
                if batches:
                    await save_position(connection, "reader", batches[-1].seq)
                if self.dice.random() < 0.2:
                    raise Abort
        except Abort:
            return 1
        self.batches += batches
        return len(batches)


@pytest.mark.parametrize("seed", [11, 12])
async def test_the_tail_delivers_each_new_row_once_in_commit_order(pool: Pool, seed: int) -> None:
    streams = await add_streams(pool, PROPERTIES)
    await make_room(pool, [START, START + timedelta(days=1)])
    reader = Reader(pool, seed)
    committed: list[tuple[int, Row]] = []

    async def write_some(each: int) -> None:
        dice = random.Random(seed * 1000 + each)
        for _ in range(40):
            rows = [some_row(dice, streams) for _ in range(dice.randrange(1, 30))]
            try:
                async with pool.acquire() as connection, connection.transaction():
                    new = await write(connection, rows, START)
                    seq = await connection.fetchval("SELECT currval('ingest_batch_seq')") if new else 0
                    if dice.random() < 0.2:
                        raise Abort
            except (Abort, asyncpg.DeadlockDetectedError):
                continue
            committed.extend((seq, row) for row in new)

    async with asyncio.timeout(60):
        writers = asyncio.gather(*(write_some(each) for each in range(4)))
        while not writers.done():
            # Two instances of one consumer.
            await asyncio.gather(reader.read(100), reader.read(100))
        await writers
        while await reader.read(1000):
            pass
    seqs = [batch.seq for batch in reader.batches]
    assert sorted(seqs) == sorted(set(seqs)), "a batch came twice"
    read = [
        (batch.seq, Row(*row))
        for batch in reader.batches
        for row in zip(batch.datastream_id, batch.phenomenon_time, batch.result, batch.quality, strict=True)
    ]
    assert sorted(read, key=repr) == sorted(committed, key=repr)
    assert len({row[:2] for _, row in read}) == len(read) == await pool.fetchval("SELECT count(*) FROM observation")
    # Commit order: what one transaction saw committed before its own number was drawn has a smaller number.
    order = await pool.fetch("SELECT seq, at FROM ingest_batch ORDER BY seq")
    assert [row["at"] for row in order] == sorted(row["at"] for row in order)


async def test_a_batch_is_never_split_and_a_reader_starts_at_the_beginning(pool: Pool) -> None:
    (stream,) = await add_streams(pool, ["pm2_5"])
    await make_room(pool, [START])
    for first in (0, 10, 20):
        rows = [Row(stream, START + timedelta(seconds=first + each), 1.0, 1) for each in range(10)]
        async with pool.acquire() as connection, connection.transaction():
            await write(connection, rows, START)
    async with pool.acquire() as connection, connection.transaction():
        assert [len(b.quality) for b in await read_tail(connection, "a", 1)] == [10]
        batches = await read_tail(connection, "a", 11)
        assert [len(b.quality) for b in batches] == [10, 10]
        assert not batches[0].is_revision
        await save_position(connection, "a", batches[-1].seq)
    (lag,) = await read_tail_lag(pool)
    assert (lag.consumer, lag.batches, lag.rows) == ("a", 1, 10)
    assert lag.seconds >= 0


async def cut(connection: Connection, name: str) -> None:
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE $1 AND datname = current_database()",
        name,
    )


async def test_the_watch_wakes_on_commit_also_after_its_connection_was_cut(pool: Pool, dsn: str) -> None:
    stop = asyncio.Event()
    async with TailWatch(dsn, process="test", poll=timedelta(minutes=5)) as watch, asyncio.timeout(20):
        await watch.wait(stop)  # connected: looks once for what was there before
        await pool.execute("SELECT pg_notify('citywatch_tail', '')")
        await watch.wait(stop)
        async with pool.acquire() as connection:
            await cut(connection, "citywatch test listener")
        await watch.wait(stop)  # connected again
        await pool.execute("SELECT pg_notify('citywatch_tail', '')")
        await watch.wait(stop)
        stop.set()
        await watch.wait(stop)


async def test_the_process_folds_announces_and_survives_a_lost_connection(pool: Pool, dsn: str) -> None:
    (stream,) = await add_streams(pool, ["pm2_5"])
    await make_room(pool, [START])
    stop, announced = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(fold(Settings(store=StoreSettings(dsn=dsn)), stop))
    async with pool.acquire() as listener, pool.acquire() as connection, asyncio.timeout(30):
        await listener.add_listener("citywatch_latest", lambda *_: announced.set())
        for each in range(3):
            announced.clear()
            async with connection.transaction():
                await write(connection, [Row(stream, START + timedelta(minutes=each), 1.0, 1)], START)
            await announced.wait()
            assert await connection.fetchval("SELECT sum(n) FROM rollup_day") == each + 1
            await cut(connection, "citywatch fold%")
        stop.set()
        await running
        await listener.reset()
