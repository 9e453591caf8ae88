"""The parts of the city that one rules process judges: taken, worked on, given back, and divided anew."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from citywatch.metrics import PART_HELD, note_step
from citywatch.telemetry import get_logger
from devices.share import Share
from rules.checkpoint import CONSUMER, replace_division
from rules.division import redivide
from rules.store import load_city, load_rules
from rules.worker import Worker
from sql.connection import Connection
from sql.leases import Leases, lock_positions

LOOK_EVERY = timedelta(seconds=1)  # how often a process looks whether others have come or gone

log = get_logger()


class Parts:
    """What this process holds of a city in `parts` parts; `make` makes the worker of a share."""

    def __init__(self, connection: Connection, parts: int, make: Callable[[Share], Worker]) -> None:
        self._connection = connection
        self._leases = Leases(connection, CONSUMER, parts)
        self._parts = parts
        self._make = make
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
                log.warning("rules_wait_for_other_division", parts=stored, wanted=self._parts)
            return
        taken, surplus = await self._leases.balance()
        if taken and await self._leases.stored_parts() != self._parts:  # somebody divided it anew in this moment
            surplus = list(self._leases.held)
        for part in surplus:
            await self._give_back(part, now)
        fresh = [part for part in self._leases.held if part not in self._workers]
        for part in fresh:
            self._workers[part] = self._make(Share(part, self._parts))
            PART_HELD.labels(CONSUMER, part).set(1)
        if fresh:
            self._waits_for = ""
            log.info("rules_parts_taken", taken=fresh, held=self.held, parts=self._parts)
        elif not self._workers and self._begins_to_wait("process"):
            log.warning("rules_wait_for_other_process")

    async def work(self, now: Callable[[], datetime], stop: asyncio.Event) -> int:
        """Let each part take one step; return how many rows it was."""
        count = 0
        for worker in self._workers.values():
            if stop.is_set():
                break
            began = time.perf_counter()
            rows = await worker.work(now())
            if rows:
                note_step(worker.consumer, rows, time.perf_counter() - began)
            count += rows
        return count

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
            PART_HELD.remove(CONSUMER, part)
        await self._leases.give_back(part)
        log.info("rules_part_given_back", part=part, held=self.held, parts=self._parts)

    async def _divide(self, former: int) -> bool:
        """Divide the city that was in `former` parts anew; return False where somebody is still at work on those."""
        if not await self._leases.take_all(former):
            return False
        stored = await self._leases.stored_parts()  # nobody else can change it now, but somebody may just have
        if stored == former:
            await self._divide_anew(former)
        await self._leases.divided()
        if stored in (former, self._parts):
            return True
        for part in list(self._leases.held):
            await self._leases.give_back(part)
        return False

    async def _divide_anew(self, former: int) -> None:
        async with self._connection.transaction():
            end = max(await lock_positions(self._connection, CONSUMER, former))
        # Telling what they have to tell on the way.
        judges = [await self._make(Share(number, former)).work_to(end) for number in range(former)]
        async with self._connection.transaction():
            rules, cities = await load_rules(self._connection), []
            for number in range(self._parts):
                cities.append(await load_city(self._connection))
                cities[-1].assign(rules, Share(number, self._parts))
            areas = {key for city in cities for key, each in city.subjects.items() if each.area is not None}
            await replace_division(self._connection, end, judges[0].clocks, redivide(judges, cities), areas)
        log.info("rules_divided", former=former, parts=self._parts, position=end)
