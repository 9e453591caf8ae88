"""Where every device stands and when it was last heard, kept in this process for as long as somebody looks at maps.

It is read as a whole, at most every few seconds, and only when asked for; whoever asks meanwhile gets what there is.
Alerts are not in it: they are read anew for every answer, so a map is never behind with what matters.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from api.clusters import Places
from sql.connection import Pool
from sql.queries import query

AGE = timedelta(seconds=10)  # after which it is read again, while what there is still answers
EXPIRED = timedelta(seconds=60)  # after which it says too little of now, and whoever asks waits for the new one
CHUNK = 5000  # rows after which other work has its turn


@dataclass(frozen=True, slots=True)
class Known:
    """One reading of the registry: places, and the clocks of sources that have their own (s of Unix)."""

    places: Places
    clocks: Mapping[str, float | None]


class PlaceIndex:
    """Reads once for everybody who asks."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: Known | None = None
        self._read_at = float("-inf")
        self._reading: asyncio.Task[Known] | None = None

    async def now(self) -> Known:
        """Return what is known, no older than EXPIRED; raises what the store raises where it must wait for it."""
        age = asyncio.get_running_loop().time() - self._read_at
        if self._known is not None and age <= AGE.total_seconds():
            return self._known
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read(), name="read places")
            # One that nobody waits for may fail in silence: the next who asks tries again, and is told.
            self._reading.add_done_callback(lambda done: done.cancelled() or done.exception())
        if self._known is not None and age <= EXPIRED.total_seconds():
            return self._known
        return await asyncio.shield(self._reading)

    async def close(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> Known:
        began = asyncio.get_running_loop().time()
        async with self._pool.acquire() as connection, connection.transaction(readonly=True):
            clocks = {row["source_id"]: row["now"] for row in await connection.fetch(query("map", "replay_clocks"))}
            # All rows are wanted, not the first ones soon, for which a cursor would be planned.
            await connection.execute("SET LOCAL cursor_tuple_fraction = 1")
            statement = await connection.prepare(query("map", "places"))
            names = [attribute.name for attribute in statement.get_attributes()]
            columns: list[list[object]] = [[] for _ in names]
            cursor = await statement.cursor()
            while rows := await cursor.fetch(CHUNK):
                for column, values in zip(columns, zip(*rows, strict=True), strict=True):
                    column.extend(values)
        places = await asyncio.to_thread(Places, dict(zip(names, columns, strict=True)))
        self._known, self._read_at = Known(places, clocks), began
        return self._known
