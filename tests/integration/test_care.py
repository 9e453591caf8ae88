"""Packing, retention, the disk's watermark and the report, on whichever engine the suite runs."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from citywatch.cli.store import document, show
from citywatch.setting_groups import RetentionSettings, StoreSettings
from citywatch.settings import Settings
from sql.care import GIB, care, look_after
from sql.connection import Pool
from sql.engine import WEEK, detect_engine
from sql.fold import fold_once
from sql.queries import query
from sql.store_status import read_store_status
from sql.tail import lock_position, save_position
from tests.integration.storing import Row, add_streams, make_room, revise, stored_rows, write

NOW = datetime(2026, 6, 4, 12, tzinfo=UTC)  # a Thursday
STEP = timedelta(hours=2)


async def fill(pool: Pool, weeks: int, streams: int = 3) -> list[int]:
    """Rows of some weeks up to now, in the order in which they would have come, folded."""
    ids = await add_streams(pool, [f"p{each}" for each in range(streams)], "north")
    times = [NOW - STEP * step for step in reversed(range(weeks * 7 * 12))]
    await make_room(pool, times)
    async with pool.acquire() as connection:
        async with connection.transaction():
            await write(connection, [Row(each, time, 1.0, 1) for time in times for each in ids], NOW)
        await fold_once(connection, 10**6)
    return ids


async def packed(pool: Pool) -> list[bool]:
    async with pool.acquire() as connection:
        return [
            chunk.packed for chunk in await (await detect_engine(connection)).chunks(connection) if chunk.end <= NOW
        ]


async def one_round(pool: Pool, settings: Settings, now: datetime = NOW) -> list[str]:
    return (await look_after(pool, settings, now)).packed


async def test_complete_weeks_are_packed_and_take_late_rows_and_revisions(pool: Pool) -> None:
    (first, *_) = await fill(pool, 4)
    before = sorted(await stored_rows(pool))
    settings = Settings()
    assert len(await one_round(pool, settings)) >= 2
    assert all((await packed(pool))[:-1]), "a complete week was left"
    assert sorted(await stored_rows(pool)) == before
    assert await one_round(pool, settings) == [], "packed twice"
    late = [Row(first, NOW - 3 * WEEK + timedelta(minutes=1 + each), 7.0, 1) for each in range(30)]
    async with pool.acquire() as connection, connection.transaction():
        assert len(await write(connection, [*late, *before[:40]], NOW)) == 30
        await revise(connection, [late[0]._replace(quality=3), before[0]._replace(quality=4)], NOW)
    after = sorted(await stored_rows(pool))
    assert len(after) == len(before) + 30
    assert late[0]._replace(quality=3) in after
    assert before[0]._replace(quality=4) in after
    await one_round(pool, settings)
    assert sorted(await stored_rows(pool)) == after


async def test_a_week_in_use_is_packed_in_a_later_round(pool: Pool, dsn: str) -> None:
    await fill(pool, 3)
    holder = await asyncpg.connect(dsn)
    async with holder.transaction():
        await holder.execute(
            "UPDATE observation SET tests = 0 WHERE phenomenon_time = (SELECT min(phenomenon_time) FROM observation)"
        )
        done = await look_after(pool, Settings(), NOW)
        assert done.postponed
    await holder.close()
    assert set(done.postponed) <= set(await one_round(pool, Settings()))


async def test_packing_gives_way_to_a_late_reading_of_that_week(pool: Pool, dsn: str) -> None:
    """A tenth of a second for each of a week's 252 rows: as long as a large city's week takes, were it not ended."""
    (first, *_) = await fill(pool, 3)
    before = sorted(await stored_rows(pool))
    if (await pool.fetchval(query("api", "engine_name"))) != "plain":
        pytest.skip("compression does not evaluate an index that is slow on purpose")
    (name, *_) = sorted(row["name"] for row in await pool.fetch(query("plain", "partitions")))
    await pool.execute(
        "CREATE TABLE slowness (seconds float8); INSERT INTO slowness VALUES (0);"
        "CREATE FUNCTION slow(result float8) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS"
        " 'BEGIN PERFORM pg_sleep(seconds) FROM public.slowness; RETURN result; END';"
        f"CREATE INDEX ON {name} (slow(result)); UPDATE slowness SET seconds = 0.1"
    )
    looking = asyncio.create_task(look_after(pool, Settings(), NOW))
    writer = await asyncpg.connect(dsn, server_settings={"timezone": "UTC", "statement_timeout": "10s"})
    packs = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = $1::text::regclass AND granted AND mode = $2)"
    while not await writer.fetchval(packs, name, "AccessExclusiveLock"):
        assert not looking.done(), "packed before anybody could wait"
        await asyncio.sleep(0.01)
    late = Row(first, before[0].phenomenon_time + timedelta(minutes=1), 7.0, 1)
    async with writer.transaction():
        assert len(await write(writer, [late], NOW)) == 1
    await writer.close()
    done = await looking
    assert name in done.postponed
    assert name not in done.packed
    assert sorted(await stored_rows(pool)) == sorted([*before, late])
    await pool.execute("UPDATE slowness SET seconds = 0")
    assert name in await one_round(pool, Settings())


async def test_retention_deletes_by_class_and_reports(pool: Pool, capsys: pytest.CaptureFixture[str]) -> None:
    await fill(pool, 5)
    await pool.execute(
        "INSERT INTO rule (rule_id, version) VALUES ('r', 1);"
        "INSERT INTO incident (cause, title, severity, began_at, newest_at, opened_at, closed_at)"
        " SELECT 'c', 'c', 'LOW', t, t, t, t FROM (VALUES (timestamptz '2026-01-01 00:00+00')) AS v (t);"
        "INSERT INTO alert (alert_key, rule_id, rule_version, severity, state, open, summary, inputs, raised_at,"
        " cleared_at, recorded_at, incident_id)"
        " SELECT k, 'r', 1, 'LOW', 'normal', open, '{}', '{}', r, r, w, 1 FROM (VALUES"
        " ('old', false, timestamptz '2026-01-01 00:00+00', timestamptz '2026-01-01 00:00+00'),"
        " ('undone', false, '2026-01-01 00:00+00', '2026-01-01 00:00+00'),"
        " ('open', true, '2026-01-01 00:00+00', '2026-01-01 00:00+00'),"
        " ('replayed', false, '2016-01-01 00:00+00', '2026-06-01 00:00+00')) AS v (k, open, r, w);"
        "INSERT INTO alert_event (alert_id, at, kind, to_state, actor) SELECT alert_id, raised_at, 'raised', 'x', 'r'"
        " FROM alert;"
        "INSERT INTO notification (alert_id, channel, target, due_at)"
        " SELECT alert_id, 'email', 'a@b', raised_at FROM alert;"
        "INSERT INTO rejected_message (received_at, fate, reason, detail, topic, payload)"
        " SELECT t, 'rejected', 'bad_json', '', 't', '' FROM"
        " (VALUES (timestamptz '2026-01-01 00:00+00'), ('2026-06-01 00:00+00')) AS v (t)"
    )
    await pool.execute(
        "INSERT INTO sta_observation (datastream_id, phenomenon_time)"
        " SELECT 1, t FROM (VALUES ($1::timestamptz - interval '30 days'), ($1)) AS v (t)",
        NOW,
    )
    await pool.execute(
        "INSERT INTO work_order (alert_id, queue, severity, task, created_by, created_at, due_at, changed_at)"
        " SELECT alert_id, 'waste', 'LOW', 't', 'a', raised_at, raised_at + interval '1 h', raised_at FROM alert"
        " WHERE alert_key = 'undone'"
    )
    keep = timedelta(days=14)
    settings = Settings(
        retention=RetentionSettings(raw=keep, minute=keep, quarter=keep, hour=keep, alerts=keep, rejected=keep)
    )
    done = await look_after(pool, settings, NOW)
    cutoff = NOW - keep
    gone = {
        kind: sum(d.rows for d in done.deletions if d.kind == kind) for kind in ("raw", "alerts", "rejected", "hour")
    }
    left = await stored_rows(pool)
    oldest = min(row.phenomenon_time for row in left)
    assert cutoff - WEEK < oldest < cutoff, "whole weeks, and no younger row"
    assert gone["raw"] == 5 * 7 * 12 * 3 - len(left)
    assert (gone["alerts"], gone["rejected"]) == (1, 1)
    for table in ("rollup_minute", "rollup_quarter", "rollup_hour", "rollup_area_hour"):
        assert await pool.fetchval(f"SELECT min(bucket) FROM {table}") >= cutoff
    assert await pool.fetchval("SELECT sum(n_all) FROM rollup_day") == 5 * 7 * 12 * 3, "days are kept"
    assert {row["alert_key"] for row in await pool.fetch("SELECT alert_key FROM alert")} == {
        "open",
        "replayed",
        "undone",
    }
    assert await pool.fetchval("SELECT phenomenon_time FROM sta_observation") == NOW
    assert await pool.fetchval("SELECT count(*) FROM alert_event") == 3
    assert await pool.fetchval("SELECT count(*) FROM incident") == 1, "an open alert still belongs to it"
    status = await read_store_status(pool, Settings())
    found = json.loads(json.dumps(document(status), default=str))
    assert found["observations"]["rows"] == len(left)
    assert found["observations"]["bytes_per_row"] > 0
    assert sum(week["rows"] for week in found["weeks"]) == len(left)
    show(status)
    assert f"{len(left):,} observations from" in capsys.readouterr().out
    assert {(d.kind, d.rows) for _, d in status.deletions} >= {("alerts", 1), ("rejected", 1), ("hour", gone["hour"])}


async def test_the_tail_is_kept_until_all_have_read_it(pool: Pool) -> None:
    (stream,) = await add_streams(pool, ["pm2_5"])
    await make_room(pool, [NOW])
    async with pool.acquire() as connection:
        for minute in range(4):
            async with connection.transaction():
                await write(connection, [Row(stream, NOW + timedelta(minutes=minute), 1.0, 1)], NOW)
        seqs = [row["seq"] for row in await connection.fetch("SELECT seq FROM ingest_batch ORDER BY seq")]
        later = datetime.now(UTC) + timedelta(days=3)
        await look_after(pool, Settings(), later)
        assert await connection.fetchval("SELECT count(*) FROM ingest_batch") == 4, "nobody has read it"
        for name, seq in (("fold", seqs[3]), ("rules", seqs[1])):
            async with connection.transaction():
                await lock_position(connection, name)
                await save_position(connection, name, seq)
        await look_after(pool, Settings(), later)
        assert [row["seq"] for row in await connection.fetch("SELECT seq FROM ingest_batch ORDER BY seq")] == seqs[2:]
        await connection.execute("UPDATE consumer_position SET seq = $1", seqs[3])
        await look_after(pool, Settings(), later)
        assert [row["seq"] for row in await connection.fetch("SELECT seq FROM ingest_batch")] == seqs[3:]


async def test_a_full_disk_sheds_the_oldest_weeks_and_never_live_data(pool: Pool) -> None:
    await fill(pool, 5)

    def limit(bytes_: float) -> Settings:
        return Settings(store=StoreSettings(disk_limit=bytes_ / GIB, shed_keep=timedelta(days=14)))

    async with pool.acquire() as connection:
        assert (await look_after(pool, limit(GIB), NOW)).deletions == []
        size = await connection.fetchval("SELECT pg_database_size(current_database())")
        oldest = (await (await detect_engine(connection)).chunks(connection))[0]
        done = await look_after(pool, limit(size / 0.951), NOW)
        assert [(d.kind, d.reason, d.before) for d in done.deletions] == [("raw", "disk", oldest.end)]
        assert done.disk.share == pytest.approx(1, abs=0.2)
        # However little room is left: two weeks stay.
        await look_after(pool, limit(1000), NOW)
    assert min(row.phenomenon_time for row in await stored_rows(pool)) < NOW - timedelta(days=14)
    assert NOW in {row.phenomenon_time for row in await stored_rows(pool)}
    status = await read_store_status(pool, limit(1000))
    assert {deletion.reason for _, deletion in status.deletions} == {"disk"}


async def test_a_disk_that_others_fill_is_told_and_nothing_is_shed(pool: Pool, tmp_path: Path) -> None:
    await fill(pool, 5)
    settings = Settings(data_dir=tmp_path, store=StoreSettings(disk_warn=1e-9, disk_shed=1e-9))
    done = await look_after(pool, settings, NOW)
    assert done.disk.share is not None
    assert 0 < done.disk.share < 1
    assert [deletion.kind for deletion in done.deletions] == []


async def test_the_process_looks_after_the_store(pool: Pool, dsn: str) -> None:
    await fill(pool, 3)
    stop = asyncio.Event()
    running = asyncio.create_task(care(Settings(store=StoreSettings(dsn=dsn)), stop))
    async with asyncio.timeout(60):
        while not any(await packed(pool)):  # noqa: ASYNC110  only the store tells
            await asyncio.sleep(0.05)
    stop.set()
    await running
