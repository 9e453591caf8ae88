"""`citywatch ingest run`: broker to store. Takes, decodes, judges, writes, commits, and only then acknowledges."""

import asyncio
import re
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from citywatch.metrics import (
    INGEST_BATCH_ROWS,
    INGEST_COMMIT_SECONDS,
    INGEST_DELAY_SECONDS,
    INGEST_MESSAGES,
    INGEST_READINGS,
    INGEST_REASONS,
    INGEST_STORE_AWAY,
)
from citywatch.settings import Settings
from citywatch.telemetry import get_logger
from devices.envelopes import ENVELOPES
from devices.model import RejectReason
from devices.profile_files import ProfileError
from devices.profile_store import ProfileStore
from devices.registry import DEVICE_ID, any_registered, load_devices
from ingest.batch import Batch
from ingest.clocks import ClockWatch
from ingest.decode import Decoder
from ingest.directory import Directory
from ingest.inbox import Inbox
from ingest.model import Accepted, Delivery, Outcome, Rejected, Verdict
from ingest.quality.memory import judge
from ingest.recall import recall
from ingest.routes import make_routes
from ingest.store import AwayError, PoisonError, Store
from sql.connection import Pool
from sql.retry import PASSING, Backoff, insist

log = get_logger()

TAKE = 250
WAITED_OUT: tuple[type[Exception], ...] = (*PASSING, AwayError)
MAY_BE_REGISTERED = re.compile(DEVICE_ID)
HELD_BYTES = 96 * 1024 * 1024
RELOAD_AT_MOST_EVERY = timedelta(seconds=5)
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
        self._pool = pool
        self.store = store
        self._profiles = profiles
        self._max_rows = options.batch_rows
        self._max_age = options.batch_age.total_seconds()
        self._closed: asyncio.Queue[Batch | None] = asyncio.Queue(maxsize=1)
        self._stale = asyncio.Event()
        self._reloaded_at = datetime.min.replace(tzinfo=UTC)
        self._clocks_written: dict[str, datetime] = {}
        # The newest arrival that is committed, and where that stood when the session was last resumed.
        self._committed_at: datetime | None = None
        self._resumed_at: datetime | None = None

    async def start(self) -> None:
        """Load what the first message needs; raises what PASSING lists, or AwayError, while the store is away."""
        self._committed_at = await self.store.last_delivery()
        await self._reload()
        for device_id, offset in (await self.store.corrected_clocks()).items():
            speaker = self.directory.speakers.get(device_id)
            if speaker is not None:
                speaker.clock = ClockWatch(offset)

    def resumed(self) -> None:
        """Note that a connection begins: what the broker sends again now arrived before this moment."""
        self._resumed_at = self._committed_at

    def look_at_profiles(self) -> None:
        """Have profiles read again where a file of theirs has changed."""
        if self._profiles.changed:
            self.registry_changed()

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
                await insist(self._reload, stop, WAITED_OUT)
            verdicts = await self._decide(deliveries, stop)
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
            # The writer's turn: its next statement shall not wait until everything here is decoded.
            await asyncio.sleep(0)
        if batch.verdicts:
            await self._closed.put(batch.seal())

    async def _decide(self, deliveries: Sequence[Delivery], stop: asyncio.Event) -> list[Verdict]:
        decode, resumed_at = self.decoder.decode, self._resumed_at
        verdicts = [decode(delivery, resumed_at) for delivery in deliveries]
        unknown = {
            at: verdict.device_id
            for at, verdict in enumerate(verdicts)
            if isinstance(verdict, Rejected) and verdict.reason is RejectReason.UNKNOWN_DEVICE
        }
        # Perhaps one was registered a moment ago, and its first message overtook the news of it.
        if unknown and await self._registered_since(unknown.values(), stop):
            await insist(self._reload, stop, WAITED_OUT)
            for at in unknown:
                verdicts[at] = decode(deliveries[at], resumed_at)
        return verdicts

    async def _registered_since(self, device_ids: Iterable[str | None], stop: asyncio.Event) -> bool:
        """Return whether the store may know one of these devices that our copy of the registry does not."""
        if datetime.now(UTC) - self._reloaded_at >= RELOAD_AT_MOST_EVERY:
            return True
        # Whatever a message calls itself: what is no device id (with a NUL in it, for one) the store is not asked for.
        named = sorted({said for said in device_ids if said is not None and MAY_BE_REGISTERED.fullmatch(said)})
        found = False

        async def ask() -> None:
            nonlocal found
            async with self._pool.acquire() as connection:
                found = await any_registered(connection, named)

        if named:
            await insist(ask, stop, WAITED_OUT)
        return found

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

        await insist(read, stop, WAITED_OUT)

    async def _write_all(self, stop: asyncio.Event) -> None:
        while (batch := await self._closed.get()) is not None:
            await self._write(batch, stop)

    async def _write(self, batch: Batch, stop: asyncio.Event) -> None:
        """Write one batch, however long it takes; part it where something in it can never be written."""
        backoff, deadline = Backoff(), None
        clocks = {k: v for k, v in self.directory.clocks.items() if self._clocks_written.get(k) != v}
        began = time.perf_counter()
        while True:
            try:
                batch.lagging = self.inbox.lagging
                outcome = await self.store.write(batch, self.directory.speakers, clocks)
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
                INGEST_STORE_AWAY.inc()
                log.warning("store_away", error=str(error), held=self.inbox.held)
                await backoff.pause()
        self._clocks_written.update(clocks)
        for verdict in batch.verdicts:
            self.inbox.settle(verdict.delivery)
        self._committed_at = max(v.delivery.received_at for v in batch.verdicts)
        self.total.add(outcome)
        _measure(batch, outcome, time.perf_counter() - began)

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

    def _new_batch(self) -> Batch:
        return Batch(self._max_rows, self._max_age)


def _measure(batch: Batch, outcome: Outcome, seconds: float) -> None:
    INGEST_COMMIT_SECONDS.observe(seconds)
    INGEST_BATCH_ROWS.observe(batch.size)
    oldest = batch.verdicts[0].delivery.received_at
    INGEST_DELAY_SECONDS.observe((datetime.now(UTC) - oldest).total_seconds())
    INGEST_MESSAGES.labels("accepted").inc(outcome.accepted)
    INGEST_MESSAGES.labels("rejected").inc(outcome.rejected)
    INGEST_READINGS.labels("stored").inc(outcome.stored)
    INGEST_READINGS.labels("duplicate").inc(outcome.duplicate)
    INGEST_READINGS.labels("refused").inc(outcome.refused)
    for reason, count in outcome.by_reason.items():
        INGEST_REASONS.labels(reason).inc(count)
