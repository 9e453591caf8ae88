"""The process of `citywatch rules run`: one worker at its turn, what is sent beside it, and a store that goes away."""

from __future__ import annotations

import asyncio
import gc
import time
from datetime import UTC, datetime, timedelta

from citywatch.local.running import store_dsn
from citywatch.metrics import note_step
from citywatch.settings import Settings
from citywatch.telemetry import get_logger
from rules.notify.mqtt import Publisher
from rules.notify.sender import keep_sending, policy_of
from rules.worker import CONSUMER, Worker
from sql.connection import Connection, Pool
from sql.listen import Listener
from sql.pool import open_pool
from sql.queries import query
from sql.retry import PASSING, Backoff
from sql.tail import TailWatch

WAIT_FOR_OTHER = timedelta(milliseconds=250)
# What is remembered of the readings inside the allowance may be millions of objects, none in a cycle. The collector is
# to walk them once, not at every quarter of growth: that took a third of the time, and a second at a stretch. Nor are
# many new ones walked at once.
COLLECT_AFTER = (20_000, 20, 20)
FREEZE_EVERY = timedelta(seconds=2)

log = get_logger()


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Judge until `stop`; wait out a store that is away, and another rules process that is at work."""
    dsn = store_dsn(settings)
    backoff = Backoff()
    gc.set_threshold(*COLLECT_AFTER)
    while not stop.is_set():
        try:
            await _run_once(dsn, settings, stop, backoff)
        except PASSING as error:
            log.warning("rules_store_away", error=str(error))
            await backoff.pause(stop)


async def _run_once(dsn: str, settings: Settings, stop: asyncio.Event, backoff: Backoff) -> None:
    pool = await open_pool(dsn, process="rules", size=2, statement_timeout=settings.store.statement_timeout)
    sender: asyncio.Task[None] | None = None
    try:
        async with pool.acquire() as connection:
            await _wait_for_turn(connection, stop)
            worker = Worker(
                connection,
                allowance=settings.rules.lateness,
                folders=settings.rules.folders,
                policy=policy_of(settings.notify),
            )
            async with (
                TailWatch(dsn, process="rules", poll=settings.rules.poll) as watch,
                Listener(
                    dsn, ["citywatch_registry"], lambda _channel, _text: worker.registry_changed(), process="rules"
                ),
            ):
                sender = asyncio.create_task(keep_sending(pool, settings.notify, Publisher(settings), stop))
                frozen_at = time.perf_counter()
                while not stop.is_set():
                    if sender.done():
                        sender.result()
                    began = time.perf_counter()
                    rows = await worker.work(datetime.now(UTC))
                    if rows:
                        note_step(CONSUMER, rows, time.perf_counter() - began)
                    else:
                        await watch.wait(stop)
                    if began - frozen_at > FREEZE_EVERY.total_seconds():
                        frozen_at = began
                        gc.collect()
                        gc.freeze()
                    backoff.reset()
            await worker.checkpoint(datetime.now(UTC))
    finally:
        if sender is not None:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        await _close(pool)


async def _wait_for_turn(connection: Connection, stop: asyncio.Event) -> None:
    waited = False
    while not stop.is_set() and not await connection.fetchval(query("rules", "lock_rules_process")):
        if not waited:
            log.warning("rules_wait_for_other_process")
            waited = True
        try:
            await asyncio.wait_for(stop.wait(), WAIT_FOR_OTHER.total_seconds())
        except TimeoutError:
            continue


async def _close(pool: Pool) -> None:
    try:
        await asyncio.wait_for(pool.close(), 5)
    except TimeoutError:
        pool.terminate()
