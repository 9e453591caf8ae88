"""What late readings and later tests correct, through the worker into a real store."""

from datetime import datetime, timedelta

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
