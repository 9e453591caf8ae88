"""Commands on the registry in the store: a connection for one action, and putting a registry document in."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncpg

from citywatch.errors import StoreError
from citywatch.local.running import store_dsn
from citywatch.settings import load_settings
from devices.model import Domain
from devices.profiles import BUILTIN, Profile, load_profiles
from devices.properties import PROPERTIES
from devices.registry import import_registry
from sql.audit import audit
from sql.connection import Connection
from sql.pool import set_up
from sql.queries import query

_Answer = TypeVar("_Answer")
# What a demonstration publishes of its simulated city: nothing that counts people.
OPEN = frozenset({"vehicle_speed", "fill_level", "pm2_5", "no2", "air_temperature", "sound_level"})


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


def publish_city(dsn: str, document: dict[str, Any]) -> int:
    """Publish as open data what the devices of a simulated city will say of it, and return how many datastreams that
    made. What was there before, withdrawn or not, stays as it is. A gateway says nothing of the city."""
    profiles = known_profiles()
    wanted = [
        (device["device_id"], name, PROPERTIES[name].unit)
        for device in document["devices"]
        if device["domain"] != Domain.HEALTH
        for name in profiles[device["profile"]].properties
        if name in OPEN
    ]

    async def act(connection: Connection) -> int:
        async with connection.transaction():
            made: int = await connection.fetchval(
                query("open_data", "publish_expected"), *map(list, zip(*wanted, strict=True))
            )
            if made:
                await audit(connection, "demo", "datastreams.publish", f"{made} datastreams of the simulated city")
        return made

    return in_store(act, dsn) if wanted else 0
