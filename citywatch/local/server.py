"""The store's server for one command: the one given, the one that `citywatch up` runs, or ours, started for it."""

import asyncio
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from citywatch.errors import CitywatchError, StoreError
from citywatch.local.postgres import LocalPostgres, local_postgres
from citywatch.local.running import find_running
from citywatch.settings import Settings

DATABASE = "citywatch"


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Hold the data folder's lock, which the kernel lets go of however we end."""
    with (data_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CitywatchError(f"another `citywatch up` already runs on {data_dir}") from None
        yield


async def create_database(postgres: LocalPostgres) -> None:
    """Create our database where it is not there yet."""
    admin = await asyncpg.connect(postgres.dsn("postgres"))
    try:
        if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await admin.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await admin.close()


@contextmanager
def store_server(settings: Settings, *, create: bool = False) -> Iterator[str]:
    """Yield the store's address. An embedded server that is not running runs for the length of the block.

    `create`: make an installation that is not there yet; otherwise that is a StoreError.
    """
    running = find_running(settings.data_dir)
    if settings.store.dsn is not None:
        yield settings.store.dsn.get_secret_value()
    elif running is not None:
        yield running.dsn
    else:
        folder = settings.data_dir.resolve() / "postgres"
        if not create and not folder.is_dir():
            raise StoreError(f"no store: nothing is in {settings.data_dir}, and CITYWATCH_STORE__DSN is not set")
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with only_one(settings.data_dir), local_postgres(folder) as postgres:
            asyncio.run(create_database(postgres))
            yield postgres.dsn()
