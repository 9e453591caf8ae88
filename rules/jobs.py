"""Look-backs as jobs: started by the API, run apart from it, with progress and result in the store."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from citywatch.errors import CitywatchError, RuleError
from citywatch.telemetry import get_logger
from rules.backtest import against, backtest
from rules.definitions import parse_definition
from rules.store import load_city, load_rules
from sql.connection import Connection
from sql.pool import open_pool
from sql.queries import query

LOST_AFTER = timedelta(minutes=2)  # a job that has not been heard of for so long died with its process
LONGEST = timedelta(days=400)
MOST_WAITING = 20
TELL_EVERY = 0.5  # seconds between two words on progress
log = get_logger()


class Cancelled(Exception):
    """Somebody stopped the job."""


async def begin(
    connection: Connection, rule_id: str, text: str | None, since: datetime, until: datetime, actor: str
) -> int:
    """Note a look-back to be done; return its number. Raises RuleError where it cannot be."""
    if not since < until or until - since > LONGEST:
        raise RuleError(f"a look-back goes over a span of at most {LONGEST.days} days")
    if text is None and not await connection.fetchval(query("jobs", "rule_enabled"), rule_id):
        raise RuleError(f"there is no rule {rule_id!r} in force")
    if await connection.fetchval(query("jobs", "waiting")) >= MOST_WAITING:
        raise RuleError(f"{MOST_WAITING} look-backs wait already: cancel one, or come back later")
    number: int = await connection.fetchval(query("jobs", "begin"), rule_id, text, since, until, actor)
    return number


def run_apart(dsn: str) -> threading.Thread:
    """Do what waits in a thread with a loop of its own, so that whoever began it goes on answering.

    When the process ends, the job ends with it, and is taken up again by the next one.
    """
    thread = threading.Thread(target=_thread, args=(dsn,), name="backtest", daemon=True)
    thread.start()
    return thread


def _thread(dsn: str) -> None:
    try:
        asyncio.run(work(dsn))
    except (CitywatchError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        log.error("backtest_interrupted", error=str(error))  # the job is taken up by the next one


async def work(dsn: str) -> None:
    """Do the jobs that wait; whatever becomes of them stands in the store afterwards."""
    pool = await open_pool(dsn, process="backtest", size=2, statement_timeout=timedelta(hours=1))
    try:
        async with pool.acquire() as connection, pool.acquire() as teller:
            await teller.execute(query("jobs", "take_job_lock"))
            row = await teller.fetchrow(query("jobs", "next"))
            while row is not None:
                await _one(connection, teller, row)
                row = await teller.fetchrow(query("jobs", "next"))
    finally:
        await pool.close()


async def _one(connection: Connection, teller: Connection, row: Mapping[str, Any]) -> None:
    number = row["backtest_id"]
    try:
        result = await _look_back(connection, teller, row)
        await teller.execute(query("jobs", "finish"), number, "done", result, None)
    except Cancelled:
        log.info("backtest_cancelled", backtest_id=number)
    except (CitywatchError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        await teller.execute(query("jobs", "finish"), number, "failed", None, str(error))
        log.error("backtest_failed", backtest_id=number, error=str(error))


async def _look_back(connection: Connection, teller: Connection, row: Mapping[str, Any]) -> dict[str, Any]:
    number = row["backtest_id"]
    present = {rule.rule_id: rule for rule in await load_rules(connection)}
    rule_id = row["rule_id"]
    if row["text"] is None:
        if rule_id not in present:
            raise RuleError(f"rule {rule_id!r} is not in force any more, or cannot be read")
        rules = [present[rule_id]]
    else:
        made = parse_definition(row["text"], rule_id).rule
        rules = [made, *([present[made.rule_id]] if made.rule_id in present else [])]
    latest = {"done": 0, "of": 0}
    telling = asyncio.create_task(_tell(teller, number, latest))

    def progress(done: int, of: int) -> None:
        latest.update(done=done, of=of)
        if telling.done():
            raise Cancelled

    try:
        city = await load_city(connection)
        found = await backtest(connection, city, rules, row["since"], row["until"], progress)
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    await teller.execute(query("jobs", "progress"), number, latest["done"], latest["of"])
    result = found[0].as_json()
    if len(found) > 1:
        result["against_present"] = against(found[0], found[1])
    return result


async def _tell(teller: Connection, number: int, latest: Mapping[str, int]) -> None:
    """Write how far the job is; end when somebody cancelled it."""
    while True:
        if await teller.fetchval(query("jobs", "progress"), number, latest["done"], latest["of"]) != "running":
            return
        await asyncio.sleep(TELL_EVERY)
