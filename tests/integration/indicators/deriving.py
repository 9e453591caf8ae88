"""A store with a fold and an indicators worker that are stepped by hand, and what they made of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from indicators.record import Written
from indicators.worker import Worker
from sql.connection import Connection, Pool
from sql.engine import detect_engine
from sql.fold import ROLLUPS, fold_once
from tests.integration.storing import Row, make_room, recount, revise, stored_rows, write

DAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


class City:
    """One connection for fold and worker in turn."""

    def __init__(self, pool: Pool, connection: Connection, worker: Worker) -> None:
        self.pool, self.connection, self.worker = pool, connection, worker

    @classmethod
    async def open(cls, pool: Pool, connection: Connection) -> "City":
        return cls(pool, connection, Worker(connection, await detect_engine(connection)))

    async def restart(self) -> None:
        """Go on with a worker that remembers nothing."""
        self.worker = Worker(self.connection, await detect_engine(self.connection))

    async def add(
        self, device_id: str, properties: Sequence[str], interval: timedelta = 5 * MINUTE, source_id: str = "live"
    ) -> dict[str, int]:
        await self.pool.execute(
            "INSERT INTO source (source_id, kind) VALUES ($1, 'replay') ON CONFLICT DO NOTHING", source_id
        )
        await self.pool.execute(
            "INSERT INTO device (device_id, profile, domain, source_id, expected_interval)"
            " VALUES ($1, 'citywatch/native', 'air', $2, $3)",
            device_id,
            source_id,
            interval,
        )
        return {
            name: await self.pool.fetchval(
                "INSERT INTO datastream (device_id, property, unit) VALUES ($1, $2, '1') RETURNING datastream_id",
                device_id,
                name,
            )
            for name in properties
        }

    async def report(self, rows: Sequence[Row], now: datetime, clocks: dict[str, datetime] | None = None) -> None:
        """Store rows as ingest does; `clocks` are those of replay sources after them."""
        await make_room(self.pool, [row.phenomenon_time for row in rows])
        async with self.connection.transaction():
            await write(self.connection, rows, now)
            if clocks:
                stated = {name: clock.isoformat() for name, clock in clocks.items()}
                await self.connection.execute(
                    "UPDATE ingest_batch SET clocks = $1 WHERE seq = (SELECT max(seq) FROM ingest_batch)", stated
                )

    async def correct(self, rows: Sequence[Row], now: datetime) -> None:
        async with self.connection.transaction():
            await revise(self.connection, rows, now)

    async def settle(self, now: datetime) -> Written:
        """Fold and derive until nothing is left at `now`; return what was written."""
        new = revised = 0
        while True:
            folded = await fold_once(self.connection)
            done = await self.worker.step(now)
            new, revised = new + done.written.new, revised + done.written.revised
            if done.idle and not folded:
                return Written(new, revised)

    async def derived(self, device_id: str, name: str) -> dict[datetime, float | None]:
        rows = await self.pool.fetch(
            "SELECT phenomenon_time, result FROM observation JOIN datastream USING (datastream_id)"
            " WHERE device_id = $1 AND property = $2 AND method IS NOT NULL ORDER BY phenomenon_time",
            device_id,
            name,
        )
        return {row["phenomenon_time"]: row["result"] for row in rows}

    async def everything(self) -> dict[tuple[int, datetime], tuple[float | None, int]]:
        """Return every derived observation."""
        rows = await self.pool.fetch(
            "SELECT datastream_id, phenomenon_time, result, quality FROM observation JOIN datastream"
            " USING (datastream_id) WHERE method IS NOT NULL"
        )
        return {(r["datastream_id"], r["phenomenon_time"]): (r["result"], r["quality"]) for r in rows}

    async def check_rollups(self) -> None:
        """Compare every rollup with a count of the rows themselves, derived ones included."""
        rows = await stored_rows(self.pool)
        for table, width in ROLLUPS.items():
            wanted = recount(rows, width, set())
            found = {
                (r["datastream_id"], r["bucket"]): dict(r) for r in await self.pool.fetch(f"SELECT * FROM {table}")
            }
            assert found.keys() == wanted.keys(), table
            for key, want in wanted.items():
                for column in ("n", "n_good", "n_all", "min", "max", "last", "last_time"):
                    assert found[key][column] == want[column], (table, key, column)
                assert abs(found[key]["sum"] - want["sum"]) < 1e-6, (table, key)
