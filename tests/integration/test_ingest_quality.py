"""Flags that need the past: revised through the tail, and unbroken by a restart."""

import json
from datetime import UTC, datetime, timedelta

from citywatch.local.broker import LocalBroker
from sql.connection import Pool
from tests.integration.ingest_run import make_settings, publish, received, register, running, subscribed, until

BEGIN = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=20)


def air(minute: int, pm2_5: float) -> tuple[str, str]:
    return "air-1", json.dumps({"time": (BEGIN + timedelta(minutes=minute)).isoformat(), "pm2_5": pm2_5})


async def has_received(pool: Pool, count: int) -> bool:
    return await received(pool) >= count


async def flags(pool: Pool) -> str:
    rows = await pool.fetch("SELECT quality FROM observation ORDER BY phenomenon_time")
    return "".join(str(row["quality"]) for row in rows)


async def test_a_spike_is_revised_in_the_store_and_in_the_tail(dsn: str, pool: Pool, broker: LocalBroker) -> None:
    await register(pool)
    settings = make_settings(dsn, broker)
    await subscribed(settings)
    for number, value in enumerate([10, 11, 450, 12, 13]):
        # Each reading in a run of its own: the spike's memory comes from the store.
        await publish(broker, [air(number, value)])
        async with running(settings):
            await until(lambda count=number + 1: has_received(pool, count), "the next reading")  # type: ignore[misc]
    assert await flags(pool) == "13431"
    revisions = await pool.fetch("SELECT result, quality, old_result, old_quality FROM ingest_batch"
                                 " WHERE old_result IS NOT NULL ORDER BY seq")  # fmt: skip
    assert [tuple(row) for row in revisions] == [
        ([11], [3], [11], [1]), ([450], [4], [450], [3]),
    ]  # fmt: skip
    # The jump itself is told at once (rate of change, 8); that it was a spike (4) only its successor shows.
    assert await pool.fetchval("SELECT tests FROM observation WHERE result = 450") == 4 + 8


async def test_a_flat_line_is_followed_across_a_restart(dsn: str, pool: Pool, broker: LocalBroker) -> None:
    await register(pool)
    settings = make_settings(dsn, broker)
    await subscribed(settings)
    values = [20.0] * 5 + [30.0] * 100
    await publish(broker, [air(number, value) for number, value in enumerate(values[:50])])
    async with running(settings):
        await until(lambda: has_received(pool, 50), "the first fifty")
    await publish(broker, [air(number, value) for number, value in enumerate(values) if number >= 50])
    async with running(settings):
        await until(lambda: has_received(pool, 105), "the rest")
    # Flat from minute 5 on; an hour later, at minute 65, it is suspect.
    assert await flags(pool) == "1" * 65 + "3" * 40


async def test_a_second_reading_for_one_time_with_another_value(dsn: str, pool: Pool, broker: LocalBroker) -> None:
    await register(pool)
    settings = make_settings(dsn, broker)
    await subscribed(settings)
    await publish(broker, [air(0, 10), air(0, 10), air(1, 20), air(1, 25), air(1, 26)])
    async with running(settings):
        await until(lambda: has_received(pool, 5), "five readings")
    rows = await pool.fetch("SELECT result, quality, tests FROM observation ORDER BY phenomenon_time")
    assert [tuple(row) for row in rows] == [(10, 1, 0), (20, 3, 256)]
    revisions = await pool.fetch("SELECT result, quality, old_quality FROM ingest_batch WHERE old_result IS NOT NULL")
    assert [tuple(row) for row in revisions] == [([20], [3], [1])]
