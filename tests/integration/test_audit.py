"""The audit log finds what was done to it afterwards, by number."""

import asyncio

import pytest

from citywatch.errors import StoreError
from sql.audit import audit, verify
from sql.connection import Pool


@pytest.fixture
async def log(pool: Pool) -> Pool:
    async with pool.acquire() as connection:
        for number in range(1, 7):
            async with connection.transaction():
                detail = {"comment": f"number {number}", "ratio": 1e10}
                await audit(connection, "Ada", "alert.acknowledge", f"alert {number}", detail, "192.0.2.1")
    return pool


async def faults(log: Pool, noted: tuple[int, str] | None = None) -> list[str]:
    async with log.acquire() as connection:
        return (await verify(connection, noted)).faults


async def test_an_untouched_log_holds(log: Pool) -> None:
    async with log.acquire() as connection:
        chain = await verify(connection)
        assert (chain.entries, chain.last, chain.faults) == (6, 6, [])
        assert await faults(log, (6, chain.head)) == []


@pytest.mark.parametrize(
    ("tampering", "expected"),
    [
        pytest.param("UPDATE audit_event SET actor = 'Bob' WHERE event_id = 3", ["entry 3 was changed or put in"],
                     id="another name"),
        pytest.param("UPDATE audit_event SET detail = '{}' WHERE event_id = 6", ["entry 6 was changed or put in"],
                     id="the last entry"),
        pytest.param("DELETE FROM audit_event WHERE event_id = 2", ["entry 2 is missing"], id="one taken out"),
        pytest.param("DELETE FROM audit_event WHERE event_id IN (1, 2)", ["entries 1 to 2 are missing"],
                     id="the beginning taken out"),
        pytest.param("INSERT INTO audit_event SELECT 7, now(), actor, action, object, detail, address, hash, hash"
                     " FROM audit_event WHERE event_id = 6", ["entry 7 was changed or put in"], id="one put in"),
        pytest.param("UPDATE audit_event SET event_id = 9 WHERE event_id = 4;"
                     "UPDATE audit_event SET event_id = 4 WHERE event_id = 5;"
                     "UPDATE audit_event SET event_id = 5 WHERE event_id = 9",
                     ["entry 4 was changed or put in", "entry 5 was changed or put in",
                      "entry 6 does not follow entry 5: one of them was put in or written anew"], id="two exchanged"),
    ],
)  # fmt: skip
async def test_tampering_is_found_by_number(log: Pool, tampering: str, expected: list[str]) -> None:
    await log.execute("ALTER TABLE audit_event DISABLE TRIGGER audit_event_stays")
    await log.execute(tampering)
    assert await faults(log) == expected


async def test_a_log_cut_off_or_written_anew_is_found_by_a_noted_head(log: Pool) -> None:
    async with log.acquire() as connection:
        head = (await verify(connection)).head
    await log.execute("ALTER TABLE audit_event DISABLE TRIGGER audit_event_stays")
    await log.execute("DELETE FROM audit_event WHERE event_id = 6")
    assert await faults(log) == []
    assert await faults(log, (6, head)) == ["entry 6, which was noted, is missing: the log ends at 5"]
    async with log.acquire() as connection, connection.transaction():
        await audit(connection, "Bob", "alert.acknowledge", "alert 6")
    assert await faults(log, (6, head)) == ["entry 6 is not the one that was noted: the log was written anew"]


@pytest.mark.parametrize("statement", ["UPDATE audit_event SET actor = 'x'", "DELETE FROM audit_event",
                                       "TRUNCATE audit_event"])  # fmt: skip
async def test_the_store_refuses_changes(log: Pool, statement: str) -> None:
    with pytest.raises(Exception, match="only added to"):
        await log.execute(statement)


async def test_an_entry_lives_and_dies_with_what_it_tells_of(log: Pool) -> None:
    async with log.acquire() as connection:
        with pytest.raises(StoreError, match="in the transaction"):
            await audit(connection, "Ada", "alert.shelve", "alert 1")
        with pytest.raises(ZeroDivisionError):
            async with connection.transaction():
                await audit(connection, "Ada", "alert.shelve", "alert 1")
                raise ZeroDivisionError
    assert await log.fetchval("SELECT count(*) FROM audit_event") == 6


async def test_many_writers_make_one_chain(log: Pool) -> None:
    async def write(number: int) -> None:
        async with log.acquire() as connection, connection.transaction():
            await audit(connection, f"writer {number}", "alert.comment", "alert 1")

    await asyncio.gather(*(write(number) for number in range(20)))
    assert await faults(log) == []
    assert await log.fetchval("SELECT count(*) FROM audit_event") == 26
