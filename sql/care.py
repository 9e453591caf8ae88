"""Looks after the store: makes room ahead, packs complete weeks, deletes by policy, watches the disk.

Runs beside the fold, in one process of an installation at a time, every `CITYWATCH_STORE__CARE_EVERY`. Each step
waits for a lock for a moment only, and packing gives way to whoever waits for it, and leaves the rest for the next
round: nobody who writes or reads is held up.
"""

import asyncio
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

from citywatch.local.running import store_dsn
from citywatch.settings import Settings
from citywatch.telemetry import get_logger
from sql.connection import Connection, Pool
from sql.engine import WEEK, Chunk, Engine, detect_engine
from sql.pool import open_pool
from sql.queries import query
from sql.retention import Deletion, Reason, delete_expired, drop_chunk, expired, to_shed
from sql.retry import PASSING, Backoff, pause

LOCK = 7_228_005
LOCK_WAIT = "2s"
PATIENCE = timedelta(seconds=1)  # how often packing looks whether somebody waits for the week that it holds
LONGEST = timedelta(hours=2)  # of one statement: packing a week of a large city takes minutes
GIB = 1024**3
# Nothing that goes wrong here may stop the fold beside it: it is told, and tried again.
TROUBLE: tuple[type[Exception], ...] = (*PASSING, asyncpg.PostgresError)

log = get_logger()


@dataclass(frozen=True, slots=True)
class Disk:
    """How full it is: the database against its limit, or the file system of the embedded server. Bytes."""

    used: int
    limit: int | None
    database: int

    @property
    def share(self) -> float | None:
        """Return used / limit; None where no limit is known."""
        return None if self.limit is None else self.used / self.limit


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did."""

    packed: list[str]
    deletions: list[Deletion]
    disk: Disk
    postponed: list[str]  # chunks that somebody else was using


async def measure_disk(connection: Connection, settings: Settings) -> Disk:
    """Return how full the database's disk is."""
    size = int(await connection.fetchval(query("care", "database_size")))
    if settings.store.disk_limit is not None:
        return Disk(size, round(settings.store.disk_limit * GIB), size)
    if settings.store.dsn is None and settings.data_dir.is_dir():
        usage = shutil.disk_usage(settings.data_dir)
        return Disk(usage.total - usage.free, usage.total, size)
    return Disk(size, None, size)


async def rows_of(connection: Connection, chunks: list[Chunk]) -> dict[str, int]:
    """Return how many rows each chunk holds, as the fold has counted them."""
    days = await connection.fetch(query("care", "rows_by_day"))
    return {chunk.name: sum(row["rows"] for row in days if chunk.start <= row["day"] < chunk.end) for chunk in chunks}


async def look_after(pool: Pool, settings: Settings, now: datetime) -> Round:
    """Do one round on two connections of `pool`; `now` is the wall clock."""
    async with pool.acquire() as connection, pool.acquire() as beside:
        return await _round(connection, beside, settings, now)


async def _round(connection: Connection, beside: Connection, settings: Settings, now: datetime) -> Round:
    engine = await detect_engine(connection)
    await connection.execute(f"SET lock_timeout = '{LOCK_WAIT}'; SET statement_timeout = '{LONGEST.seconds}s'")
    await engine.ensure(connection, [now, now + WEEK])
    disk = await measure_disk(connection, settings)
    chunks = await engine.chunks(connection)
    rows = await rows_of(connection, chunks)
    packed: list[str] = []
    postponed: list[str] = []
    deletions: list[Deletion] = []
    old, shed = expired(chunks, settings.retention.raw, now), _shed(chunks, disk, settings, now)
    for chunk in [*old, *(chunk for chunk in shed if chunk not in old)]:
        reason: Reason = "retention" if chunk in old else "disk"
        try:
            deletions.append(await drop_chunk(connection, engine, chunk, reason, rows[chunk.name]))
        except asyncpg.LockNotAvailableError:
            postponed.append(chunk.name)
    full = disk.share is not None and disk.share >= settings.store.disk_warn
    if full:
        log.warning("store_disk_filling", used=disk.used, limit=disk.limit, share=round(disk.share or 0, 3))
    for chunk in chunks:
        if chunk in old or chunk in shed or chunk.packed or chunk.end > now - settings.store.pack_after:
            continue
        # Plain PostgreSQL writes a packed week anew beside the old one: not where the disk is filling.
        if full and engine.name == "plain":
            continue
        try:
            (packed if await _pack(connection, beside, engine, chunk) else postponed).append(chunk.name)
        except asyncpg.LockNotAvailableError:
            postponed.append(chunk.name)
        except asyncpg.PostgresError as error:
            # One week that cannot be packed, for want of room perhaps, keeps nothing else from being done.
            log.warning("store_pack_failed", chunk=chunk.name, error=str(error))
    deletions += await delete_expired(connection, settings.retention, now)
    return Round(packed, deletions, disk, postponed)


async def _pack(connection: Connection, beside: Connection, engine: Engine, chunk: Chunk) -> bool:
    """Pack a chunk, or leave it as it was where somebody waits for it; return whether it is packed.

    One late reading of last week would else stop its ingest worker, with all that is live, for as long as it takes.
    """
    process_id = connection.get_server_pid()
    packing = asyncio.create_task(engine.pack(connection, chunk))
    given_way = False
    try:
        while not (await asyncio.wait([packing], timeout=PATIENCE.total_seconds()))[0]:
            if await beside.fetchval(query("care", "is_waited_for"), process_id):
                given_way = await beside.fetchval("SELECT pg_cancel_backend($1)", process_id)
        await packing
    except asyncpg.QueryCanceledError:
        if not given_way:
            raise
        return False
    finally:
        packing.cancel()
    return True


def _shed(chunks: list[Chunk], disk: Disk, settings: Settings, now: datetime) -> list[Chunk]:
    """Return what must go for want of disk: only under a limit that was set, as other data is not ours to judge."""
    if settings.store.disk_limit is None or disk.limit is None:
        return []
    excess = disk.used - settings.store.disk_shed * disk.limit
    return to_shed(chunks, round(excess), settings.store.shed_keep, now) if excess > 0 else []


async def _rounds(dsn: str, settings: Settings, stop: asyncio.Event, backoff: Backoff) -> None:
    """Do round after round on one connection until `stop`; somebody else's turn is waited for."""
    pool = await open_pool(dsn, process="care", size=3)
    try:
        async with pool.acquire() as connection:
            while not stop.is_set():
                if await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
                    done = await look_after(pool, settings, datetime.now(UTC))
                    await connection.execute("SELECT pg_advisory_unlock($1)", LOCK)
                    _report(done)
                backoff.reset()
                await pause(stop, settings.store.care_every)
    finally:
        pool.terminate()


def _report(done: Round) -> None:
    for name in done.packed:
        log.info("store_packed", chunk=name)
    for name in done.postponed:
        log.info("store_postponed", chunk=name)
    for deletion in done.deletions:
        log.info(
            "store_deleted",
            kind=deletion.kind,
            reason=deletion.reason,
            before=deletion.before.isoformat(),
            rows=deletion.rows,
            bytes=deletion.bytes,
        )


async def care(settings: Settings, stop: asyncio.Event) -> None:
    """Look after the store until `stop` is set; a database that is away is waited for."""
    dsn, backoff = store_dsn(settings), Backoff(longest=timedelta(minutes=1))
    while not stop.is_set():
        try:
            await _rounds(dsn, settings, stop, backoff)
        except TROUBLE as error:
            log.warning("care_failed", error=str(error), kind=type(error).__name__)
            await backoff.pause(stop)
