"""The parts of the city that one process of a divided consumer works on: taken, given back, and divided anew."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

from citywatch.metrics import PART_HELD
from citywatch.telemetry import get_logger
from sql.connection import Connection
from sql.leases import Leases
from sql.share import Share

LOOK_EVERY = timedelta(seconds=1)  # how often a process looks whether others have come or gone

log = get_logger()


class Worker(Protocol):
    """Works on one share of the city."""

    def registry_changed(self) -> None:
        """Have devices and what concerns them read again before the next rows."""

    async def work(self, now: datetime) -> int:
        """Take one step, and note it; return zero where nothing is left that could be done at once."""

    async def checkpoint(self, now: datetime) -> None:
        """Keep what is known, so that whoever comes next has nothing to go over again."""


class Parts:
    """What this process holds of a city in `parts` parts.

    `make` makes the worker of a share. `divide` divides a city anew that was in so many parts before, in one
    transaction: from where each part begins to the number itself. Nobody else is at work then.
    """

    def __init__(
        self,
        connection: Connection,
        consumer: str,
        parts: int,
        make: Callable[[Share], Worker],
        divide: Callable[[int], Awaitable[None]],
    ) -> None:
        self._leases = Leases(connection, consumer, parts)
        self._consumer = consumer
        self._parts = parts
        self._make = make
        self._divide_anew = divide
        self._workers: dict[int, Worker] = {}
        self._looked_at = float("-inf")
        self._waits_for = ""

    @property
    def held(self) -> list[int]:
        """Return the numbers of the parts that this process works on."""
        return list(self._workers)

    def registry_changed(self) -> None:
        """Have devices and rules read again before the next batch."""
        for worker in self._workers.values():
            worker.registry_changed()

    async def arrive(self) -> None:
        """Be counted among those who share the parts."""
        PART_HELD.clear()
        await self._leases.arrive()

    async def look(self, now: datetime) -> None:
        """Take what is free, give back what is another's fair share, divide the city anew where it was otherwise."""
        if self._workers and (self._parts == 1 or time.monotonic() - self._looked_at < LOOK_EVERY.total_seconds()):
            return
        self._looked_at = time.monotonic()
        stored = await self._leases.stored_parts()
        if stored != self._parts and not await self._divide(stored):
            if self._begins_to_wait("division"):
                log.warning("parts_wait_for_division", consumer=self._consumer, parts=stored, wanted=self._parts)
            return
        taken, surplus = await self._leases.balance()
        if taken and await self._leases.stored_parts() != self._parts:  # somebody divided it anew in this moment
            surplus = list(self._leases.held)
        for part in surplus:
            await self._give_back(part, now)
        fresh = [part for part in self._leases.held if part not in self._workers]
        for part in fresh:
            self._workers[part] = self._make(Share(part, self._parts))
            PART_HELD.labels(self._consumer, part).set(1)
        if fresh:
            self._waits_for = ""
            log.info("parts_taken", consumer=self._consumer, taken=fresh, held=self.held, parts=self._parts)
        elif not self._workers and self._begins_to_wait("process"):
            log.warning("parts_wait_for_process", consumer=self._consumer)

    async def work(self, now: Callable[[], datetime], stop: asyncio.Event) -> int:
        """Let each part take one step; return zero where nothing is left that could be done at once."""
        return sum([await worker.work(now()) for worker in self._workers.values() if not stop.is_set()])

    async def checkpoint(self, now: datetime) -> None:
        """Keep what is known, so that whoever comes next has nothing to go over again."""
        for worker in self._workers.values():
            await worker.checkpoint(now)

    def _begins_to_wait(self, other: str) -> bool:
        before, self._waits_for = self._waits_for, other
        return other != before

    async def _give_back(self, part: int, now: datetime) -> None:
        worker = self._workers.pop(part, None)
        if worker is not None:
            await worker.checkpoint(now)
            PART_HELD.remove(self._consumer, part)
        await self._leases.give_back(part)
        log.info("part_given_back", consumer=self._consumer, part=part, held=self.held, parts=self._parts)

    async def _divide(self, former: int) -> bool:
        """Divide the city that was in `former` parts anew; return False where somebody is still at work on those."""
        if not await self._leases.take_all(former):
            return False
        stored = await self._leases.stored_parts()  # nobody else can change it now, but somebody may just have
        if stored == former:
            await self._divide_anew(former)
            log.info("parts_divided", consumer=self._consumer, former=former, parts=self._parts)
        await self._leases.divided()
        if stored in (former, self._parts):
            return True
        for part in list(self._leases.held):
            await self._leases.give_back(part)
        return False
