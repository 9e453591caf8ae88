"""Bulk export in bounded memory: the database hands over a piece only when the client has taken the one before.

CSV is what PostgreSQL's own COPY writes, so an export goes about as fast as the database can give it.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import anyio

from api.problems import ProblemError
from sql.connection import Connection, Pool
from sql.queries import query

AT_ONCE = 2  # exports; each holds a connection for as long as its reader takes
AHEAD = 4  # pieces read ahead of the client
STALLED = timedelta(seconds=60)  # after which a client that takes nothing is given up
LONGEST = timedelta(hours=1)  # that one export may take: its connection is one of few
ROWS = 2000  # features in a piece

Write = Callable[[bytes], Coroutine[Any, Any, None]]
Source = Callable[[Connection, Write, tuple[Any, ...]], Coroutine[Any, Any, None]]


def without_comments(text: str) -> str:
    """Return a query as COPY takes it.

    COPY takes no parameters, so the driver writes them into the text as literals, into comments as well, where a line
    break in a value would end the comment and begin SQL: the text goes without comments.
    """
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return "\n".join(lines).rstrip(";")


async def copy_csv(connection: Connection, write: Write, arguments: tuple[Any, ...]) -> None:
    """Write observations as CSV (RFC 4180) with a header line."""
    text = without_comments(query("api", "export_csv"))
    await connection.copy_from_query(text, *arguments, output=write, format="csv", header=True)


async def copy_geojson(connection: Connection, write: Write, arguments: tuple[Any, ...]) -> None:
    """Write observations as one GeoJSON FeatureCollection (RFC 7946)."""
    await write(b'{"type":"FeatureCollection","features":[')
    piece: list[str] = []
    comma = ""
    async for (feature,) in connection.cursor(query("api", "export_geojson"), *arguments, prefetch=ROWS):
        piece.append(feature)
        if len(piece) == ROWS:
            await write((comma + ",\n".join(piece)).encode())
            piece, comma = [], ",\n"
    await write(((comma if piece else "") + ",\n".join(piece) + "]}\n").encode())


class Exports:
    """Runs exports of one process, a few at a time, so that the API keeps connections for everybody else."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._running = 0

    def _ended(self, _reading: asyncio.Task[None]) -> None:
        self._running -= 1

    def check_room(self) -> None:
        """Raise ProblemError 503 when too many exports run already."""
        if self._running >= AT_ONCE:
            raise ProblemError(503, "too-many-exports", f"{AT_ONCE} exports run already: try again when one has ended")

    async def begin(
        self, source: Source, arguments: tuple[Any, ...], pool: Pool | None = None
    ) -> AsyncGenerator[bytes]:
        """Return the pieces once the first is there, so that what fails at the start can still be said in full.

        `pool` is what the caller may see; by default everything.
        """
        self.check_room()
        pieces = self.pieces(source, arguments, pool)
        first = await anext(pieces)

        async def whole() -> AsyncGenerator[bytes]:
            async with aclosing(pieces):
                yield first
                async for piece in pieces:
                    yield piece

        return whole()

    async def pieces(
        self, source: Source, arguments: tuple[Any, ...], pool: Pool | None = None
    ) -> AsyncGenerator[bytes]:
        """Yield what `source` writes, as fast as it is taken."""
        outlet, inlet = anyio.create_memory_object_stream[bytes](AHEAD)

        async def write(piece: bytes) -> None:
            async with asyncio.timeout(STALLED.total_seconds()):
                await outlet.send(bytes(piece))

        async def read() -> None:
            async with (
                asyncio.timeout(LONGEST.total_seconds()),
                outlet,
                (pool or self._pool).acquire() as connection,
                connection.transaction(readonly=True),
            ):
                await connection.execute(query("api", "lift_timeout"))
                await source(connection, write, arguments)

        self._running += 1
        reading = asyncio.create_task(read(), name="export")
        reading.add_done_callback(self._ended)  # the connection is free then, whatever the client still does
        try:
            async with inlet:
                async for piece in inlet:
                    yield piece
            # Raises what the reading raised: the answer is then cut, never quietly short.
            await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
