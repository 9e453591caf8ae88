"""However many raise one alert at once, there is one."""

import asyncio
from datetime import timedelta

import asyncpg

from rules.definitions import load_definitions
from rules.difference import Change, Evidence
from rules.engine import Track, watch
from rules.lifecycle import AlertEventKind
from rules.model import Episode, Subject
from rules.record import News, record
from sql.connection import Pool
from sql.pool import set_up
from tests.integration.rules_tail import install, minute

CONNECTIONS, RAISES = 8, 1_250


async def raise_many(dsn: str, raises: int) -> int:
    """Raise one key over and over on a connection of its own; return how many of them made an alert."""
    rule = next(each.rule for each in load_definitions() if each.rule.rule_id == "bin-fire")
    subject = Subject("bin-1", "test", "waste", properties=frozenset({"bin_temperature"}))
    ready = watch(rule, subject)
    assert ready is not None
    connection = await asyncpg.connect(dsn)
    await set_up(connection)
    made = 0
    try:
        for number in range(raises):
            at = minute(number % 3)
            change = Change(rule.rule_id, AlertEventKind.RAISED, at, Episode(at), evidence=Evidence(Track((None,)), ()))
            async with connection.transaction():
                made += await record(connection, [News(ready, subject, None, change)]) != [None]
    finally:
        await connection.close()
    return made


async def test_ten_thousand_raises_of_one_key_make_one_alert(dsn: str, pool: Pool) -> None:
    async with pool.acquire() as connection:
        await install(connection, "bin-1", "bin_temperature", every=timedelta(minutes=5))
    made = await asyncio.gather(*(raise_many(dsn, RAISES) for _ in range(CONNECTIONS)))
    assert sum(made) == 1
    assert await pool.fetchval("SELECT count(*) FROM alert") == 1
    assert await pool.fetchval("SELECT count(*) FROM alert_event") == 1
