"""What late readings, later tests and another version of a rule correct, through the worker into a real store."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from rules import actions
from rules.definitions import FOLDER
from rules.notify.escalation import Policy
from rules.notify.outbox import Target
from rules.worker import Worker
from sql.connection import Connection, Pool
from tests.integration.rules_tail import append, install, minute
from tests.integration.test_rules_worker import ALLOWANCE, drain, events, journal

DESK = Policy((Target("webhook", "http://desk.example/hook"),))


async def flag(connection: Connection, datastream_id: int, at: datetime, result: float) -> None:
    """Have a later quality test fail a reading that was good."""
    await connection.execute(
        "INSERT INTO ingest_batch"
        " (seq, datastream_id, phenomenon_time, received_at, result, quality, old_result, old_quality, clocks)"
        " VALUES (nextval('ingest_batch_seq'), $1, $2, $2, $3, '{4}', $3, '{1}', '{}')",
        [datastream_id],
        [at],
        [result],
    )


async def silently_full(connection: Connection) -> tuple[int, Worker]:
    """Return a bin, offline since 8:00, whose reading of then comes at 8:40; one of 8:40 ends what that raised."""
    (fill,) = await install(connection, "bin-1", "fill_level", every=timedelta(hours=1))
    worker = Worker(connection, allowance=ALLOWANCE, policy=DESK)
    await append(connection, [(fill, minute(0), 95.0), (fill, minute(40), 50.0)], received_at=minute(40))
    await drain(worker, 40)
    assert await events(connection) == ["raised", "cleared"]
    assert await connection.fetchval("SELECT silent FROM alert")
    return fill, worker


async def test_a_silent_alert_that_is_over_is_said_aloud_and_pages_nobody(pool: Pool) -> None:
    async with pool.acquire() as connection:
        fill, worker = await silently_full(connection)
        await append(connection, [(fill, minute(35), 95.0)], received_at=minute(41))
        await drain(worker, 41)
        assert await events(connection) == ["raised", "cleared", "annunciated"]
        assert await journal(connection) == [("bin-nearly-full:bin-1", "08:00", "08:40")]
        assert not await connection.fetchval("SELECT silent FROM alert")
        assert await connection.fetchval("SELECT count(*) FROM notification") == 0
        # What ended it was a fault of the sensor: now it stands, and nobody has been told yet.
        await flag(connection, fill, minute(40), 50.0)
        await drain(worker, 42)
        assert await journal(connection) == [("bin-nearly-full:bin-1", "08:00", None)]
        assert await connection.fetchval("SELECT count(*) FROM notification") == 1


async def test_a_silent_alert_is_said_aloud_and_reopened_at_once_and_pages(pool: Pool) -> None:
    async with pool.acquire() as connection:
        fill, worker = await silently_full(connection)
        await append(connection, [(fill, minute(41), 95.0)])
        await flag(connection, fill, minute(40), 50.0)
        await drain(worker, 42)
        assert (await events(connection))[-3:] == ["retracted", "annunciated", "reopened"]
        assert await journal(connection) == [("bin-nearly-full:bin-1", "08:00", None)]
        open_alerts = await connection.fetch("SELECT state, silent FROM alert WHERE open")
        assert [tuple(row) for row in open_alerts] == [("unacknowledged", False)]
        told = "SELECT raised_at FROM alert JOIN notification USING (alert_id) WHERE retracted_at IS NULL"
        assert [row["raised_at"] for row in await connection.fetch(told)] == [minute(0)]


async def test_an_alert_that_is_reopened_takes_the_place_of_one_that_was_called_back(pool: Pool) -> None:
    async with pool.acquire() as connection:
        (fill,) = await install(connection, "bin-1", "fill_level", every=timedelta(hours=1))
        worker = Worker(connection, allowance=ALLOWANCE)
        for number, value in [(0, 95.0), (1, 50.0), (5, 95.0), (6, 50.0)]:
            await append(connection, [(fill, minute(number), value)])
            await drain(worker, number)
            alert_id = await connection.fetchval("SELECT max(alert_id) FROM alert")
            await actions.acknowledge(connection, alert_id, "ann", minute(number))
        first = await connection.fetchval("SELECT min(alert_id) FROM alert")
        await actions.call_back(connection, first, "ann", minute(7), "it was not emptied")
        await flag(connection, fill, minute(6), 50.0)
        await drain(worker, 8)
        states = await connection.fetch("SELECT state FROM alert ORDER BY alert_id")
        assert [row["state"] for row in states] == ["normal", "acknowledged"]
        assert (await events(connection))[-3:] == ["called_back", "superseded", "reopened"]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A rule of our own, in a folder of its own: full from 80 % on."""
    text = (FOLDER / "bin-nearly-full.yaml").read_text(encoding="utf-8")
    path = tmp_path / "bin-at-80.yaml"
    path.write_text(text.replace("id: bin-nearly-full", "id: bin-at-80").replace("at_least: 90", "at_least: 80"))
    return path


def edit(mine: Path) -> None:
    """Make another version of the rule: full from 88 % on."""
    mine.write_text(mine.read_text().replace("at_least: 80", "at_least: 88"))
    os.utime(mine, (1, 1))


async def test_what_was_said_before_a_rule_was_edited_stays_said(pool: Pool, mine: Path) -> None:
    async with pool.acquire() as connection:
        (fill,) = await install(connection, "bin-1", "fill_level", every=timedelta(hours=1))
        worker = Worker(connection, allowance=ALLOWANCE, folders=[mine.parent])
        for number, value in [(1, 85.0), (2, 50.0)]:
            await append(connection, [(fill, minute(number), value)])
            await drain(worker, number)
        said = [("bin-at-80:bin-1", "08:01", "08:02")]
        assert await journal(connection) == said
        edit(mine)
        await drain(worker, 3)
        for late in (0.0, 6.0):
            await append(connection, [(fill, minute(late + 5), 85.0)])
            await append(connection, [(fill, minute(late + 4), 85.0)], received_at=minute(late + 5))
            await drain(worker, late + 5)
            assert await journal(connection) == said
            worker = Worker(connection, allowance=ALLOWANCE, folders=[mine.parent])
        assert await events(connection) == ["raised", "cleared"]
        # It is corrected no more, and forgotten once it is older than what may still come.
        await append(connection, [(fill, minute(30), 89.0)])
        await drain(worker, 30)
        assert await journal(connection) == [*said, ("bin-at-80:bin-1", "08:30", None)]


async def test_a_rule_that_was_edited_while_we_were_away_judges_from_the_next_reading_on(
    pool: Pool, mine: Path
) -> None:
    async with pool.acquire() as connection:
        (one,) = await install(connection, "bin-1", "fill_level", every=timedelta(hours=1))
        (two,) = await install(connection, "bin-2", "fill_level", every=timedelta(hours=1))
        worker = Worker(connection, allowance=ALLOWANCE, folders=[mine.parent])
        await append(connection, [(one, minute(0), 10.0), (two, minute(0), 10.0)])
        await drain(worker, 0)  # the last checkpoint before it is killed
        await append(connection, [(one, minute(0.1), 85.0), (two, minute(0.1), 85.0)])
        await append(connection, [(one, minute(0.2), 50.0)])
        await drain(worker, 0.2)
        before = [("bin-at-80:bin-1", "08:00", "08:00"), ("bin-at-80:bin-2", "08:00", None)]
        assert await journal(connection) == before
        edit(mine)
        worker = Worker(connection, allowance=ALLOWANCE, folders=[mine.parent])
        await drain(worker, 1)
        assert await journal(connection) == before
        await append(connection, [(one, minute(2), 89.0), (two, minute(2), 50.0)])
        await drain(worker, 2)
        assert await journal(connection) == [
            before[0],
            ("bin-at-80:bin-2", "08:00", "08:02"),
            ("bin-at-80:bin-1", "08:02", None),
        ]
