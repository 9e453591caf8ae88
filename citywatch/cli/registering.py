"""Commands on the registry in the store: a connection for one action, and putting a registry document in."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncpg

from citywatch.errors import StoreError
from citywatch.local.running import store_dsn
from citywatch.settings import load_settings
from devices.profiles import BUILTIN, Profile, load_profiles
from devices.registry import import_registry
from sql.connection import Connection
from sql.pool import set_up

_Answer = TypeVar("_Answer")


def in_store(act: Callable[[Connection], Awaitable[_Answer]], dsn: str | None = None) -> _Answer:
    """Return what `act` does on a connection; raise StoreError when the store does not answer."""

    async def run() -> _Answer:
        try:
            connection = await asyncpg.connect(dsn or store_dsn(load_settings()), server_settings={"timezone": "UTC"})
        except (OSError, asyncpg.PostgresError) as error:
            raise StoreError(f"the store cannot be reached: {error}") from None
        try:
            await set_up(connection)
            return await act(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


def known_profiles() -> dict[str, Profile]:
    """Return the built-in profiles and the users' own."""
    return load_profiles(BUILTIN, *load_settings().devices.folders)


def register(dsn: str, document: dict[str, Any]) -> Any:
    """Register what `document` describes and return the counts; raise StoreError when the store does not answer."""
    return in_store(lambda connection: import_registry(connection, document), dsn)
