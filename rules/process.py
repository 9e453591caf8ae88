"""The process of `citywatch rules run`: its parts of the city, what is sent beside them, and a store that goes away."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from citywatch.local.running import store_dsn
from citywatch.settings import Settings
from citywatch.telemetry import get_logger
from rules.checkpoint import CONSUMER, replace_division
from rules.division import redivide
from rules.notify.mqtt import Publisher
from rules.notify.sender import keep_sending, policy_of
from rules.store import load_city, load_rules
from rules.worker import Worker
from sql.connection import Connection
from sql.leases import lock_positions
from sql.listen import Listener
from sql.parts import LOOK_EVERY, Parts
from sql.pool import close_pool, open_pool
from sql.retry import PASSING, Backoff, pause
from sql.share import Share
from sql.tail import TailWatch

WAIT_FOR_OTHER = timedelta(milliseconds=250)
FIRST = 0  # who holds this part sends: two senders would tell of one incident twice. It is given back at the end only.
# What is remembered of the readings inside the allowance may be millions of objects, none in a cycle. The collector is
# to walk them once, not at every quarter of growth: that took a third of the time, and a second at a stretch. Nor are
# many new ones walked at once.
COLLECT_AFTER = (20_000, 20, 20)
FREEZE_EVERY = timedelta(seconds=2)

log = get_logger()


async def divide(connection: Connection, make: Callable[[Share], Worker], parts: int, former: int) -> None:
    """Divide a city of `former` parts into `parts`, all at the position of the foremost; `make` makes their workers."""
    async with connection.transaction():
        end = max(await lock_positions(connection, CONSUMER, former))
    # Telling what they have to tell on the way.
    judges = [await make(Share(number, former)).work_to(end) for number in range(former)]
    async with connection.transaction():
        rules, cities = await load_rules(connection), []
        for number in range(parts):
            cities.append(await load_city(connection))
            cities[-1].assign(rules, Share(number, parts))
        areas = {key for city in cities for key, each in city.subjects.items() if each.area is not None}
        await replace_division(connection, end, judges[0].clocks, redivide(judges, cities), areas)


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Judge until `stop`; wait out a store that is away, and others who are at work on all there is."""
    dsn = store_dsn(settings)
    backoff = Backoff()
    gc.set_threshold(*COLLECT_AFTER)
    while not stop.is_set():
        try:
            await _run_once(dsn, settings, stop, backoff)
        except PASSING as error:
            log.warning("rules_store_away", error=str(error))
            # What was known is read back from the store: it must not be there twice because something frozen holds it.
            gc.unfreeze()
            gc.collect()
            await backoff.pause(stop)


async def _run_once(dsn: str, settings: Settings, stop: asyncio.Event, backoff: Backoff) -> None:
    pool = await open_pool(dsn, process="rules", size=2, statement_timeout=settings.store.statement_timeout)
    sender: asyncio.Task[None] | None = None
    try:
        async with pool.acquire() as connection:
            make, number = partial(_worker, connection, settings), settings.rules.parts
            parts = Parts(connection, CONSUMER, number, make, partial(divide, connection, make, number))
            await parts.arrive()
            poll = settings.rules.poll if number == 1 else min(settings.rules.poll, LOOK_EVERY)
            async with (
                TailWatch(dsn, process="rules", poll=poll) as watch,
                Listener(
                    dsn, ["citywatch_registry"], lambda _channel, _text: parts.registry_changed(), process="rules"
                ),
            ):
                frozen_at = time.perf_counter()
                while not stop.is_set():
                    if sender is not None and sender.done():
                        sender.result()
                    began = time.perf_counter()
                    await parts.look(datetime.now(UTC))
                    backoff.reset()
                    if not parts.held:
                        await pause(stop, WAIT_FOR_OTHER)
                        continue
                    if sender is None and FIRST in parts.held:
                        sender = asyncio.create_task(keep_sending(pool, settings.notify, Publisher(settings), stop))
                    if not await parts.work(partial(datetime.now, UTC), stop):
                        await watch.wait(stop)
                    if began - frozen_at > FREEZE_EVERY.total_seconds():
                        frozen_at = began
                        gc.collect()
                        gc.freeze()
                    backoff.reset()
            await parts.checkpoint(datetime.now(UTC))
    finally:
        if sender is not None:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        await close_pool(pool)


def _worker(connection: Connection, settings: Settings, share: Share) -> Worker:
    return Worker(
        connection,
        allowance=settings.rules.lateness,
        folders=settings.rules.folders,
        policy=policy_of(settings.notify),
        share=share,
    )
