"""What differs between plain PostgreSQL and TimescaleDB, in one object and nowhere else.

Both keep a week of observations in a chunk of its own: a native partition here, a hypertable's chunk there. A chunk
that is complete is packed (`pack`): rows of one datastream lie together, on TimescaleDB compressed. Late rows may be
written into it at any time; it is packed again when they have become many.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import asyncpg

from citywatch.errors import StoreError
from sql.connection import Connection
from sql.queries import query

WEEK = timedelta(days=7)
EPOCH = datetime(1970, 1, 5, tzinfo=UTC)  # a Monday
LOCK = 7_228_004


def week_of(time: datetime) -> datetime:
    """Return the Monday 00:00 UTC that starts the week of `time`."""
    return EPOCH + (time - EPOCH) // WEEK * WEEK


@dataclass(frozen=True, slots=True)
class Chunk:
    """The observations of one week, as they lie on disk: [start, end), size in bytes with indexes."""

    name: str
    start: datetime
    end: datetime
    bytes: int
    packed: bool


class Engine(Protocol):
    """How observations are laid out on disk."""

    name: str

    async def prepare(self, connection: Connection) -> None:
        """Provide what migrations may use, before the first of them."""

    async def create(self, connection: Connection) -> None:
        """Lay out the observation table as soon as it is there, while it is empty; nothing to do later."""

    async def ensure(self, connection: Connection, times: Iterable[datetime]) -> None:
        """Make room for rows at `times`, outside any transaction that writes them."""

    async def chunks(self, connection: Connection) -> list[Chunk]:
        """Return the weeks there are, oldest first."""

    async def pack(self, connection: Connection, chunk: Chunk) -> None:
        """Order a chunk by datastream and time, compressed where the engine can; raises what a lock's wait raises."""

    async def drop(self, connection: Connection, chunk: Chunk) -> None:
        """Remove a chunk with its rows; raises what a lock's wait raises."""


@dataclass(slots=True)
class PlainEngine:
    """Native partitions, one a week, made when a row for that week is about to be written."""

    name: str = "plain"

    async def prepare(self, connection: Connection) -> None:
        """Give plain PostgreSQL the `time_bucket` that TimescaleDB has."""
        await connection.execute(
            "CREATE OR REPLACE FUNCTION time_bucket(width interval, at timestamptz) RETURNS timestamptz"
            " LANGUAGE sql IMMUTABLE PARALLEL SAFE AS"
            " $$ SELECT date_bin(width, at, timestamptz '2000-01-03 00:00:00+00') $$"
        )

    async def create(self, connection: Connection) -> None:
        """Nothing to do: the migration makes the partitioned table."""

    async def ensure(self, connection: Connection, times: Iterable[datetime]) -> None:
        """Create the weekly partitions that `times` fall in; several starters may do so at once."""
        for start in sorted({week_of(time) for time in times}):
            name = f"observation_{start:%Y_%m_%d}"
            if await connection.fetchval("SELECT to_regclass($1)", name):
                continue
            async with connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
                # Asked of the table itself: to_regclass answers from a cache that waiting for the lock did not refresh.
                if await connection.fetchval("SELECT 1 FROM pg_class WHERE relname = $1", name):
                    continue
                # Made apart and then attached: ATTACH does not block readers and writers, PARTITION OF does.
                bounds = f"('{start.isoformat()}') TO ('{(start + WEEK).isoformat()}')"
                await connection.execute(
                    f"CREATE TABLE {name} (LIKE observation INCLUDING ALL);"
                    f"ALTER TABLE observation ATTACH PARTITION {name} FOR VALUES FROM {bounds}"
                )

    async def chunks(self, connection: Connection) -> list[Chunk]:
        """Return the partitions; one is packed once it was clustered and as long as its rows lie in that order."""
        found = []
        for row in await connection.fetch(query("plain", "partitions")):
            start = datetime.strptime(row["name"], "observation_%Y_%m_%d").replace(tzinfo=UTC)
            found.append(Chunk(row["name"], start, start + WEEK, row["bytes"], row["packed"]))
        return found

    async def pack(self, connection: Connection, chunk: Chunk) -> None:
        """Cluster the partition along its key: whoever wants this one week waits meanwhile, nobody else does."""
        await connection.execute(f"CLUSTER {chunk.name} USING {chunk.name}_pkey")
        await connection.execute(f"ANALYZE {chunk.name}")

    async def drop(self, connection: Connection, chunk: Chunk) -> None:
        """Drop the partition."""
        await connection.execute(f"DROP TABLE {chunk.name}")


@dataclass(slots=True)
class TimescaleEngine:
    """A hypertable; chunks come by themselves."""

    name: str = "timescale"

    async def prepare(self, connection: Connection) -> None:
        """Nothing to do: the extension brings `time_bucket`."""

    async def create(self, connection: Connection) -> None:
        """Turn the empty partitioned table into a hypertable that may be compressed."""
        if await _layout(connection) != b"p":
            return
        async with connection.transaction():
            await connection.execute(
                "CREATE TABLE observation_plain (LIKE observation INCLUDING ALL);"
                "DROP TABLE observation;"
                "ALTER TABLE observation_plain RENAME TO observation;"
                "SELECT create_hypertable('observation', by_range('phenomenon_time', interval '7 days'),"
                " create_default_indexes => false);"
                "ALTER TABLE observation SET (timescaledb.compress, timescaledb.compress_segmentby = 'datastream_id',"
                " timescaledb.compress_orderby = 'phenomenon_time')"
            )

    async def ensure(self, connection: Connection, times: Iterable[datetime]) -> None:
        """Nothing to do: chunks are created by the insert."""

    async def chunks(self, connection: Connection) -> list[Chunk]:
        """Return the chunks; one is packed when it is compressed and holds no rows beside."""
        rows = await connection.fetch(query("timescale", "chunks"))
        return [Chunk(**row) for row in rows]

    async def pack(self, connection: Connection, chunk: Chunk) -> None:
        """Compress the chunk, or what has come into it since."""
        await connection.execute("SELECT compress_chunk($1::text::regclass, if_not_compressed => true)", chunk.name)

    async def drop(self, connection: Connection, chunk: Chunk) -> None:
        """Drop the chunk."""
        await connection.execute(
            "SELECT drop_chunks('observation', newer_than => $1::timestamptz, older_than => $2::timestamptz)",
            chunk.start,
            chunk.end,
        )


async def _layout(connection: Connection) -> bytes | None:
    """Return `p` for native partitions, `r` for a hypertable, None before the first migrations."""
    kind: bytes | None = await connection.fetchval(
        "SELECT relkind FROM pg_class WHERE oid = to_regclass('observation')"
    )
    return kind


async def detect_engine(connection: Connection) -> Engine:
    """Return the engine this database was laid out for; raise StoreError before its first migration."""
    kind = await _layout(connection)
    if kind is None:
        raise StoreError("the database is empty: run `citywatch migrate`")
    return PlainEngine() if kind == b"p" else TimescaleEngine()


async def choose_engine(connection: Connection) -> Engine:
    """Return the engine to migrate with: what is there already, else TimescaleDB where it can be had.

    Chosen once, when the database is empty: a plain database stays plain when the extension is installed later.
    """
    if await _layout(connection) is not None:
        return await detect_engine(connection)
    # Asking for it where it is installed but not preloaded would end the connection: the loader's setting tells.
    if await connection.fetchval("SELECT 1 FROM pg_settings WHERE name = 'timescaledb.max_background_workers'"):
        try:
            await connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
            return TimescaleEngine()
        except asyncpg.PostgresError:
            return PlainEngine()  # not allowed to us: plain partitions do the job
    return PlainEngine()
