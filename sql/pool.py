"""Connections to the store, all set up the same way: UTC, JSON as objects, a statement timeout."""

import asyncio
from datetime import timedelta

import asyncpg
import orjson

from sql.connection import Connection, Pool


async def set_up(connection: Connection) -> None:
    """Make JSON columns arrive as Python objects and leave from them."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads, schema="pg_catalog"
        )


async def open_pool(
    dsn: str, *, process: str, size: int = 4, statement_timeout: timedelta = timedelta(seconds=30)
) -> Pool:
    """Return a pool; `process` is what `pg_stat_activity` shows. Raises OSError or asyncpg errors if unreachable."""
    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        init=set_up,
        server_settings={
            "application_name": f"citywatch {process}",
            "timezone": "UTC",
            "statement_timeout": str(int(statement_timeout.total_seconds() * 1000)),
            # Late rows of many datastreams open many compressed segments: no limit to that. Plain takes note of it.
            "timescaledb.max_tuples_decompressed_per_dml_transaction": "0",
        },
    )


async def close_pool(pool: Pool) -> None:
    """Close it in order, or within five seconds without: a server that is away answers no goodbye."""
    try:
        await asyncio.wait_for(pool.close(), 5)
    except TimeoutError:
        pool.terminate()
