"""`citywatch fold run`: keeps the latest observation and the rollups from the tail, exact to the row.

Everything happens inside the database: a fold takes about 20,000 rows of the tail, adds their differences up per
minute, and adds those to each rollup in one statement a table, all in one transaction with its position.
"""

import asyncio
from datetime import timedelta

from citywatch.local.running import store_dsn
from citywatch.metrics import note_step
from citywatch.settings import Settings
from citywatch.telemetry import get_logger
from sql.connection import Connection
from sql.pool import close_pool, open_pool
from sql.queries import query
from sql.retry import PASSING, Backoff
from sql.tail import TailWatch, lock_position, save_position

CONSUMER = "fold"
ROWS = 20_000
STREAMS = 100  # datastreams whose history a transaction carries over, at most
MOVES_EVERY = timedelta(seconds=30)

# Rollup table -> width of its bucket.
ROLLUPS = {
    "rollup_minute": timedelta(minutes=1),
    "rollup_quarter": timedelta(minutes=15),
    "rollup_hour": timedelta(hours=1),
    "rollup_day": timedelta(days=1),
}
# Area rollup -> the rollup of single datastreams with the same bucket.
AREAS = {"rollup_area_hour": "rollup_hour", "rollup_area_day": "rollup_day"}

log = get_logger()


async def fold_once(connection: Connection, rows: int = ROWS) -> int:
    """Fold the next batches of the tail, about `rows` rows, in one transaction; return how many rows it was."""
    async with connection.transaction():
        start = await lock_position(connection, CONSUMER)
        claim = await connection.fetchrow(query("fold", "claim_batches"), start, rows)
        if claim is None or claim["seq"] is None:
            return 0
        end = claim["seq"]
        await connection.execute(query("fold", "create_delta"))
        await connection.execute(query("fold", "place_streams"), start, end)
        await connection.execute(query("fold", "stage_delta"), start, end)
        for table, width in ROLLUPS.items():
            await connection.execute(query("fold", "add_rollup").replace("rollup_minute", table), width)
            if claim["revises"]:
                mend = query("fold", "mend_rollup").replace("rollup_minute", table)
                await connection.execute(mend, width, start, end)
        for table, single in AREAS.items():
            add = query("fold", "add_area").replace("rollup_area_hour", table)
            await connection.execute(add, ROLLUPS[single])
        await connection.execute(query("fold", "add_latest"), start, end)
        await save_position(connection, CONSUMER, end)
        await connection.execute(query("fold", "announce_latest"))
        return int(claim["size"])


async def follow_moves(connection: Connection) -> None:
    """Carry the history of devices that changed district or domain over to their new area, in small steps."""
    while await _follow_some(connection) == STREAMS:
        pass


async def _follow_some(connection: Connection) -> int:
    async with connection.transaction():
        await lock_position(connection, CONSUMER)
        moved = await connection.fetch(query("fold", "moved_streams"), STREAMS)
        if moved:
            # Where each is now is asked once: a device that moves on meanwhile is followed the next time.
            columns = [[row[name] for row in moved] for name in ("datastream_id", "domain", "district_id")]
            for table, single in AREAS.items():
                move = query("fold", "move_area").replace("rollup_area_hour", table).replace("rollup_hour", single)
                await connection.execute(move, *columns)
            await connection.execute(query("fold", "move_streams"), *columns)
        return len(moved)


async def _fold_until(dsn: str, settings: Settings, stop: asyncio.Event, watch: TailWatch, backoff: Backoff) -> None:
    """Fold on one connection until `stop`, or until that connection fails."""
    clock = asyncio.get_running_loop().time
    pool = await open_pool(dsn, process="fold", size=1, statement_timeout=settings.store.statement_timeout)
    try:
        moves_at = clock()
        while not stop.is_set():
            async with pool.acquire() as connection:
                if clock() >= moves_at:
                    await follow_moves(connection)
                    moves_at = clock() + MOVES_EVERY.total_seconds()
                began = clock()
                rows = await fold_once(connection)
            backoff.reset()
            if rows:
                note_step(CONSUMER, rows, clock() - began)
                log.debug("fold_folded", rows=rows)
            else:
                await watch.wait(stop)
    finally:
        await close_pool(pool)


async def fold(settings: Settings, stop: asyncio.Event) -> None:
    """Fold the tail until `stop` is set; a database that is away is waited for."""
    dsn, backoff = store_dsn(settings), Backoff()
    log.info("fold_started")
    async with TailWatch(dsn, process="fold") as watch:
        while not stop.is_set():
            try:
                await _fold_until(dsn, settings, stop, watch, backoff)
            except PASSING as error:
                log.warning("fold_store_away", error=str(error), kind=type(error).__name__)
                await backoff.pause(stop)
    log.info("fold_stopped")
