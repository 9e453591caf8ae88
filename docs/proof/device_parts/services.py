"""An embedded store and broker for one part of the proof."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import asyncpg

from citywatch.local.postgres import local_postgres
from sql.connection import Pool
from sql.migrate import migrate
from sql.pool import open_pool, set_up

_Figures = TypeVar("_Figures")


@asynccontextmanager
async def migrated_store(dsn: str, admin_dsn: str) -> AsyncIterator[Pool]:
    """Yield a pool on a migrated database."""
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute("CREATE DATABASE proof")
    await admin.close()
    connection = await asyncpg.connect(dsn)
    await set_up(connection)
    await migrate(connection)
    await connection.close()
    pool = await open_pool(dsn, process="proof")
    try:
        yield pool
    finally:
        await pool.close()


def with_store(part: Callable[[Pool, str, Path], Awaitable[_Figures]]) -> _Figures:
    """Return what `part(pool, dsn, folder)` returns, on a store of its own."""

    async def run(dsn: str, admin_dsn: str, folder: Path) -> _Figures:
        async with migrated_store(dsn, admin_dsn) as pool:
            return await part(pool, dsn, folder)

    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with local_postgres(folder / "postgres") as server:
            return asyncio.run(run(server.dsn("proof"), server.dsn("postgres"), folder))
