"""What to do when the database is away: which errors pass by themselves, and how long to wait before each try."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg

from citywatch.telemetry import get_logger

log = get_logger()

# The server is away, stopping, starting, full or overloaded, or two transactions met: trying again may help.
PASSING: tuple[type[Exception], ...] = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.InterfaceError,
    asyncpg.InternalServerError,  # what a connection may meet that begins while the disk is full
    asyncpg.InternalClientError,  # what the driver may say when the connection breaks between two statements
)


async def pause(stop: asyncio.Event, length: timedelta) -> None:
    """Wait for so long; return early when `stop` is set."""
    try:
        await asyncio.wait_for(stop.wait(), length.total_seconds())
    except TimeoutError:
        return


class Backoff:
    """Waits that double from `first` to `longest`, each shortened at random so that clients do not come at once."""

    def __init__(
        self, first: timedelta = timedelta(milliseconds=100), longest: timedelta = timedelta(seconds=10)
    ) -> None:
        self._first = first.total_seconds()
        self._longest = longest.total_seconds()
        self._next = self._first

    def reset(self) -> None:
        """Start over, after a success."""
        self._next = self._first

    def take(self) -> float:
        """Return the seconds to wait now, and double the next wait."""
        wait, self._next = self._next, min(self._next * 2, self._longest)
        return wait * random.uniform(0.5, 1.0)

    async def pause(self, stop: asyncio.Event | None = None) -> None:
        """Wait once; return early when `stop` is set."""
        await pause(stop or asyncio.Event(), timedelta(seconds=self.take()))


async def insist(
    action: Callable[[], Awaitable[None]], stop: asyncio.Event, passing: tuple[type[Exception], ...] = PASSING
) -> bool:
    """Do `action` until it succeeds, however long the store is away; False where `stop` came first."""
    backoff = Backoff()
    while True:
        try:
            await action()
            return True
        except passing as error:
            if stop.is_set():
                return False
            log.warning("store_away", error=str(error) or type(error).__name__)
            await backoff.pause(stop)
