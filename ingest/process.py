"""One ingest worker as a process: connections opened, session and worker run, everything finished at the end."""

import asyncio
import gc
from collections.abc import Callable

from citywatch.local.running import broker_account, broker_address, store_dsn
from citywatch.metrics import INGEST_CONNECTED
from citywatch.settings import Settings
from citywatch.telemetry import get_logger
from devices.profile_store import ProfileStore
from devices.profiles import BUILTIN
from devices.registry import CHANNEL
from ingest.anchor import Anchor, anchored
from ingest.broker import BrokerSession, SessionSettings
from ingest.broker_aiomqtt import AiomqttSession
from ingest.broker_direct import DirectSession
from ingest.housekeeping import keep_house
from ingest.presence import keep_saying
from ingest.store import Store
from ingest.subscription import every_filter, outdated_filters, session_name, topic_filters
from ingest.worker import WAITED_OUT, Worker
from sql.connection import Pool
from sql.engine import detect_engine
from sql.listen import Listener
from sql.pool import open_pool
from sql.retry import insist

log = get_logger()

SESSIONS: dict[str, type[DirectSession] | type[AiomqttSession]] = {"direct": DirectSession, "aiomqtt": AiomqttSession}
# A slot that is being drained is empty when nothing has come for so many seconds.
QUIET = 3.0


async def drain_worker(settings: Settings, stop: asyncio.Event) -> None:
    """Take one slot out of service: leave its subscription, store what the broker has queued for it, and return."""
    await run_worker(settings, stop, leave=True)


async def run_worker(settings: Settings, stop: asyncio.Event, *, leave: bool = False) -> None:
    """Run one ingest worker until `stop`, then finish what is in hand and keep the session at the broker.

    With `leave` the subscription is given up first, and the worker stops by itself when its queue is empty.
    """
    dsn, (host, port) = store_dsn(settings), broker_address(settings)
    options, broker = settings.ingest, settings.broker
    username, password = broker_account(settings)
    profiles = ProfileStore(BUILTIN, *settings.devices.folders)
    opened: list[tuple[Pool, Worker]] = []

    async def open_up() -> None:
        pool = await open_pool(
            dsn, process="ingest", size=settings.store.pool_max, statement_timeout=settings.store.statement_timeout
        )
        try:
            async with pool.acquire() as connection:
                engine = await detect_engine(connection)
            store = Store(pool, engine, slot=options.slot, patience=settings.store.statement_timeout * 2)
            worker = Worker(settings, pool, store, profiles)
            await worker.start()
            # Devices and profiles stay: walking them again in each full collection would halt us for tens of ms.
            gc.collect()
            gc.freeze()
        except BaseException:
            pool.terminate()
            raise
        opened.append((pool, worker))

    if not await insist(open_up, stop, WAITED_OUT):
        profiles.close()
        return
    pool, worker = opened[0]
    receiver = DirectSession if leave else SESSIONS[options.receiver]
    asked = SessionSettings(
        host,
        port,
        client_id=session_name(options.slot),
        filters=every_filter(options) if leave else topic_filters(options),
        outdated=outdated_filters(options),
        leave=leave,
        protocol=broker.protocol,
        username=username,
        password=password,
        ca_file=broker.ca_file,
        window=options.window,
    )
    session = receiver(asked, worker.inbox, worker.resumed)
    drained = asyncio.Event()
    try:
        async with (
            Listener(dsn, [CHANNEL], lambda _channel, _payload: worker.registry_changed(), process="ingest"),
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(session.run(drained))
            INGEST_CONNECTED.set_function(lambda: float(session.connected))
            closing = tasks.create_task(_close_on(stop, worker))
            chores = tasks.create_task(
                keep_house(worker.inbox, worker.decoder, worker.store, worker.total, worker.look_at_profiles)
            )
            if leave:
                tasks.create_task(
                    _stop_when_empty(session, lambda: object() if worker.inbox.held else worker.total.messages, stop)
                )
            elif options.slot == 0:
                tasks.create_task(_carry_anchor(anchored(asked, options), worker, session, drained))
            beside = [closing, chores]
            if options.workers > 1 and not leave:
                beside.append(tasks.create_task(keep_saying(session, worker)))
            await worker.run(stop)
            for task in beside:
                task.cancel()
            drained.set()
    finally:
        pool.terminate()
        profiles.close()
    log.info("ingest_stopped", messages=worker.total.messages, stored=worker.total.stored)


async def _close_on(stop: asyncio.Event, worker: Worker) -> None:
    """At the stop read no further, so that it comes to an end however much is on its way."""
    await stop.wait()
    worker.inbox.close()


async def _carry_anchor(settings: SessionSettings, worker: Worker, session: BrokerSession, stop: asyncio.Event) -> None:
    """Run the anchor beside `session`; of a worker that is alone only long enough to empty and leave an old one."""
    anchor = Anchor(settings, worker.inbox, session)
    if not settings.leave:
        await anchor.run(stop)
        return
    left = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(anchor.run(left))
        stopping = tasks.create_task(_follow(stop, left))
        await _stop_when_empty(anchor, lambda: anchor.gate.passed, left)
        stopping.cancel()


async def _follow(stop: asyncio.Event, other: asyncio.Event) -> None:
    await stop.wait()
    other.set()


async def _stop_when_empty(session: BrokerSession, progress: Callable[[], object], stop: asyncio.Event) -> None:
    """Set `stop` once the connection has stood for a while and `progress` has not changed."""
    quiet_since, last = -1.0, None
    loop = asyncio.get_running_loop()
    while not stop.is_set():
        await asyncio.sleep(0.2)
        now = progress()
        if not session.connected or now != last:
            quiet_since, last = loop.time(), now
        elif loop.time() - quiet_since >= QUIET:
            stop.set()
