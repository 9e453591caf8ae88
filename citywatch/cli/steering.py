"""The simulator as the API steers it: it plays what stands in the store, and says there what it plays."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import asyncpg

from citywatch.telemetry import get_logger
from sql.connection import Connection
from sql.queries import query

EVERY = 1.0  # seconds between two looks
Play = Callable[[str | None, asyncio.Event], Awaitable[None]]
log = get_logger()


class Desk:
    """Where it is asked and told; a store that is away leaves the city playing."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: Connection | None = None

    async def begin(self, scenario: str, devices: int, seed: int) -> datetime:
        """Say that a simulator is there, and what it begins with; return when that was."""
        connection = await self._connected()
        begun: datetime = await connection.fetchval(query("simulation", "begin_simulation"), scenario, devices, seed)
        return begun

    async def report(self, playing: str | None, since: datetime) -> tuple[str | None, datetime] | None:
        """Say what plays; return what is asked for and since when, None where the store is away."""
        try:
            connection = await self._connected()
            row = await connection.fetchrow(query("simulation", "report_simulation"), playing, since)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("steering_away", error=str(error))
            await self.close()
            return None
        return None if row is None else (row["asked"], row["asked_at"])

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._dsn, timeout=10, command_timeout=10)
        return self._connection

    async def close(self) -> None:
        """Let the store go."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


async def follow(desk: Desk, first: str, asked_at: datetime, stop: asyncio.Event, play: Play) -> None:
    """Play `first`, then whatever is asked for (None: nothing), until `stop`; `play` ends when its event is set.

    One that ends by itself was to last so long only, and nothing follows it.
    """
    asked: str | None = first
    try:
        while not stop.is_set():
            turn = asyncio.Event()
            watching = asyncio.create_task(_watch(desk, asked, asked_at, stop, turn))
            try:
                await play(asked, turn)
                if not turn.is_set():
                    return
                asked, asked_at = await watching
            finally:
                watching.cancel()
    finally:
        await desk.close()


async def _watch(
    desk: Desk, playing: str | None, asked_at: datetime, stop: asyncio.Event, turn: asyncio.Event
) -> tuple[str | None, datetime]:
    since = datetime.now(UTC)
    told = playing, asked_at
    while not turn.is_set():
        told = await desk.report(playing, since) or told
        if stop.is_set() or told[1] != asked_at:
            turn.set()
            break
        try:
            await asyncio.wait_for(stop.wait(), EVERY)
        except TimeoutError:
            continue
    return told
