import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest

from citywatch.errors import StoreError
from citywatch.local.broker import LocalBroker
from sql.connection import Pool
from sql.engine import detect_engine
from sql.migrate import load_migrations, migrate
from sql.pool import set_up


async def test_migrations_apply_once_however_many_start(dsn: str) -> None:
    async def starter() -> list[str]:
        connection = await asyncpg.connect(dsn)
        await set_up(connection)
        try:
            return await migrate(connection)
        finally:
            await connection.close()

    assert await asyncio.gather(*(starter() for _ in range(4))) == [[], [], [], []]


async def test_a_migration_changed_after_it_ran_is_refused(pool: Pool) -> None:
    changed = load_migrations()
    changed[0] = type(changed[0])(changed[0].name, changed[0].text + "-- later\n")
    async with pool.acquire() as connection:
        with pytest.raises(StoreError, match="reads differently"):
            await migrate(connection, changed)


async def test_ensure_makes_room_for_any_week_and_may_race(pool: Pool) -> None:
    times = [datetime(2004, 3, 10, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC)]

    async def ensure() -> None:
        async with pool.acquire() as connection:
            await (await detect_engine(connection)).ensure(connection, times)

    await asyncio.gather(*(ensure() for _ in range(4)))
    for time in times:
        await pool.execute(
            "INSERT INTO observation (datastream_id, quality, phenomenon_time, received_at, result)"
            " VALUES (1, 1, $1, now(), 5)",
            time,
        )
    assert await pool.fetchval("SELECT count(*) FROM observation") == 2


def test_the_embedded_broker_listens(broker: LocalBroker) -> None:
    assert broker.child is not None
    assert broker.child.poll() is None
