"""Writes one batch in one transaction: rows, tail, rejects, account, clocks. Committed means acknowledged next."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import asyncpg

from citywatch.errors import StoreError
from devices.model import QualityFlag, QualityTest
from devices.registry import ensure_datastreams
from ingest import rejected
from ingest.account import Tally
from ingest.batch import Batch
from ingest.clocks import ClockFault
from ingest.delivery_keys import forget_keys, take_keys
from ingest.model import Accepted, Outcome, Revision, Row
from ingest.quality.flags import roll_up
from sql.connection import Connection, Pool, Record
from sql.engine import EPOCH, WEEK, Engine
from sql.observations import count_deliveries, revise_rows, store_observations
from sql.queries import query
from sql.retry import PASSING

_CONFLICT = int(QualityTest.CONFLICT)
Clocks = Mapping[str, datetime]


class PoisonError(StoreError):
    """The database refuses something in this batch, and always will."""


class AwayError(StoreError):
    """The store cannot be written now; the same batch may be tried again."""


# What stands in a message, not in the server's state: values (22), constraints (23), or refused by the driver already.
_POISON = (
    asyncpg.DataError,
    asyncpg.exceptions.DataError,
    asyncpg.IntegrityConstraintViolationError,
)
AWAY: tuple[type[Exception], ...] = (*PASSING, TimeoutError, asyncpg.PostgresError)


class Store:
    """One worker's way into the store."""

    def __init__(
        self, pool: Pool, engine: Engine, *, slot: int, patience: timedelta, takes_deliveries: bool = True
    ) -> None:
        """`patience` bounds one whole write, so that a server that hangs does not hold a batch for ever.

        Who takes no deliveries from a broker has a slot for its delivery keys, and is no worker that could be missed.
        """
        self._pool = pool
        self._engine = engine
        self._slot = slot
        self._worker = slot if takes_deliveries else None
        self._patience = patience.total_seconds()
        self._weeks: set[int] = set()
        # A batch whose commit was under way when the connection went: its transaction, what it did, and its new rows.
        self._doubt: tuple[Batch, str, Outcome, Sequence[Row]] | None = None

    async def write(self, batch: Batch, devices: Mapping[str, object], clocks: Clocks) -> Outcome:
        """Write `batch` and return what it did; raises PoisonError or AwayError, nothing written in either case."""
        try:
            async with self._pool.acquire(timeout=self._patience) as connection:
                # A server that hangs answers no cancel request either: the connection is cut.
                alarm = asyncio.get_running_loop().call_later(self._patience, connection.terminate)
                try:
                    settled = await self._settle(connection, batch)
                    return settled or await self._write_twice(connection, batch, devices, clocks)
                finally:
                    alarm.cancel()
        except _POISON as error:
            raise PoisonError(f"{type(error).__name__}: {error}") from error
        except AWAY as error:
            raise AwayError(f"{type(error).__name__}: {error}") from error

    async def _write_twice(
        self, connection: Connection, batch: Batch, devices: Mapping[str, object], clocks: Clocks
    ) -> Outcome:
        try:
            return await self._write(connection, batch, devices, clocks)
        except asyncpg.CheckViolationError:
            # Perhaps a partition that we made has been dropped since: once more, making it again.
            self._weeks.clear()
            return await self._write(connection, batch, devices, clocks)

    async def _settle(self, connection: Connection, batch: Batch) -> Outcome | None:
        """Return the outcome of a batch whose commit did happen although its connection was lost.

        Its transaction's id says so only until the server crashes: an id that had not reached the disk is then given
        to another transaction. So a row of the batch must be there. One that had none is written again, and counts
        as a redelivery.
        """
        if self._doubt is None or self._doubt[0] is not batch:
            return None
        _, transaction_id, outcome, rows = self._doubt
        status = await connection.fetchval(query("ingest", "transaction_status"), transaction_id)
        if status == "in progress":
            raise AwayError(f"transaction {transaction_id} is still in progress")
        committed = status == "committed" and bool(rows)
        if committed:
            row = rows[0]
            key = (row.channel.datastream_id, row.phenomenon_time, row.received_at)
            committed = await connection.fetchval(query("ingest", "is_stored"), *key)
        self._doubt = None
        return outcome if committed else None

    async def _write(
        self, connection: Connection, batch: Batch, devices: Mapping[str, object], clocks: Clocks
    ) -> Outcome:
        rows = batch.rows
        await self._name_datastreams(connection, rows)
        await self._make_room(connection, rows)
        async with connection.transaction():
            repeated = await take_keys(connection, batch, self._slot)
            if repeated:
                first = (v for v in batch.verdicts if isinstance(v, Accepted) and v not in repeated)
                rows = [row for verdict in first for row in verdict.rows]
            turned_away = rejected.columns(batch.verdicts)
            if turned_away is not None:
                await connection.execute(query("ingest", "keep_rejected"), *turned_away)
            if clocks:
                await connection.execute(query("ingest", "advance_clocks"), list(clocks), list(clocks.values()))
            # From here to the commit the tail's lock is held: only what depends on it comes after.
            kept = await self._insert(connection, rows, clocks, batch.lagging)
            tally = Tally()
            new = None if len(kept) == len(rows) and not repeated else set(kept)
            for verdict in batch.verdicts:
                stored = 0
                if isinstance(verdict, Accepted):
                    stored = len(verdict.rows) if new is None else sum(row in new for row in verdict.rows)
                tally.count(verdict, stored, devices)
            transaction_id = await count_deliveries(connection, *tally.columns())
            await self._append_change(connection, await self._revise(connection, batch.revisions))
            await self._append_change(connection, await self._mark_conflicts(connection, rows, kept))
            self._doubt = (batch, transaction_id, tally.outcome, kept)
        self._doubt = None
        return tally.outcome

    async def _name_datastreams(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Give an id to every channel that has none yet."""
        nameless = {row.channel for row in rows if row.channel.datastream_id is None}
        if not nameless:
            return
        wanted = {(channel.device_id, channel.property, channel.unit) for channel in nameless}
        found = await ensure_datastreams(connection, wanted)
        for channel in nameless:
            channel.datastream_id = found.get((channel.device_id, channel.property))
            if channel.datastream_id is None:
                raise PoisonError(f"device {channel.device_id} is no longer in the registry")

    async def _make_room(self, connection: Connection, rows: Sequence[Row]) -> None:
        if not rows:
            return
        times = [row.phenomenon_time for row in rows]
        # Nearly always all of them lie in this week: then two comparisons a row are enough.
        weeks = {(time - EPOCH) // WEEK for time in (min(times), max(times))}
        if max(weeks) - min(weeks) > 1:
            weeks = {(time - EPOCH) // WEEK for time in times}
        weeks -= self._weeks
        if weeks:
            await self._engine.ensure(connection, [EPOCH + week * WEEK for week in weeks])
            self._weeks |= weeks

    async def _insert(
        self, connection: Connection, rows: Sequence[Row], clocks: Clocks, lagging: bool
    ) -> Sequence[Row]:
        """Insert the rows and their tail; return those that were new."""
        if not rows and not clocks:
            return rows
        found = await store_observations(
            connection,
            datastreams=[row.channel.datastream_id for row in rows],
            times=[row.phenomenon_time for row in rows],
            received=[row.received_at for row in rows],
            results=[row.result for row in rows],
            quality=[row.quality for row in rows],
            tests=[row.tests for row in rows],
            clocks=clocks,
            worker=self._worker,
            lagging=lagging,
        )
        if found["stored"] == len(rows):
            return rows
        new = set(zip(found["datastream_id"] or (), found["phenomenon_time"] or (), strict=True))
        fresh = []
        for row in rows:
            key = (row.channel.datastream_id, row.phenomenon_time)
            if key in new:
                new.discard(key)
                fresh.append(row)
        return fresh

    async def _revise(self, connection: Connection, revisions: Sequence[Revision]) -> list[Record]:
        """Write later verdicts on earlier rows; return those that changed."""
        known = [revision for revision in revisions if revision.row.channel.datastream_id is not None]
        if not known:
            return []
        return await revise_rows(
            connection,
            query("ingest", "revise_observations"),
            [revision.row.channel.datastream_id for revision in known],
            [revision.row.phenomenon_time for revision in known],
            [revision.old_quality for revision in known],
            [revision.row.quality for revision in known],
            [revision.row.tests for revision in known],
        )

    async def _mark_conflicts(self, connection: Connection, rows: Sequence[Row], fresh: Sequence[Row]) -> list[Record]:
        """Mark what was there already with another result: the first is kept, and is in doubt from now on."""
        if len(rows) == len(fresh):
            return []
        new = set(fresh)
        repeated = [row for row in rows if row not in new]
        found = await connection.fetch(
            query("ingest", "find_conflicts"),
            [row.channel.datastream_id for row in repeated],
            [row.phenomenon_time for row in repeated],
            [row.result for row in repeated],
            _CONFLICT,
        )
        if not found:
            return []
        old = [QualityFlag(row["quality"]) for row in found]
        return await revise_rows(
            connection,
            query("ingest", "revise_observations"),
            [row["datastream_id"] for row in found],
            [row["phenomenon_time"] for row in found],
            old,
            # A missing value stays missing: it has no result that could be in doubt.
            [flag if flag is QualityFlag.MISSING else roll_up((flag, QualityFlag.SUSPECT)) for flag in old],
            [_CONFLICT] * len(found),
        )

    async def _append_change(self, connection: Connection, rows: Sequence[Record]) -> None:
        changed = [row for row in rows if row["quality"] != row["old_quality"]]
        if changed:
            names = ("datastream_id", "phenomenon_time", "received_at", "result", "quality", "old_quality")
            await connection.fetchrow(
                query("ingest", "append_revision"), *([row[name] for row in changed] for name in names)
            )

    async def last_delivery(self) -> datetime | None:
        """Return the newest arrival of a keyed message that this slot has committed; raises AwayError."""
        try:
            found: datetime | None = await self._pool.fetchval(query("ingest", "last_delivery"), self._slot)
        except AWAY as error:
            raise AwayError(f"{type(error).__name__}: {error}") from error
        return found

    async def corrected_clocks(self) -> dict[str, timedelta]:
        """Return the devices whose times are corrected, and by how much; raises AwayError."""
        try:
            rows = await self._pool.fetch(query("ingest", "corrected_clocks"))
        except AWAY as error:
            raise AwayError(f"{type(error).__name__}: {error}") from error
        return {row["device_id"]: timedelta(seconds=row["offset_seconds"]) for row in rows}

    async def record_clocks(self, faults: Sequence[ClockFault], now: datetime) -> None:
        """Write down which clocks are wrong by a constant; raises AwayError."""
        columns = (
            [fault.device_id for fault in faults],
            [fault.kind for fault in faults],
            [fault.offset.total_seconds() for fault in faults],
            [fault.corrected for fault in faults],
        )
        try:
            await self._pool.execute(query("ingest", "record_clocks"), *columns, now)
        except AWAY as error:
            raise AwayError(f"{type(error).__name__}: {error}") from error

    async def record_floods(self, columns: Sequence[Sequence[object]]) -> None:
        """Write down which devices flood; raises AwayError."""
        try:
            await self._pool.execute(query("ingest", "record_floods"), *columns)
        except AWAY as error:
            raise AwayError(f"{type(error).__name__}: {error}") from error

    async def say_present(self) -> None:
        """Write that this worker is there and has nothing to write; raises AwayError."""
        try:
            await self._pool.execute(query("ingest", "say_present"), self._slot)
        except AWAY as error:
            raise AwayError(f"{type(error).__name__}: {error}") from error

    async def forget_deliveries(self, before: datetime) -> None:
        """Drop delivery keys older than any redelivery; raises AwayError."""
        try:
            await forget_keys(self._pool, self._slot, before)
        except AWAY as error:
            raise AwayError(f"{type(error).__name__}: {error}") from error
