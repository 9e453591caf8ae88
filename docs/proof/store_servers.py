"""The databases the store is proved on: the embedded plain one, and TimescaleDB where this machine has it."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from citywatch.local.postgres import LocalPostgres, binaries
from sql.connection import Pool
from sql.migrate import migrate
from sql.pool import open_pool
from tests.conftest import administer

TIMESCALE = {"shared_preload_libraries": "timescaledb", "timescaledb.telemetry_level": "off"}
# The same for both, as somebody with 20 million rows would set them.
TUNED = {"shared_buffers": "512MB", "max_wal_size": "4GB", "work_mem": "32MB"}


def scale() -> float:
    """Return the share of the full size that is run: 1 is what was promised, the default a check of minutes."""
    return float(os.environ.get("PROOF_SCALE", "0.02"))


def timescale_programs() -> Path | None:
    """Return the folder of a PostgreSQL whose library folder holds TimescaleDB, None where there is none."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        library = subprocess.run([folder / "pg_config", "--pkglibdir"], check=False, capture_output=True, text=True)
        if library.returncode == 0 and (Path(library.stdout.strip()) / "timescaledb.so").exists():
            return folder
    return None


def engines() -> list[str]:
    """Return the engines that can be proved here."""
    return ["plain"] + (["timescale"] if timescale_programs() else [])


def _server(engine: str, folder: Path) -> LocalPostgres:
    programs = (timescale_programs() or binaries()) if engine == "timescale" else binaries()
    return LocalPostgres(folder, 0, TUNED | (TIMESCALE if engine == "timescale" else {}), programs)


@contextmanager
def server(engine: str) -> Iterator[LocalPostgres]:
    """Run a server of our own for `engine`, with an empty database `citywatch`."""
    folder = Path(tempfile.mkdtemp(prefix="citywatch-proof-", dir="/var/tmp"))
    postgres = _server(engine, folder)
    try:
        postgres.start()
        asyncio.run(administer(postgres.dsn("postgres"), "CREATE DATABASE citywatch"))
        yield postgres
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def kept_server(engine: str, name: str, *, first: bool = False, last: bool = False) -> Iterator[LocalPostgres]:
    """Run a server whose data outlive this part of a proof: `first` begins anew, `last` removes them in the end."""
    folder = Path("/var/tmp") / f"citywatch-proof-{name}-{engine}"
    if first:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o755)
    elif not folder.is_dir():
        raise AssertionError(f"the parts before this one have not run: there is no {folder}")
    postgres = _server(engine, folder)
    try:
        postgres.start()
        if first:
            asyncio.run(administer(postgres.dsn("postgres"), "CREATE DATABASE citywatch"))
        yield postgres
    finally:
        postgres.stop()
        if last:
            shutil.rmtree(folder, ignore_errors=True)


async def migrated(dsn: str, size: int = 8) -> Pool:
    """Return a pool on a database with today's schema."""
    pool = await open_pool(dsn, process="proof", size=size)
    async with pool.acquire() as connection:
        await connection.execute("SET statement_timeout = 0")
        await migrate(connection)
    return pool
