"""Forward-only migrations: applied once, in order, under a lock, each with its checksum remembered."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from citywatch.errors import StoreError
from sql.connection import Connection
from sql.engine import Engine, choose_engine
from sql.limited import provide_role
from sql.pool import set_up

FOLDER = Path(__file__).parent / "migrations"
LOCK = 7_228_003


@dataclass(frozen=True, slots=True)
class Migration:
    """One file `NNNN_verb_object.sql`."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of the text, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def load_migrations(folder: Path = FOLDER) -> list[Migration]:
    """Return the migrations in the order of their numbers."""
    return [Migration(path.stem, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("[0-9]*.sql"))]


async def migrate(connection: Connection, migrations: list[Migration] | None = None) -> list[str]:
    """Bring the database up to date and return the names applied now; safe with several starters.

    Raises StoreError when a migration that was applied here reads differently today, or is unknown to this code.
    """
    wanted = load_migrations() if migrations is None else migrations
    await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
    try:
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration"
            " (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        done = {row["name"]: row["checksum"] for row in await connection.fetch("SELECT * FROM schema_migration")}
        known = {migration.name: migration for migration in wanted}
        for name, checksum in done.items():
            if name not in known:
                raise StoreError(f"the database has migration {name}, which this version of Citywatch does not know")
            if known[name].checksum != checksum:
                raise StoreError(f"migration {name} reads differently from when it was applied here")
        fresh = [migration for migration in wanted if migration.name not in done]
        engine: Engine = await choose_engine(connection)
        await engine.prepare(connection)
        for migration in fresh:
            async with connection.transaction():
                await connection.execute(migration.text)
                await connection.execute(
                    "INSERT INTO schema_migration (name, checksum) VALUES ($1, $2)", migration.name, migration.checksum
                )
                # At once, so that later migrations find the table as it stays: views and indexes hold on to it.
                await engine.create(connection)
        await provide_role(connection)
        return [migration.name for migration in fresh]
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", LOCK)


async def migrate_at(dsn: str) -> list[str]:
    """Bring the database at `dsn` up to date on a connection of its own; otherwise as `migrate`."""
    connection = await asyncpg.connect(dsn)
    try:
        await set_up(connection)
        return await migrate(connection)
    finally:
        await connection.close()
