"""The process of `citywatch indicators run`: its parts of the city, and a store that goes away."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from citywatch.local.running import store_dsn
from citywatch.settings import Settings
from citywatch.telemetry import get_logger
from indicators.usual_hour import Calendar
from indicators.worker import CONSUMER, Worker
from sql.connection import Connection
from sql.engine import Engine, detect_engine
from sql.leases import lock_positions, save_division
from sql.listen import Listener
from sql.parts import LOOK_EVERY, Parts
from sql.pool import close_pool, open_pool
from sql.queries import query
from sql.retry import PASSING, Backoff, pause
from sql.share import Share
from sql.tail import TailWatch

# Nobody waits for an hourly value by the second: rows are taken in large steps.
STEP_EVERY = timedelta(seconds=1)
WAIT_FOR_OTHER = timedelta(seconds=1)

log = get_logger()


def city_calendar(settings: Settings) -> Calendar:
    """Return where the city's hours are lived, and its holidays."""
    return Calendar(ZoneInfo(settings.indicators.zone), frozenset(settings.indicators.holidays))


async def divide(connection: Connection, parts: int, former: int) -> None:
    """Divide a city of `former` parts into `parts`, all at the position and with the clocks of the hindmost.

    What the others had taken since is taken once more: the values are the same.
    """
    async with connection.transaction():
        begin = min(await lock_positions(connection, CONSUMER, former))
        await connection.execute(query("indicators", "share_clocks"), parts)
        await connection.execute(query("indicators", "drop_clocks"), parts)
        await save_division(connection, CONSUMER, parts, begin)


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Derive until `stop`; wait out a store that is away, and others who are at work on all there is."""
    dsn, backoff = store_dsn(settings), Backoff()
    log.info("indicators_started")
    while not stop.is_set():
        try:
            await _run_once(dsn, settings, stop, backoff)
        except PASSING as error:
            log.warning("indicators_store_away", error=str(error), kind=type(error).__name__)
            await backoff.pause(stop)
    log.info("indicators_stopped")


async def _run_once(dsn: str, settings: Settings, stop: asyncio.Event, backoff: Backoff) -> None:
    pool = await open_pool(dsn, process="indicators", size=1, statement_timeout=settings.store.statement_timeout)
    number = settings.indicators.parts
    try:
        async with pool.acquire() as connection:
            make = partial(_worker, connection, await detect_engine(connection), settings)
            parts = Parts(connection, CONSUMER, number, make, partial(divide, connection, number))
            await parts.arrive()
            async with (
                TailWatch(dsn, process="indicators", poll=LOOK_EVERY) as watch,
                Listener(
                    dsn, ["citywatch_registry"], lambda _channel, _text: parts.registry_changed(), process="indicators"
                ),
            ):
                while not stop.is_set():
                    await parts.look(datetime.now(UTC))
                    backoff.reset()
                    if not parts.held:
                        await pause(stop, WAIT_FOR_OTHER)
                    elif not await parts.work(partial(datetime.now, UTC), stop):
                        await watch.wait(stop)
                        await pause(stop, STEP_EVERY)
    finally:
        await close_pool(pool)


def _worker(connection: Connection, engine: Engine, settings: Settings, share: Share) -> Worker:
    return Worker(connection, engine, city_calendar(settings), share)
