"""The hub of the live socket: hears of changes, reads them once per tick, and hands them to every client.

It reads what fold has folded: after each announcement it takes the batches of the tail between its own place and
fold's, and reads the latest values these touched. So a live value is the value REST would give at that moment,
revisions included, an older late reading is never shown as news, and nobody writes a row or keeps an index for it.
"""

import asyncio
import time
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from api.answer import rows
from api.context import limit_pool
from api.live_shape import Shape, Tick, merge, message
from api.metrics import Metrics
from api.overview import read_summary
from api.principal import Limits
from citywatch.telemetry import get_logger
from sql.connection import Pool
from sql.listen import Listener
from sql.queries import query
from sql.retry import PASSING, Backoff

log = get_logger()

ALERTS, LATEST = "citywatch_alert", "citywatch_latest"
PACE = timedelta(milliseconds=200)  # at most five ticks a second
SUMMARY_PACE = timedelta(seconds=1)
SUMMARY_AGE = timedelta(seconds=10)  # devices fall silent without anything happening
HEARTBEAT = timedelta(seconds=15)
LINGER = timedelta(seconds=60)  # after the last client has gone, so that it may resume
START = timedelta(seconds=5)
QUEUE = 32  # messages a client may lag behind
RING_ROWS = 20_000
RING_TICKS = 300
TICK_ROWS = 20_000


class Client:
    """One open socket: its shape and the messages it has not taken yet."""

    def __init__(self) -> None:
        self.shape: Shape | None = None
        self.queue: asyncio.Queue[str] = asyncio.Queue(QUEUE)

    def offer(self, text: str, seq: int) -> bool:
        """Queue a message; if the client is too far behind, drop what waits, tell it to resync, return False."""
        try:
            self.queue.put_nowait(text)
        except asyncio.QueueFull:
            self.clear()
            self.queue.put_nowait(message("resync", seq=seq, reason="you fell behind"))
            return False
        return True

    def clear(self) -> None:
        """Drop what waits."""
        while not self.queue.empty():
            self.queue.get_nowait()


class Ring:
    """The last ticks, bounded by number and by rows, from which a client that was away may resume."""

    def __init__(self, ticks: int = RING_TICKS, max_rows: int = RING_ROWS) -> None:
        self._ticks: deque[Tick] = deque()
        self._max_ticks, self._max_rows, self._rows = ticks, max_rows, 0
        self._from: int | None = None  # what came after this seq is here in full

    def begin(self, seq: int) -> None:
        """Forget everything; only what comes after `seq` can be resumed."""
        self._ticks.clear()
        self._rows, self._from = 0, seq

    def add(self, tick: Tick) -> None:
        """Take in a tick and let the oldest go."""
        self._ticks.append(tick)
        self._rows += tick.size
        while len(self._ticks) > self._max_ticks or self._rows > self._max_rows:
            gone = self._ticks.popleft()
            self._rows -= gone.size
            self._from = gone.seq

    def since(self, seq: int, now: int) -> list[Tick] | None:
        """Return the ticks after `seq`, None if some are gone or `seq` is not from here."""
        if self._from is None or not self._from <= seq <= now:
            return None
        return [tick for tick in self._ticks if tick.seq > seq]


class Hub:
    """Shared by all live clients of one process. Enter it to start, leave it to stop."""

    def __init__(self, pool: Pool, dsn: str, metrics: Metrics) -> None:
        self._pool, self._metrics = pool, metrics
        self._clients: set[Client] = set()
        self._news = asyncio.Event()
        self._alert_ids: set[int] = set()
        self._missed = self._started = self._stale = False
        self._listening = asyncio.Event()
        self._ring = Ring()
        # Starts at the clock: a seq of an earlier run is then always older than the ring, never taken for one of ours.
        self._seq = int(time.time() * 1000)
        self._place = 0
        self._summaries: dict[Limits | None, dict[str, Any]] = {}
        self._summary_at = self._beat_at = self._left_at = float("-inf")
        self._listener = Listener(dsn, [ALERTS, LATEST], self._hear, process="serve")
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._listener.__aenter__()
        # Whoever subscribes from now on hears every alert; should this take longer, they are told to resync.
        with suppress(TimeoutError):
            async with asyncio.timeout(START.total_seconds()):
                await self._listening.wait()
        self._begin(await self._pool.fetchval(query("api", "fold_position")) or 0)
        self._started = True
        self._task = asyncio.create_task(self._run(), name="live hub")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._listener.__aexit__(kind, error, trace)

    def join(self, client: Client) -> None:
        """Add a client; it hears nothing but heartbeats until it subscribes."""
        self._clients.add(client)
        self._metrics.live_clients.set(len(self._clients))

    def leave(self, client: Client) -> None:
        """Remove a client."""
        self._clients.discard(client)
        self._metrics.live_clients.set(len(self._clients))
        self._left_at = asyncio.get_running_loop().time()

    @property
    def size(self) -> int:
        """Return how many clients there are."""
        return len(self._clients)

    @property
    def full(self) -> bool:
        """Return whether there is room for no more clients."""
        return len(self._clients) >= 2000

    def subscribe(self, client: Client, shape: Shape, resume: int | None) -> None:
        """Give `client` its shape, then what it missed since `resume`, or `resync` if that is no longer known.

        Whatever happens after the `subscribed` message is sent: subscribe first, then read the present by REST.
        """
        missed = None if resume is None else self._ring.since(resume, self._seq)
        client.clear()
        client.shape = shape
        client.offer(message("subscribed", seq=self._seq, resumed=missed is not None), self._seq)
        if missed is not None and (tick := merge(missed)) is not None and (text := shape.encode(tick)) is not None:
            client.offer(text, self._seq)
        elif resume is not None and missed is None:
            client.offer(message("resync", seq=self._seq, reason="too long ago"), self._seq)
        if "summary" in shape.views:
            self._summary_at = float("-inf")
        self._news.set()

    def _hear(self, channel: str, payload: str) -> None:
        if channel == ALERTS and payload.isdigit():
            self._alert_ids.add(int(payload))
        elif channel == ALERTS:
            # The listener says that it has just connected: what was announced before is lost.
            self._missed = self._started
            self._listening.set()
        self._news.set()

    async def _run(self) -> None:
        clock, backoff = asyncio.get_running_loop().time, Backoff()
        while True:
            # Bounded, so that heartbeats go out and silence is noticed when nothing is announced.
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._news.wait()
            self._news.clear()
            began = clock()
            try:
                await self._tick(began)
                backoff.reset()
            except PASSING as error:
                log.warning("live_store_away", error=str(error), kind=type(error).__name__)
                await backoff.pause()
            except Exception:
                # Whatever it is, thousands of screens must not stand still because of it: they read anew, and we go on.
                log.exception("live_tick_failed")
                self._missed = True
                self._alert_ids.clear()
                await backoff.pause()
            self._heartbeat(clock())
            await asyncio.sleep(max(0.0, PACE.total_seconds() - (clock() - began)))

    def _heartbeat(self, now: float) -> None:
        if now - self._beat_at < HEARTBEAT.total_seconds():
            return
        self._beat_at = now
        text = message("heartbeat", seq=self._seq, at=datetime.now(UTC))
        for client in self._clients:
            client.offer(text, self._seq)

    async def _tick(self, now: float) -> None:
        """Read what changed and hand it on. With nobody there nothing is read, and nothing can be resumed."""
        end = await self._pool.fetchval(query("api", "fold_position")) or 0
        if not self._clients and now - self._left_at > LINGER.total_seconds():
            # The place moves on all the same: who subscribes now gets every change from now on.
            self._begin(end)
            self._alert_ids.clear()
            return
        if end < self._place or self._missed:
            self._begin(end)
            self._resync("changes may have been missed")
        latest: list[dict[str, Any]] = []
        if end > self._place:
            latest = rows(await self._pool.fetch(query("api", "latest_changed"), self._place, end, TICK_ROWS + 1))
        if len(latest) > TICK_ROWS:
            self._place, self._stale = end, True
            self._ring.begin(self._seq)
            self._resync("too much changed at once")
            return
        # Taken before they are read: one announced again meanwhile is news for the next tick.
        wanted, self._alert_ids = self._alert_ids, set()
        try:
            alerts = await self._alerts(wanted)
            self._stale = self._stale or bool(latest or alerts)
            summaries = await self._changed_summaries(now)
        except Exception:
            self._alert_ids |= wanted
            raise
        self._place = end
        if latest or alerts or summaries:
            self._seq += 1
            self._send(Tick(self._seq, datetime.now(UTC), alerts, latest, summaries))

    async def _alerts(self, numbers: set[int]) -> list[dict[str, Any]]:
        if not numbers:
            return []
        return rows(await self._pool.fetch(query("api", "alerts"), *[None] * 9, None, sorted(numbers), None))

    def _begin(self, place: int) -> None:
        self._place, self._missed = place, False
        self._ring.begin(self._seq)

    async def _changed_summaries(self, now: float) -> dict[Limits | None, dict[str, Any]]:
        """Return the summaries that somebody wants, that are due and say something new, by what part of the city."""
        shapes = [client.shape for client in self._clients if client.shape is not None]
        wanted = {shape.limits for shape in shapes if "summary" in shape.views}
        if not wanted:
            self._summaries = {}
            return {}
        if now - self._summary_at < (SUMMARY_PACE if self._stale else SUMMARY_AGE).total_seconds():
            return {}
        asked = self._summary_at == float("-inf")
        self._summary_at, self._stale = now, False
        try:
            read = {
                limits: (await read_summary(limit_pool(self._pool, limits), datetime.now(UTC))).model_dump()
                for limits in wanted
            }
        except Exception:
            self._summary_at = float("-inf")
            raise
        before, self._summaries = self._summaries, read
        return {
            limits: summary
            for limits, summary in read.items()
            if asked or limits not in before or {**before[limits], "at": None} != {**summary, "at": None}
        }

    def _send(self, tick: Tick) -> None:
        self._ring.add(tick)
        texts: dict[Shape, str | None] = {}
        for client in self._clients:
            if client.shape is None:
                continue
            if client.shape not in texts:
                texts[client.shape] = client.shape.encode(tick)
            text = texts[client.shape]
            if text is None:
                continue
            self._metrics.live_messages.inc()
            if not client.offer(text, tick.seq):
                self._metrics.live_resyncs.inc()

    def _resync(self, reason: str) -> None:
        text = message("resync", seq=self._seq, reason=reason)
        for client in self._clients:
            client.clear()
            client.offer(text, self._seq)
            self._metrics.live_resyncs.inc()
