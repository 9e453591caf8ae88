"""How the store is: size, bytes per row, oldest and newest, lag, what is packed, what was deleted."""

from dataclasses import dataclass
from datetime import datetime

from citywatch.settings import Settings
from sql.care import Disk, measure_disk, rows_of
from sql.connection import Pool
from sql.engine import Chunk, detect_engine
from sql.queries import query
from sql.read import TailLag, read_tail_lag
from sql.retention import Deletion

REPORTED = 20


@dataclass(frozen=True, slots=True)
class StoredWeek:
    """One chunk of observations and the rows the fold has counted in it."""

    chunk: Chunk
    rows: int


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What `citywatch store status` shows; sizes in bytes."""

    engine: str
    server: str
    disk: Disk
    weeks: list[StoredWeek]
    oldest: datetime | None
    newest: datetime | None
    tables: dict[str, int]
    lag: list[TailLag]
    deletions: list[tuple[datetime, Deletion]]

    @property
    def rows(self) -> int:
        """Return the stored observations."""
        return sum(week.rows for week in self.weeks)

    @property
    def bytes_per_row(self) -> float | None:
        """Return what one observation takes, indexes included; None where there is none."""
        return _per_row(self.weeks)

    @property
    def packed_bytes_per_row(self) -> float | None:
        """Return what one observation of a packed week takes."""
        return _per_row([week for week in self.weeks if week.chunk.packed])

    @property
    def packed_share(self) -> float | None:
        """Return the share of observations that lie in packed weeks."""
        packed = sum(week.rows for week in self.weeks if week.chunk.packed)
        return packed / self.rows if self.rows else None


def _per_row(weeks: list[StoredWeek]) -> float | None:
    rows = sum(week.rows for week in weeks)
    return sum(week.chunk.bytes for week in weeks if week.rows) / rows if rows else None


async def read_store_status(pool: Pool, settings: Settings) -> StoreStatus:
    """Return how the store is; looks at no raw row."""
    async with pool.acquire() as connection:
        engine = await detect_engine(connection)
        chunks = await engine.chunks(connection)
        rows = await rows_of(connection, chunks)
        times = await connection.fetchrow(query("care", "time_range"))
        assert times is not None
        return StoreStatus(
            engine.name,
            str(await connection.fetchval("SHOW server_version")),
            await measure_disk(connection, settings),
            [StoredWeek(chunk, rows[chunk.name]) for chunk in chunks],
            times["oldest"],
            times["newest"],
            {row["name"]: row["bytes"] for row in await connection.fetch(query("care", "table_sizes"))},
            await read_tail_lag(connection),
            [
                (row["at"], Deletion(row["class"], row["reason"], row["before"], row["rows"], row["bytes"]))
                for row in await connection.fetch(query("care", "deletions"), REPORTED)
            ],
        )
