"""Things are killed and stopped on purpose: nothing lost, nothing doubled, nothing wedged."""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest
from structlog.testing import capture_logs

import ingest.presence
from citywatch.cli.serve import serve_process
from citywatch.local.broker import LocalBroker, local_broker
from citywatch.local.postgres import LocalPostgres
from citywatch.local.process import free_port
from citywatch.setting_groups import ServeSettings
from citywatch.settings import Settings
from devices.limits import GrossRange, Limits
from devices.model import QualityFlag
from ingest.anchor import CLIENT_ID, MARKER_TOPIC
from ingest.batch import Batch
from ingest.broker import SessionSettings
from ingest.broker_claim import claim_session
from ingest.inbox import Inbox
from ingest.model import Accepted, Channel, Delivery, Outcome, Row
from ingest.process import SESSIONS, drain_worker
from ingest.replay import replay_rejected
from ingest.store import Store
from ingest.subscription import plain_filters, topic_filters
from sql.connection import Pool
from sql.engine import detect_engine
from sql.migrate import migrate
from sql.pool import open_pool, set_up
from tests.integration.ingest_run import (
    account_closes,
    make_settings,
    publish,
    received,
    register,
    running,
    subscribed,
    until,
)

RUN = "from citywatch.cli.ingest import app; app(['run'])"


def numbered(count: int, first: int = 0) -> list[tuple[str, str]]:
    """Messages with a number each, so that an independent count can tell lost from doubled."""
    begin = datetime.now(UTC) - timedelta(hours=1)
    return [
        ("any-1", json.dumps({"time": (begin + timedelta(milliseconds=n)).isoformat(), "vehicle_count": n}))
        for n in range(first, first + count)
    ]


@contextmanager
def process(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A worker in a process of its own, killed at the end if it still lives."""
    dsn = settings.store.dsn
    assert dsn is not None
    environment = {
        **os.environ,
        "CITYWATCH_STORE__DSN": dsn.get_secret_value(),
        "CITYWATCH_BROKER__HOST": "127.0.0.1",
        "CITYWATCH_BROKER__PORT": str(settings.broker.port),
        "CITYWATCH_INGEST__BATCH_ROWS": "50",
    }
    child = subprocess.Popen([sys.executable, "-c", RUN], env=environment, stderr=subprocess.DEVNULL)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


async def stored(pool: Pool) -> list[int]:
    rows = await pool.fetch("SELECT result FROM observation ORDER BY result")
    return [int(row["result"]) for row in rows]


async def test_kill_nine_of_a_worker_loses_and_doubles_nothing(dsn: str, pool: Pool, broker: LocalBroker) -> None:
    await register(pool)
    settings = make_settings(dsn, broker)
    await subscribed(settings)
    publishing = asyncio.create_task(publish(broker, numbered(6000)))
    for kill_at in (500, 2000, 3500):
        with process(settings):

            async def reached(count: int = kill_at) -> bool:
                return len(await stored(pool)) >= count

            await until(reached, f"{kill_at} readings stored", 120)
    await publishing
    async with running(settings):

        async def everything() -> bool:
            return len(await stored(pool)) >= 6000

        await until(everything, "every number stored", 120)
    assert await stored(pool) == list(range(6000))
    tail = await pool.fetch("SELECT result FROM ingest_batch")
    assert sorted(int(value) for row in tail for value in row["result"]) == list(range(6000))
    assert await account_closes(pool)
    sums = await pool.fetchrow("SELECT sum(received) r, sum(stored) s, sum(duplicate) d FROM delivery_account")
    assert sums is not None
    assert sums["s"] == 6000
    assert sums["r"] == 6000 + sums["d"]


@asynccontextmanager
async def own_store() -> AsyncIterator[tuple[LocalPostgres, str]]:
    """A server of this test's own, which it may stop; on a port nobody else takes meanwhile."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)  # noqa: ASYNC240
        server = LocalPostgres(Path(folder) / "pg", random.randrange(33_000, 39_000), settings={"fsync": "off"})
        server.start()
        try:
            admin = await asyncpg.connect(server.dsn("postgres"))
            await admin.execute("CREATE DATABASE citywatch")
            await admin.close()
            connection = await asyncpg.connect(server.dsn())
            await set_up(connection)
            await migrate(connection)
            await connection.close()
            yield server, server.dsn()
        finally:
            server.stop()


@pytest.mark.parametrize("receiver", ["direct", "aiomqtt"])
async def test_a_store_that_goes_away_is_waited_for(broker: LocalBroker, receiver: str) -> None:
    async with own_store() as (server, dsn):
        pool = await open_pool(dsn, process="test")
        await register(pool)
        settings = make_settings(dsn, broker, window=2000, receiver=receiver)
        await subscribed(settings)
        async with running(settings):
            await publish(broker, numbered(1000))
            await until(lambda: has(pool, 1000), "the first thousand")
            pool.terminate()
            await asyncio.to_thread(server.stop)
            await publish(broker, numbered(5000, first=1000))
            await asyncio.to_thread(server.start)
            pool = await open_pool(dsn, process="test")
            await until(lambda: has(pool, 6000), "everything after the store is back", 120)
            await publish(broker, numbered(1, first=6000))
            await until(lambda: has(pool, 6001), "one more, when nothing waits")
        assert await stored(pool) == list(range(6001))
        said = await pool.fetch("SELECT worker, lagging FROM ingest_batch ORDER BY seq")
        assert {row["worker"] for row in said} == {0}
        assert any(row["lagging"] for row in said), "the rules are told that more waits"
        assert not said[-1]["lagging"]
        assert await account_closes(pool)
        assert await received(pool) == 6001
        await pool.close()


async def test_a_worker_stops_while_messages_keep_coming(dsn: str, pool: Pool, broker: LocalBroker) -> None:
    await register(pool)
    settings = make_settings(dsn, broker, window=500, batch_rows=50)
    await subscribed(settings)
    flowing = asyncio.create_task(publish(broker, numbered(100_000)))
    async with running(settings):
        await until(lambda: has(pool, 100), "the first hundred")
        assert not flowing.done()
    # It has stopped, and what it did not take the broker keeps.
    flowing.cancel()
    await asyncio.gather(flowing, return_exceptions=True)
    assert await account_closes(pool)


@pytest.mark.parametrize("receiver", ["direct", "aiomqtt"])
async def test_what_is_queued_comes_before_the_subscription_and_is_bounded_too(
    dsn: str, pool: Pool, broker: LocalBroker, receiver: str
) -> None:
    await register(pool)
    settings = make_settings(dsn, broker, receiver=receiver)
    await subscribed(settings)
    await publish(broker, numbered(3000))
    inbox, stop = Inbox(100, 10**9), asyncio.Event()
    place = SessionSettings("127.0.0.1", broker.port, "citywatch-ingest-0", topic_filters(settings.ingest))
    session = SESSIONS[receiver](place, inbox, lambda: None)
    task = asyncio.create_task(session.run(stop))

    async def is_full() -> bool:
        return inbox.full

    await until(is_full, "the inbox is full")
    held = 0
    while held != inbox.held:  # until nothing more comes
        held = inbox.held
        await asyncio.sleep(0.3)
    assert held < 2900, "everything that was queued came in at once"
    while inbox.held or not session.connected:
        for delivery in await inbox.take(500, 0.1):
            inbox.settle(delivery)
    stop.set()
    await asyncio.wait_for(task, 90)


async def has(pool: Pool, count: int) -> bool:
    return len(await stored(pool)) >= count


async def test_a_row_the_database_refuses_costs_only_its_own_message(dsn: str, pool: Pool, broker: LocalBroker) -> None:
    await register(pool)
    await pool.execute("ALTER TABLE observation ADD CHECK (result <> 66)")
    settings = make_settings(dsn, broker)
    await subscribed(settings)
    await publish(broker, numbered(100))
    async with running(settings):
        await until(lambda: has_received(pool, 100), "a hundred messages")
    assert await stored(pool) == [n for n in range(100) if n != 66]
    kept = await pool.fetch("SELECT reason, detail, payload FROM rejected_message")
    assert [row["reason"] for row in kept] == ["store_refused"]
    assert json.loads(kept[0]["payload"])["vehicle_count"] == 66
    assert await account_closes(pool)


async def has_received(pool: Pool, count: int) -> bool:
    return await received(pool) >= count


async def test_rejected_messages_are_played_again_after_a_mend(dsn: str, pool: Pool, broker: LocalBroker) -> None:
    settings = make_settings(dsn, broker)
    await subscribed(settings)
    await publish(broker, numbered(3))
    await publish(broker, [("any-1", "not json")])
    async with running(settings):
        await until(lambda: has_received(pool, 4), "four messages")
    assert await stored(pool) == []
    await register(pool)
    first = await replay_rejected(settings)
    assert (first.played, first.mended, first.still, first.stored) == (4, 3, 1, 3)
    workers = {row["worker"] for row in await pool.fetch("SELECT worker FROM ingest_batch WHERE size > 0")}
    assert workers == {None}, "nobody waits for a worker that was none"
    assert await stored(pool) == [0, 1, 2]
    again = await replay_rejected(settings)
    assert (again.played, again.still, again.stored) == (1, 1, 0)
    assert await account_closes(pool)


async def test_two_workers_share_and_one_is_drained(dsn: str, pool: Pool, broker: LocalBroker) -> None:
    await register(pool)
    one, two = (make_settings(dsn, broker, slot=slot, workers=2, window=100) for slot in (0, 1))
    for settings in (one, two):
        await subscribed(settings)
    # The second never comes, but its session is there: half of these wait for it.
    await publish(broker, numbered(1000))
    async with running(one):
        await until(lambda: has(pool, 500), "the first worker's share")
        assert len(await stored(pool)) < 1000
        await asyncio.wait_for(drain_worker(two, asyncio.Event()), 90)
        await until(lambda: has(pool, 1000), "the share of the worker that went")
        await publish(broker, numbered(100, first=1000))
        await until(lambda: has(pool, 1100), "all of what comes after")
    assert await stored(pool) == list(range(1100))
    assert await account_closes(pool)


async def test_of_two_workers_each_says_that_it_is_there_until_its_broker_is_gone(
    dsn: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest.presence, "EVERY", 0.2)
    said = "SELECT coalesce(max(seq), 0) FROM ingest_batch WHERE size = 0 AND worker = $1 AND NOT lagging"

    async def says(slot: int, since: int) -> bool:
        return bool(await pool.fetchval(said, slot) > since)

    await register(pool)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, local_broker(Path(folder)) as broker:
        one = make_settings(dsn, broker, slot=0, workers=2)
        two = make_settings(dsn, broker, slot=1, workers=2, receiver="aiomqtt")
        async with running(one), running(two):
            for slot in (0, 1):
                await until(lambda slot=slot: says(slot, 0), "it says that it is there")  # type: ignore[misc]
            broker.stop()
            await asyncio.sleep(1)
            last = [await pool.fetchval(said, slot) for slot in (0, 1)]
            await asyncio.sleep(1)
            assert [await pool.fetchval(said, slot) for slot in (0, 1)] == last
            broker.start()
            for slot in (0, 1):
                await until(lambda slot=slot: says(slot, last[slot]), "it is back")  # type: ignore[misc]
            await publish(broker, numbered(10))
            await until(lambda: has(pool, 10), "empty rows are in nobody's way")
        before = await pool.fetchval("SELECT max(seq) FROM ingest_batch")
        async with running(make_settings(dsn, broker)):
            await asyncio.sleep(1)
        assert await pool.fetchval("SELECT max(seq) FROM ingest_batch") == before, "one that is alone says nothing"


async def test_a_broker_that_forgets_shared_subscriptions_when_it_restarts_loses_nothing(dsn: str, pool: Pool) -> None:
    await register(pool)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, local_broker(Path(folder)) as broker:
        one = make_settings(dsn, broker, slot=0, workers=2, window=100)
        filters = (*plain_filters(one.ingest), MARKER_TOPIC)
        await asyncio.to_thread(claim_session, "127.0.0.1", broker.port, CLIENT_ID, filters)
        await subscribed(one)
        async with running(one):
            await publish(broker, numbered(50))
            await until(lambda: has(pool, 50), "what came before")
        broker.stop()
        broker.start()
        # No worker has subscribed again: the broker acknowledges these and has nobody to share them among.
        await publish(broker, numbered(100, first=50))
        await publish(broker, [("any-1", json.dumps({"vehicle_count": 150}))])
        async with running(one):
            await until(lambda: has(pool, 151), "what was published before the workers were back", 120)
            # From now on the anchor's copies are not needed; the same message is not stored twice.
            await publish(broker, [("any-1", json.dumps({"vehicle_count": 151}))])
            await until(lambda: has(pool, 152), "what comes after")
        alone = make_settings(dsn, broker)
        async with running(alone):
            await publish(broker, numbered(48, first=152))
            await until(lambda: has(pool, 200), "all, with one worker again")
    assert await stored(pool) == list(range(200))
    assert await account_closes(pool)


async def test_only_a_row_that_is_there_proves_a_commit_in_doubt(pool: Pool) -> None:
    """After a crash of the server the id of a transaction that was lost belongs to another one, which did commit."""
    await register(pool)
    async with pool.acquire() as connection:
        store = Store(pool, await detect_engine(connection), slot=0, patience=timedelta(seconds=60))
    now = datetime.now(UTC)
    channel = Channel("any-1", "vehicle_count", "1", Limits(GrossRange((0, 1e6))), timedelta(minutes=5), None)
    row = Row(channel, now - timedelta(seconds=1), now, 7.0, QualityFlag.GOOD, 0)
    batch = Batch(10, 1.0)
    batch.add(Accepted(Delivery("city/v1/devices/any-1/telemetry", b"{}", now), "any-1", [row]), 0.0)
    another = await pool.fetchval("SELECT pg_current_xact_id()::text")
    lost = (batch, another, Outcome(), [row])
    async with pool.acquire() as connection:
        await store._name_datastreams(connection, [row])
    store._doubt = lost
    assert (await store.write(batch, {"any-1": None}, {})).stored == 1
    assert await stored(pool) == [7]
    store._doubt = lost
    assert await store.write(batch, {"any-1": None}, {}) is lost[2], "now it is there, and is not written again"
    assert await received(pool) == 1


async def test_serve_waits_for_a_store_that_is_away_when_it_starts(broker: LocalBroker) -> None:
    async with own_store() as (server, dsn):
        await asyncio.to_thread(server.stop)
        serve = ServeSettings(demo=True, port=free_port(39_100))
        settings = make_settings(dsn, broker).model_copy(update={"serve": serve})
        stop = asyncio.Event()
        with capture_logs() as logs:
            serving = asyncio.create_task(serve_process(settings, stop))

            async def said_so() -> bool:
                return serving.done() or any(each["event"] == "store_away" for each in logs)

            await until(said_so, "the log says that the store is away")
        assert not serving.done()
        await asyncio.to_thread(server.start)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.serve.port}") as client:

            async def ready() -> bool:
                with suppress(httpx.TransportError):
                    return (await client.get("/health/ready")).status_code == 200
                return False

            await until(ready, "serve is ready once the store is back")
        stop.set()
        await asyncio.wait_for(serving, 60)
