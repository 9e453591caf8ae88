"""Readings to what they mean.

Each row of the tail marks the periods it touches as due, in the transaction that saves the position. Once a source's
clock has passed a period's end and its grace, the values are worked out from the fold's rollups and written as
observations, with their rows in the tail, in the transaction that strikes the period off. So a restart repeats and
forgets nothing, and a late reading has exactly the periods it touches worked out again: a value that changes is a
revision.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from citywatch.metrics import note_step
from citywatch.telemetry import get_logger
from indicators.calculations import by_due, in_force
from indicators.derived import Kind, methods
from indicators.dues import Due
from indicators.record import Recorder, Written
from indicators.touches import Input, Touches
from indicators.usual_hour import Calendar
from indicators.windows import Windows
from sql.connection import Connection, Record
from sql.engine import Engine
from sql.queries import query
from sql.share import WHOLE, Share
from sql.tail import lock_position, part_name, save_position

CONSUMER = "indicators"
ROWS = 50_000  # of the tail in one step
DUES = 500  # periods worked out in one step

log = get_logger()


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did: rows of the tail taken, periods worked out, values written."""

    rows: int
    periods: int
    written: Written

    @property
    def idle(self) -> bool:
        """Return whether nothing was left to do."""
        return not self.rows and not self.periods


class Worker:
    """Derives for one share of the city on one connection.

    `position` is None until the periods that wait have been read.
    """

    def __init__(
        self, connection: Connection, engine: Engine, calendar: Calendar | None = None, share: Share = WHOLE
    ) -> None:
        self.consumer = part_name(CONSUMER, share.number)
        self._connection = connection
        self._share = share
        self._engine = engine
        self._windows = Windows(connection, calendar or Calendar())
        self._recorder = Recorder(connection, methods())
        self._touches = Touches()
        self._position: int | None = None
        self._known: set[int] = set()
        self._live_now = datetime.min.replace(tzinfo=UTC)
        self._stale = True

    def registry_changed(self) -> None:
        """Have devices and datastreams read again before the next rows."""
        self._stale = True

    async def work(self, now: datetime) -> int:
        """Take one step; return zero where nothing is left that could be done at once."""
        began = time.perf_counter()
        done = await self.step(now)
        if not done.idle:
            note_step(self.consumer, done.rows, time.perf_counter() - began)
        return done.periods + (done.rows if done.rows >= ROWS else 0)

    async def checkpoint(self, now: datetime) -> None:
        """Do nothing: whatever is known is in the store."""

    async def step(self, now: datetime) -> Step:
        """Take rows from the tail, then work out what is complete; `now` is the wall clock.

        Whatever fails, the next call starts from what is committed.
        """
        try:
            rows = await self._take(now)
            periods, written = await self.work_out(self._live_now, now)
        except BaseException:
            self._position = None
            self._recorder.forget()
            self._windows.forget()
            raise
        return Step(rows, periods, written)

    async def _take(self, now: datetime) -> int:
        """Mark what the next rows touch; return how many rows it was."""
        async with self._connection.transaction():
            position = await lock_position(self._connection, self.consumer)
            if position != self._position:
                waiting = await self._connection.fetch(
                    query("indicators", "pending_due"), self._share.number, self._share.of
                )
                self._touches.waiting = {(row["device_id"], row["kind"], row["due_at"]) for row in waiting}
                self._stale = True
            batches = await self._connection.fetch(query("indicators", "touched_rows"), position, ROWS)
            if batches:
                await self._mark(batches, now)
                position = batches[-1]["seq"]
                await save_position(self._connection, self.consumer, position)
            waits = await self._connection.fetchval(query("indicators", "tail_waits"), position)
        self._position = position
        # With rows still waiting, a live source is as far as the newest row taken: its hours close in the tail's order.
        if not waits:
            self._live_now = now
        elif batches:
            self._live_now = batches[-1]["at"]
        return sum(len(batch["datastream_id"]) for batch in batches)

    async def _mark(self, batches: Sequence[Record], now: datetime) -> None:
        rows = [row for batch in batches for row in zip(batch["datastream_id"], batch["phenomenon_time"], strict=True)]
        if self._stale or any(datastream_id not in self._known for datastream_id, _ in rows):
            await self._reload()
        fresh = self._touches.fresh(rows, now)
        if fresh:
            devices, kinds, ends = (list(part) for part in zip(*fresh, strict=True))
            await self._connection.execute(query("indicators", "add_due"), devices, kinds, ends, list(fresh.values()))
            self._touches.waiting |= fresh.keys()
        clocks: dict[str, datetime] = {}
        for batch in batches:
            clocks.update({name: datetime.fromisoformat(text) for name, text in batch["clocks"].items()})
        if clocks:
            await self._connection.execute(
                query("indicators", "advance_indicator_clocks"),
                list(clocks),
                list(clocks.values()),
                self._share.number,
            )

    async def _reload(self) -> None:
        rows = await self._connection.fetch(query("indicators", "all_streams"))
        self._known = {row["datastream_id"] for row in rows}
        calculations = await in_force(self._connection)
        self._windows.calculate(by_due(calculations))
        asked: defaultdict[int, set[tuple[str, Kind]]] = defaultdict(set)
        for each in calculations:
            for datastream_id in each.inputs.values():
                asked[datastream_id].add((each.device_id, each.kind))
        # What is derived goes into users' formulas alone, and those into none: nothing is derived for ever from itself.
        inputs = {
            row["datastream_id"]: Input(tuple(others), row["expected_interval"])
            if row["derived"]
            else Input.of(
                row["device_id"],
                row["property"],
                row["expected_interval"],
                row["watched"],
                row["downstream"],
                others,
                live=row["live"],
            )
            for row in rows
            if (others := sorted(asked[row["datastream_id"]])) or not row["derived"]
        }
        self._touches.inputs = {key: own for key, each in inputs.items() if (own := each.within(self._share)).targets}
        self._recorder.forget()
        self._stale = False

    async def work_out(self, live_now: datetime, now: datetime, most: int = DUES) -> tuple[int, Written]:
        """Work out what is complete, at most so many periods; return how many, and what was written."""
        rows = await self._connection.fetch(
            query("indicators", "complete_due"), live_now, most, self._share.number, self._share.of
        )
        if not rows:
            return 0, Written(0, 0)
        dues = [Due(row["device_id"], Kind(row["kind"]), row["due_at"], row["expected_interval"]) for row in rows]
        # Room is made outside the transaction that writes into it.
        await self._engine.ensure(self._connection, [due.due_at for due in dues])
        keys = [(due.device_id, str(due.kind), due.due_at) for due in dues]
        async with self._connection.transaction():
            await lock_position(self._connection, self.consumer)
            found = await self._windows.derive(dues)
            await self._connection.execute(
                query("indicators", "remove_due"), *(list(part) for part in zip(*keys, strict=True))
            )
            await self._recorder.name(found)
            written = await self._recorder.write(found, now)
        self._touches.waiting.difference_update(keys)
        log.debug("indicators_derived", periods=len(dues), new=written.new, revised=written.revised)
        return len(dues), written
