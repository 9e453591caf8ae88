"""A city judged in parts on a real store: leases that end with their session, and a division that changes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest

import sql.parts
from rules.checkpoint import CONSUMER
from rules.duties import Duties
from rules.notify.escalation import Policy
from rules.notify.outbox import Target, send_next
from rules.process import divide
from rules.worker import Worker
from sql.connection import Connection, Pool
from sql.parts import Parts
from sql.pool import set_up
from sql.share import Share
from tests.integration.rules_kill import EVERY, PROPERTIES, a_city, expected
from tests.integration.rules_tail import append, install, minute

ALLOWANCE = timedelta(minutes=15)
POLICY = Policy((Target("mqtt", "alerts"),))
STOP = asyncio.Event()


@pytest.fixture(autouse=True)
def look_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql.parts, "LOOK_EVERY", timedelta())


@asynccontextmanager
async def process(dsn: str, parts: int) -> AsyncIterator[Parts]:
    """Do as one rules process does, on a connection of its own."""
    connection = await asyncpg.connect(dsn)
    try:
        await set_up(connection)
        make = partial(_worker, connection)
        made = Parts(connection, CONSUMER, parts, make, partial(divide, connection, make, parts))
        await made.arrive()
        yield made
    finally:
        connection.terminate()


def _worker(connection: Connection, share: Share) -> Worker:
    return Worker(connection, allowance=ALLOWANCE, policy=POLICY, share=share)


async def drain(parts: Parts, now: datetime) -> None:
    while await parts.work(lambda: now, STOP):
        pass


async def until(condition: Callable[[], Any], parts: Parts) -> None:
    """Look again until the condition holds: a session that was cut off ends in its own time."""
    async with asyncio.timeout(60):
        while not condition():
            await parts.look(datetime.now(UTC))
            await asyncio.sleep(0.02)


async def journal(pool: Pool) -> list[tuple[Any, ...]]:
    rows = await pool.fetch("SELECT alert_key, raised_at, cleared_at FROM alert_journal")
    return sorted((tuple(row) for row in rows), key=lambda line: (line[0], line[1]))


async def test_a_city_divided_anew_under_traffic_says_what_an_undivided_one_says(dsn: str, pool: Pool) -> None:
    city = a_city(devices=10, steps=60, seed=3)
    ids = {}
    for number in range(10):
        name = f"bin-{number}"
        ids[name] = await install(pool, name, *PROPERTIES, every=EVERY, source_id="history")  # type: ignore[arg-type]
    fed = 0
    for parts in (1, 3, 2, 1):
        async with process(dsn, parts) as one:
            await until(lambda one=one, wanted=parts: one.held == list(range(wanted)), one)  # type: ignore[misc]
            names = [row["consumer"] for row in await pool.fetch("SELECT consumer FROM consumer_position")]
            assert set(names) <= {"rules", "rules-1", "rules-2"} - {f"rules-{parts}"}, "none is left of former parts"
            for step in city[fed : fed + 15]:
                rows = [
                    (datastream_id, sample.at, value[0])
                    for name, sample in step
                    for datastream_id, value in zip(ids[name], sample.values.values(), strict=True)
                ]
                async with pool.acquire() as connection:
                    await append(connection, rows, clocks={"history": minute(5 * fed).isoformat()})
                fed += 1
                if fed % 15 != 13:  # so that the last parts of a division are not equally far
                    await drain(one, minute(5 * fed))
                elif parts > 1:
                    await one._workers[1].work(minute(5 * fed))
    async with process(dsn, 1) as one:
        await until(lambda: one.held, one)
        await drain(one, minute(10_000))
    known = expected(city, minute(5 * 59))
    assert await journal(pool) == known
    assert len(known) > 40
    kinds = [row["kind"] for row in await pool.fetch("SELECT kind FROM alert_event")]
    assert kinds.count("raised") == len(known), "none was told twice"


async def test_a_machine_that_vanishes_is_noticed_by_the_server_within_ten_seconds(dsn: str, pool: Pool) -> None:
    async with process(dsn, 2) as one:
        told = [
            int(
                await one._leases._connection.fetchval("SELECT setting FROM pg_settings WHERE name = $1", f"tcp_{name}")
            )
            for name in ("keepalives_idle", "keepalives_interval", "keepalives_count", "user_timeout")
        ]
        idle, interval, count, patience = told
        assert 0 < idle + interval * count <= 5
        assert 0 < patience <= 5000


async def test_processes_share_the_parts_and_take_over_from_one_that_is_gone(dsn: str, pool: Pool) -> None:
    async with process(dsn, 3) as first:
        await until(lambda: first.held == [0, 1, 2], first)
        async with process(dsn, 3) as second:
            await second.look(datetime.now(UTC))
            assert second.held == [], "all is taken"
            await first.look(datetime.now(UTC))
            assert first.held == [0, 1], "the surplus was given back, and never the first part"
            await second.look(datetime.now(UTC))
            assert second.held == [2]
            async with process(dsn, 3) as third:
                await first.look(datetime.now(UTC))
                await third.look(datetime.now(UTC))
                assert (first.held, second.held, third.held) == ([0], [2], [1])
        await until(lambda: first.held == [0, 1, 2], first)


async def test_who_is_set_up_for_another_number_waits_until_nobody_is_at_work(dsn: str, pool: Pool) -> None:
    async with process(dsn, 2) as former:
        await until(lambda: former.held == [0, 1], former)
        async with process(dsn, 3) as later:
            for _ in range(3):
                await later.look(datetime.now(UTC))
                await former.look(datetime.now(UTC))
            assert (later.held, former.held) == ([], [0, 1])
            assert await pool.fetchval("SELECT parts FROM division WHERE consumer = 'rules'") == 2
    async with process(dsn, 3) as later:
        await until(lambda: later.held == [0, 1, 2], later)
        async with process(dsn, 2) as former:
            await former.look(datetime.now(UTC))
            assert former.held == []


async def test_nobody_is_paged_before_alerts_of_all_parts_were_grouped(dsn: str, pool: Pool) -> None:
    every = timedelta(seconds=20)
    streams = []
    async with pool.acquire() as connection:
        for number in range(8):
            streams += await install(connection, f"air-{number}", "pm2_5", domain="air", every=every)
        streams += await install(connection, "loud", "pm2_5", domain="air", every=every)
        await connection.execute("UPDATE device SET tags = '{\"gateway\": \"a\"}' WHERE device_id <> 'loud'")
    sent = []

    async def send(_target: str, message: Any) -> None:
        sent.append(message)

    async with process(dsn, 3) as one, pool.acquire() as connection:
        await until(lambda: one.held == [0, 1, 2], one)
        began_at = datetime.now(UTC)
        others = [one._workers[number] for number in (1, 2)]
        for number in range(7):
            now = began_at + every * number
            heard = streams if number == 0 else streams[-1:]
            await append(connection, [(stream, now, 10.0) for stream in heard], at=now)
            for worker in others:
                await worker.work(now)
                await worker.work(now)
        waiting = "SELECT count(*) FROM notification WHERE state = 'pending' AND NOT ready"
        assert await connection.fetchval(waiting) >= 3, "others have told of some of the silent devices"
        later = datetime.now(UTC) + timedelta(minutes=1)
        assert not await send_next(connection, {"mqtt": send}, later), "due, but nobody has looked at them together"
        while await one.work(lambda: now, STOP):
            pass
        await one.work(lambda: now, STOP)
        while await send_next(connection, {"mqtt": send}, later):
            pass
        assert [(message["kind"], message["incident"]["cause"]) for message in sent] == [("incident", "gateway:a")]
        assert sent[0]["incident"]["alerts"] == 8


async def test_a_row_that_a_judge_has_in_hand_keeps_duties_waiting_for_a_moment_only(dsn: str, pool: Pool) -> None:
    async with pool.acquire() as connection:
        (heat,) = await install(connection, "bin-1", "bin_temperature")
        worker = Worker(connection, allowance=ALLOWANCE)
        await append(connection, [(heat, minute(0), 80.0)])
        while await worker.work(minute(0)):
            pass
        await connection.execute(
            "INSERT INTO maintenance_window (device_id, starts_at, ends_at, reason, actor)"
            " VALUES ('bin-1', $1, $2, 'work', 'ana')",
            minute(0),
            minute(60),
        )
        duties = Duties(connection, Policy())
        state = "SELECT state FROM alert"
        async with pool.acquire() as other:
            async with other.transaction():
                await other.execute("SELECT FROM alert FOR UPDATE")
                await duties.attend_apart(minute(1), deaf_from=None, heard_at=None)
            assert await connection.fetchval(state) == "unacknowledged"
            await duties.attend_apart(minute(1), deaf_from=None, heard_at=None)
            assert await connection.fetchval(state) == "out_of_service"
