"""`citywatch indicators recompute`: what was derived in a span of time, worked out again from what is stored now."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from indicators.derived import AIR_INPUTS, FORECAST_INPUTS, PERIODS, USUAL_INPUTS, Kind
from indicators.usual_hour import Calendar
from indicators.worker import CONSUMER, Worker
from sql.connection import Connection
from sql.engine import detect_engine
from sql.leases import Leases
from sql.queries import query

LOOK_EVERY = timedelta(seconds=1)

# Periods worked out so far, and how many there are.
Progress = Callable[[int, int], None]


async def ask_again(connection: Connection, since: datetime, until: datetime, now: datetime) -> int:
    """Mark every complete period that ends from `since` up to, not including, `until`; return how many wait now.

    Only where there are readings to work from. What is asked for again stands behind everything that is new.
    """
    async with connection.transaction():
        await connection.execute(query("indicators", "ask_again_hours"), since, until, now, list(AIR_INPUTS))
        for name in ("ask_again_quarters", "ask_again_readings", "ask_again_days"):
            await connection.execute(query("indicators", name), since, until, now)
        for kind, names in ((Kind.USUAL, USUAL_INPUTS), (Kind.FORECAST, FORECAST_INPUTS)):
            await connection.execute(
                query("indicators", "ask_again_spans"), since, until, now, list(names), str(kind), PERIODS[kind].width
            )
        await connection.execute(query("calculations", "ask_again_calculated"), since, until, now)
        return await _waiting(connection)


async def recompute(
    connection: Connection,
    since: datetime,
    until: datetime,
    now: datetime,
    progress: Progress,
    calendar: Calendar | None = None,
) -> int:
    """Work out again what ends in the span; return how many periods it was. Doing it twice changes nothing more.

    Where `indicators run` is at work it does it, and this only watches; else it is done here.
    """
    total = await ask_again(connection, since, until, now)
    progress(0, total)
    leases = Leases(connection, CONSUMER, 1)
    alone = await leases.take_all(await leases.stored_parts())
    worker = Worker(connection, await detect_engine(connection), calendar) if alone else None
    while left := await _waiting(connection):
        if worker is None:
            await asyncio.sleep(LOOK_EVERY.total_seconds())
        else:
            await worker.work_out(now, now)
        progress(total - left, total)
    progress(total, total)
    return total


async def _waiting(connection: Connection) -> int:
    return int(await connection.fetchval(query("indicators", "count_again")))
