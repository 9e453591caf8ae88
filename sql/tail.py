"""The tail of the store: every new row once, in commit order, to each consumer that keeps a position in it.

A consumer reads, applies what it read and saves its position in one transaction, so its effects happen exactly
once whatever dies in between:

    async with TailWatch(dsn, process="rules") as watch:
        while not stop.is_set():
            async with pool.acquire() as connection, connection.transaction():
                batches = await read_tail(connection, "rules", 20_000)
                if batches:
                    ...
                    await save_position(connection, "rules", batches[-1].seq)
            if not batches:
                await watch.wait(stop)
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from sql.connection import Connection
from sql.listen import Listener
from sql.queries import query

CHANNEL = "citywatch_tail"


@dataclass(frozen=True, slots=True)
class TailBatch:
    """One write to the store, as parallel lists: only rows that were new, or one set of revisions.

    `old_result` and `old_quality` are None for new rows; for a revision they hold what `result` and `quality`
    replace. `clocks` are the replay sources' clocks after this batch, RFC 3339 by source id. `worker` is the slot of
    the ingest worker that wrote it, None for other writers; `lagging`: more waited for that worker at the broker.
    """

    seq: int
    at: datetime
    datastream_id: list[int]
    phenomenon_time: list[datetime]
    received_at: list[datetime]
    result: list[float | None]
    quality: list[int]
    old_result: list[float | None] | None
    old_quality: list[int] | None
    clocks: dict[str, Any]
    worker: int | None = None
    lagging: bool = False

    @property
    def is_revision(self) -> bool:
        """Return whether the rows correct earlier ones."""
        return self.old_result is not None


def part_name(consumer: str, number: int) -> str:
    """Return under which name a part of a consumer that is divided by device keeps its position."""
    return consumer if number == 0 else f"{consumer}-{number}"


async def lock_position(connection: Connection, consumer: str) -> int:
    """Return the consumer's position and hold it until the transaction ends; other instances wait for it."""
    assert connection.is_in_transaction(), "a position is read, used and saved in one transaction"
    position = await connection.fetchval(query("tail", "lock_position"), consumer)
    if position is None:
        await connection.execute(query("tail", "begin_consumer"), consumer)
        position = await connection.fetchval(query("tail", "lock_position"), consumer)
    return int(position)


async def save_position(connection: Connection, consumer: str, seq: int) -> None:
    """Remember that `consumer` has applied every batch up to `seq`, together with what it did."""
    await connection.execute(query("tail", "save_position"), consumer, seq)


async def read_tail(connection: Connection, consumer: str, limit: int) -> list[TailBatch]:
    """Return the next batches of `consumer` in commit order: whole ones, until they hold `limit` rows.

    Call it inside a transaction; the position stays locked until that ends.
    """
    position = await lock_position(connection, consumer)
    rows = await connection.fetch(query("tail", "read_batches"), position, limit)
    return [TailBatch(**row) for row in rows]


class TailWatch:
    """Wakes a consumer when something was committed; a slow poll backs it up while notifications are lost."""

    def __init__(self, dsn: str, *, process: str, poll: timedelta = timedelta(seconds=1)) -> None:
        self._news = asyncio.Event()
        self._poll = poll
        self._listener = Listener(dsn, [CHANNEL], self._hear, process=process)

    def _hear(self, _channel: str, _payload: str) -> None:
        self._news.set()

    async def __aenter__(self) -> Self:
        await self._listener.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._listener.__aexit__(kind, error, trace)

    async def wait(self, stop: asyncio.Event) -> None:
        """Return at the next commit of ingest, after the poll interval, or when `stop` is set."""
        waits = [asyncio.ensure_future(self._news.wait()), asyncio.ensure_future(stop.wait())]
        try:
            await asyncio.wait(waits, timeout=self._poll.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
        self._news.clear()
