"""Putting a registry document into the store, from any command that has one."""

import asyncio
from typing import Any

import asyncpg

from citywatch.errors import StoreError
from devices.registry import import_registry
from sql.pool import set_up


def register(dsn: str, document: dict[str, Any]) -> Any:
    """Register what `document` describes and return the counts; raise StoreError when the store does not answer."""

    async def run() -> Any:
        try:
            connection = await asyncpg.connect(dsn)
        except (OSError, asyncpg.PostgresError) as error:
            raise StoreError(f"the store cannot be reached: {error}") from None
        try:
            await set_up(connection)
            return await import_registry(connection, document)
        finally:
            await connection.close()

    return asyncio.run(run())
