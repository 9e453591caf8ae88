"""`citywatch ingest run`: broker to store. Takes, decodes, judges, writes, commits, and only then acknowledges."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from citywatch.local.running import broker_address, store_dsn
from citywatch.settings import Settings
from citywatch.telemetry import get_logger
from devices.envelopes import ENVELOPES
from devices.model import RejectReason
from devices.profile_files import ProfileError
from devices.profile_store import ProfileStore
from devices.profiles import BUILTIN
from devices.registry import CHANNEL, load_devices
from ingest.batch import Batch
from ingest.broker import SessionSettings
from ingest.broker_aiomqtt import AiomqttSession
from ingest.broker_direct import DirectSession
from ingest.decode import Decoder
from ingest.directory import Directory
from ingest.floods import FloodRecord
from ingest.inbox import Inbox
from ingest.model import Accepted, Delivery, Outcome, Rejected, Verdict
from ingest.quality.memory import judge
from ingest.recall import recall
from ingest.routes import make_routes
from ingest.store import AwayError, PoisonError, Store
from ingest.subscription import session_name, topic_filters
from sql.connection import Pool
from sql.engine import detect_engine
from sql.listen import Listener
from sql.pool import open_pool
from sql.retry import PASSING, Backoff

log = get_logger()

TAKE = 500
WAITED_OUT: tuple[type[Exception], ...] = (*PASSING, AwayError)
SESSIONS = {"direct": DirectSession, "aiomqtt": AiomqttSession}
HELD_BYTES = 96 * 1024 * 1024
RELOAD_AT_MOST_EVERY = timedelta(seconds=5)
LOOK_EVERY = 2.0
REPORT_EVERY = 10.0
FORGET_EVERY = 600.0
# How long a stop waits for a store that is away: what is not committed by then the broker delivers again.
STOP_PATIENCE = 10.0


class Worker:
    """One ingest worker: inbox, decoder, open batch, writer."""

    def __init__(self, settings: Settings, pool: Pool, store: Store, profiles: ProfileStore) -> None:
        options = settings.ingest
        self.inbox = Inbox(options.window, HELD_BYTES, options.flood_share)
        self.directory = Directory()
        self.decoder = Decoder(
            self.directory,
            make_routes(options.routes, ENVELOPES),
            lateness=options.lateness,
            equal_window=options.equal_window,
            max_payload=options.max_payload,
        )
        self.total = Outcome()
        self._floods = FloodRecord(self.decoder.device_of)
        self._pool = pool
        self._store = store
        self._profiles = profiles
        self._max_rows = options.batch_rows
        self._max_age = options.batch_age.total_seconds()
        self._lateness = options.lateness
        self._closed: asyncio.Queue[Batch | None] = asyncio.Queue(maxsize=1)
        self._stale = asyncio.Event()
        self._reloaded_at = datetime.min.replace(tzinfo=UTC)
        self._clocks_written: dict[str, datetime] = {}
        # The newest arrival that is committed, and where that stood when the session was last resumed.
        self._committed_at: datetime | None = None
        self._resumed_at: datetime | None = None

    async def start(self) -> None:
        """Load what the first message needs; raises what PASSING lists, or AwayError, while the store is away."""
        self._committed_at = await self._store.last_delivery()
        await self._reload()

    def resumed(self) -> None:
        """Note that a connection begins: what the broker sends again now arrived before this moment."""
        self._resumed_at = self._committed_at

    def registry_changed(self) -> None:
        """Have the registry read again before the next delivery."""
        self._stale.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set and everything taken is committed and acknowledged."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write_all(stop))
            await self._take_all(stop)
            await self._closed.put(None)

    async def _take_all(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        batch = self._new_batch()
        while True:
            due = batch.due_in(loop.time())
            if due == 0.0:
                await self._closed.put(batch.seal())
                batch, due = self._new_batch(), None
            if stop.is_set() and not self.inbox.waiting:
                break
            deliveries = await self.inbox.take(TAKE, 0.2 if due is None else due)
            if self._stale.is_set() and deliveries:
                self._stale.clear()
                await insist(self._reload, stop)
            verdicts = [await self._decide(delivery, stop) for delivery in deliveries]
            await self._recall(verdicts, stop)
            now = loop.time()
            for verdict in verdicts:
                if isinstance(verdict, Accepted):
                    for row in verdict.rows:
                        revision = judge(row)
                        if revision is not None:
                            batch.revisions.append(revision)
                batch.add(verdict, now)
                if batch.full:
                    await self._closed.put(batch.seal())
                    batch = self._new_batch()
        if batch.verdicts:
            await self._closed.put(batch.seal())

    async def _decide(self, delivery: Delivery, stop: asyncio.Event) -> Verdict:
        verdict = self.decoder.decode(delivery, self._resumed_at)
        unknown = isinstance(verdict, Rejected) and verdict.reason is RejectReason.UNKNOWN_DEVICE
        if unknown and datetime.now(UTC) - self._reloaded_at >= RELOAD_AT_MOST_EVERY:
            # Perhaps it was registered a moment ago.
            await insist(self._reload, stop)
            verdict = self.decoder.decode(delivery, self._resumed_at)
        return verdict

    async def _recall(self, verdicts: list[Verdict], stop: asyncio.Event) -> None:
        """Read back the recent past of the channels that speak for the first time since the start."""
        channels = {
            row.channel
            for verdict in verdicts
            if isinstance(verdict, Accepted)
            for row in verdict.rows
            if row.channel.memory is None and row.channel.watched
        }
        if not channels:
            return

        async def read() -> None:
            async with self._pool.acquire() as connection:
                await recall(connection, channels)

        await insist(read, stop)

    async def _write_all(self, stop: asyncio.Event) -> None:
        while (batch := await self._closed.get()) is not None:
            await self._write(batch, stop)

    async def _write(self, batch: Batch, stop: asyncio.Event) -> None:
        """Write one batch, however long it takes; part it where something in it can never be written."""
        backoff, deadline = Backoff(), None
        clocks = {k: v for k, v in self.directory.clocks.items() if self._clocks_written.get(k) != v}
        while True:
            try:
                outcome = await self._store.write(batch, self.directory.speakers, clocks)
                break
            except PoisonError as error:
                if len(batch.verdicts) > 1:
                    for part in batch.halves():
                        await self._write(part, stop)
                    return
                verdict = batch.verdicts[0]
                if isinstance(verdict, Rejected):
                    raise  # nothing of the message but its bytes is left in it: that is our own fault
                log.error("message_refused_by_store", topic=verdict.delivery.topic, error=str(error))
                batch.verdicts[0] = Rejected(
                    verdict.delivery, RejectReason.STORE_REFUSED, str(error), verdict.device_id
                )
            except AwayError as error:
                now = asyncio.get_running_loop().time()
                if stop.is_set():
                    deadline = deadline or now + STOP_PATIENCE
                    if now >= deadline:
                        log.warning("stopped_with_store_away", messages=len(batch.verdicts), error=str(error))
                        return
                log.warning("store_away", error=str(error), held=self.inbox.held)
                await backoff.pause()
        self._clocks_written.update(clocks)
        for verdict in batch.verdicts:
            self.inbox.settle(verdict.delivery)
        self._committed_at = max(v.delivery.received_at for v in batch.verdicts)
        self.total.add(outcome)

    async def _reload(self) -> None:
        try:
            self._profiles.reload_if_changed()
        except ProfileError as error:
            log.error("profile_not_acceptable", error=str(error))
        async with self._pool.acquire() as connection:
            registry = await load_devices(connection)
        self.directory.renew(registry, self._profiles.profiles)
        self._reloaded_at = datetime.now(UTC)
        log.info("registry_loaded", devices=len(registry.devices), profiles=len(self._profiles.profiles))

    async def keep_house(self) -> None:
        """Say now and then what was done, and forget delivery keys that no redelivery can have any more."""
        loop, before, forgotten, reported = asyncio.get_running_loop(), self.total.messages, 0.0, 0.0
        while True:
            await asyncio.sleep(LOOK_EVERY)
            floods = self._floods.note(self.inbox.fairness.look(LOOK_EVERY), datetime.now(UTC))
            if floods:
                with suppress(AwayError):
                    await self._store.record_floods(floods)
            if loop.time() - reported < REPORT_EVERY:
                continue
            reported = loop.time()
            if self._profiles.changed:
                self.registry_changed()
            if self.total.messages != before:
                total = self.total
                log.info(
                    "ingest_progress",
                    messages=total.messages,
                    stored=total.stored,
                    duplicate=total.duplicate,
                    refused=total.refused,
                    rejected=total.rejected,
                    held=self.inbox.held,
                )
                before = total.messages
            if loop.time() - forgotten >= FORGET_EVERY:
                forgotten = loop.time()
                with suppress(AwayError):
                    await self._store.forget_deliveries(datetime.now(UTC) - self._lateness)

    def _new_batch(self) -> Batch:
        return Batch(self._max_rows, self._max_age)


async def insist(action: Callable[[], Awaitable[None]], stop: asyncio.Event) -> bool:
    """Do `action` until it succeeds, however long the store is away; False where `stop` came first."""
    backoff = Backoff()
    while True:
        try:
            await action()
            return True
        except WAITED_OUT as error:
            if stop.is_set():
                return False
            log.warning("store_away", error=str(error))
            await backoff.pause(stop)


async def run_worker(settings: Settings, stop: asyncio.Event) -> None:
    """Run one ingest worker until `stop`, then finish what is in hand and leave the session at the broker."""
    dsn, (host, port) = store_dsn(settings), broker_address(settings)
    options, broker = settings.ingest, settings.broker
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
        except BaseException:
            pool.terminate()
            raise
        opened.append((pool, worker))

    if not await insist(open_up, stop):
        profiles.close()
        return
    pool, worker = opened[0]
    session = SESSIONS[options.receiver](
        SessionSettings(
            host,
            port,
            client_id=session_name(options.slot),
            filters=topic_filters(options),
            protocol=broker.protocol,
            username=broker.username,
            password=None if broker.password is None else broker.password.get_secret_value(),
            ca_file=broker.ca_file,
            window=options.window,
        ),
        worker.inbox,
        worker.resumed,
    )
    drained = asyncio.Event()
    try:
        async with (
            Listener(dsn, [CHANNEL], lambda _channel, _payload: worker.registry_changed(), process="ingest"),
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(session.run(drained))
            chores = tasks.create_task(worker.keep_house())
            await worker.run(stop)
            chores.cancel()
            drained.set()
    finally:
        pool.terminate()
        profiles.close()
    log.info("ingest_stopped", messages=worker.total.messages, stored=worker.total.stored)
