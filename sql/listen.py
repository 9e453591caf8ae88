"""LISTEN on a connection of its own, kept alive: lost connections come back, and the loss is told as news."""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import asyncpg

from citywatch.telemetry import get_logger
from sql.connection import Connection
from sql.retry import PASSING, Backoff

Hear = Callable[[str, str], None]
log = get_logger()


class Listener:
    """Calls `hear(channel, payload)` for each notification on `channels`, in the event loop's thread.

    After each (re)connect it calls `hear(channel, "")` once per channel: notifications may have been missed, so
    whoever listens looks for itself.
    """

    def __init__(self, dsn: str, channels: Sequence[str], hear: Hear, *, process: str) -> None:
        self._dsn = dsn
        self._channels = tuple(channels)
        self._hear = hear
        self._process = process
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep_listening(), name=f"listen {' '.join(self._channels)}")
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep_listening(self) -> None:
        backoff = Backoff()
        while True:
            try:
                await self._listen_once(backoff)
                log.warning("listen_connection_lost", channels=self._channels)
            except PASSING as error:
                log.warning("listen_connection_failed", channels=self._channels, error=str(error))
            await backoff.pause()

    async def _listen_once(self, backoff: Backoff) -> None:
        """Listen until the connection is lost."""
        lost = asyncio.Event()
        connection: Connection = await asyncpg.connect(
            self._dsn, server_settings={"application_name": f"citywatch {self._process} listener"}, timeout=10
        )
        try:
            connection.add_termination_listener(lambda _connection: lost.set())
            for channel in self._channels:
                await connection.add_listener(channel, self._pass_on)
            backoff.reset()
            for channel in self._channels:
                self._hear(channel, "")
            await lost.wait()
        finally:
            # Not a goodbye in full: a server that is gone would never answer it.
            connection.terminate()

    def _pass_on(self, _connection: Any, _pid: int, channel: str, payload: object) -> None:
        self._hear(channel, str(payload))
