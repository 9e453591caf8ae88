"""What differs between plain PostgreSQL and TimescaleDB, in one object and nowhere else."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import asyncpg

from citywatch.errors import StoreError
from sql.connection import Connection

WEEK = timedelta(days=7)
EPOCH = datetime(1970, 1, 5, tzinfo=UTC)  # a Monday
LOCK = 7_228_004


def week_of(time: datetime) -> datetime:
    """Return the Monday 00:00 UTC that starts the week of `time`."""
    return EPOCH + (time - EPOCH) // WEEK * WEEK


class Engine(Protocol):
    """How observations are laid out on disk."""

    name: str

    async def prepare(self, connection: Connection) -> None:
        """Provide what migrations may use, before the first of them."""

    async def create(self, connection: Connection) -> None:
        """Lay out the observation table as soon as it is there, while it is empty; nothing to do later."""

    async def ensure(self, connection: Connection, times: Iterable[datetime]) -> None:
        """Make room for rows at `times`, outside any transaction that writes them."""


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


@dataclass(slots=True)
class TimescaleEngine:
    """A hypertable; chunks come by themselves."""

    name: str = "timescale"

    async def prepare(self, connection: Connection) -> None:
        """Nothing to do: the extension brings `time_bucket`."""

    async def create(self, connection: Connection) -> None:
        """Turn the empty partitioned table into a hypertable."""
        if await _layout(connection) != b"p":
            return
        async with connection.transaction():
            await connection.execute(
                "CREATE TABLE observation_plain (LIKE observation INCLUDING ALL);"
                "DROP TABLE observation;"
                "ALTER TABLE observation_plain RENAME TO observation;"
                "SELECT create_hypertable('observation', by_range('phenomenon_time', interval '7 days'),"
                " create_default_indexes => false)"
            )

    async def ensure(self, connection: Connection, times: Iterable[datetime]) -> None:
        """Nothing to do: chunks are created by the insert."""


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
    if await connection.fetchval("SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'"):
        try:
            await connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
            return TimescaleEngine()
        except asyncpg.PostgresError:
            # Installed on the machine but not preloaded, or not allowed to us: plain partitions do the job.
            return PlainEngine()
    return PlainEngine()
