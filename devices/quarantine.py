"""Devices that speak and that nobody registered: what is kept of them, and taking one in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from citywatch.errors import RegistryError
from devices.geometry import district_of, make_shapes
from devices.registry import import_registry
from sql.audit import audit
from sql.connection import Connection
from sql.queries import query


@dataclass(frozen=True, slots=True)
class Stranger:
    """An id that is not registered, and the messages kept under it."""

    device_id: str
    messages: int
    first_at: datetime
    last_at: datetime
    topic: str
    payload: bytes


async def list_strangers(connection: Connection, *, limit: int = 100) -> list[Stranger]:
    """Return who waits, the one heard last first, each with its newest message (at most 64 KiB of it)."""
    return [Stranger(**row) for row in await connection.fetch(query("devices", "list_strangers"), limit)]


async def kept_messages(connection: Connection, device_id: str, *, limit: int = 20) -> list[bytes]:
    """Return the newest messages kept of an id that nobody registered."""
    rows = await connection.fetch(query("devices", "kept_messages"), device_id, limit)
    return [row["payload"] for row in rows]


async def register_stranger(connection: Connection, device: dict[str, Any], *, actor: str, address: str = "") -> None:
    """Register one device, its district by its location where none is given.

    Raises RegistryError where the entry is not acceptable or the device is there already.
    """
    if await connection.fetchval(query("devices", "is_registered"), device["device_id"]):
        raise RegistryError(f"{device['device_id']} is registered already: change it with `citywatch devices import`")
    latitude, longitude = device.get("latitude"), device.get("longitude")
    if device.get("district_id") is None and latitude is not None and longitude is not None:
        shapes = make_shapes(await connection.fetch(query("devices", "district_shapes")))
        device = {**device, "district_id": district_of(longitude, latitude, shapes)}
    async with connection.transaction():
        await import_registry(connection, {"devices": [device]})
        detail = {"profile": device["profile"]}
        await audit(connection, actor, "device.adopt", f"device/{device['device_id']}", detail, address)
