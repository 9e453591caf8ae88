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


async def test_what_is_said_of_one_alert_at_once_is_written_in_its_order(pool: Pool) -> None:
    rule = next(each.rule for each in load_definitions() if each.rule.rule_id == "bin-fire")
    subject = Subject("bin-1", "test", "waste", properties=frozenset({"bin_temperature"}))
    other = Subject("bin-2", "test", "waste", properties=frozenset({"bin_temperature"}))
    ready = watch(rule, subject)
    assert ready is not None

    def said(who: Subject, kind: AlertEventKind, episode: Episode) -> News:
        at = episode.cleared_at if kind is AlertEventKind.CLEARED else episode.raised_at
        assert at is not None
        change = Change(rule.rule_id, kind, at, episode, evidence=Evidence(Track((None,)), ()))
        return News(ready, who, None, change)

    first, second, over = Episode(minute(0), minute(1)), Episode(minute(2)), Episode(minute(0), minute(3))
    news = [
        said(subject, AlertEventKind.RAISED, Episode(minute(0))),
        said(other, AlertEventKind.RAISED, Episode(minute(0))),
        said(subject, AlertEventKind.CLEARED, first),
        said(subject, AlertEventKind.RAISED, second),
        said(other, AlertEventKind.CLEARED, over),
    ]
    async with pool.acquire() as connection:
        for device_id in ("bin-1", "bin-2"):
            await install(connection, device_id, "bin_temperature", every=timedelta(minutes=5))
        async with connection.transaction():
            ids = await record(connection, news)
        assert ids[0] == ids[2]
        assert ids[1] == ids[4]
        assert len(set(ids)) == 3
        async with connection.transaction():
            assert await record(connection, news[1:3]) == [None, None]
        lines = await connection.fetch("SELECT alert_id, kind FROM alert_event ORDER BY event_id")
    # The second alert of a key closes the first, which nobody had acknowledged.
    assert [row["kind"] for row in lines if row["alert_id"] == ids[0]] == ["raised", "cleared", "superseded"]
    assert [row["kind"] for row in lines if row["alert_id"] == ids[1]] == ["raised", "cleared"]
    assert [row["kind"] for row in lines if row["alert_id"] == ids[3]] == ["raised"]
