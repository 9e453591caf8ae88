"""The city's frame written one by one: districts, sites and assets; nobody overwrites what they have not seen."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

import asyncpg

from citywatch.errors import RegistryError
from devices.bulk import StaleError
from devices.geometry import district_of, make_shapes
from devices.registry import import_registry
from sql.connection import Connection
from sql.queries import query

Kind = Literal["district", "site", "asset"]
# The columns that name one of a kind.
KEYS: dict[Kind, tuple[str, ...]] = {
    "district": ("district_id",),
    "site": ("site_id",),
    "asset": ("kind", "asset_id"),
}


def tag_of(place: Mapping[str, Any]) -> str:
    """Return what changes when the place does, as an ETag."""
    text = json.dumps(dict(place), sort_keys=True, ensure_ascii=False)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'


async def put_place(connection: Connection, kind: Kind, place: Mapping[str, Any], tag: str | None) -> bool:
    """Write one whole place and return whether it is new: without `tag` it has to be, else it stands as `tag` says.

    To be called in a transaction. A site's location assigns its district where none is given. Raises StaleError where
    it was changed since or is there already, RegistryError where it does not hold together.
    """
    held = await _held(connection, kind, place)
    _check(kind, place, held, tag)
    wanted = dict(place)
    try:
        if kind == "district":
            _check_positions(wanted["polygon"].get("coordinates"))
            await import_registry(connection, {"districts": [wanted]})
        elif kind == "site":
            await import_registry(connection, {"sites": [await _assigned(connection, wanted)]})
        else:
            names = ("kind", "asset_id", "name", "site_id", "latitude", "longitude")
            await connection.execute(query("places", "put_asset"), *(wanted[name] for name in names))
    except asyncpg.ForeignKeyViolationError as error:
        raise RegistryError(f"the registry does not hold together: {error.detail}") from None
    return held is None


async def drop_place(connection: Connection, kind: Kind, key: Mapping[str, str], tag: str) -> None:
    """Remove a place that still stands as `tag` says; to be called in a transaction.

    Raises StaleError where it was changed since, RegistryError where something is in it still.
    """
    _check(kind, key, await _held(connection, kind, key), tag)
    try:
        await connection.execute(query("places", f"drop_{kind}"), *(key[name] for name in KEYS[kind]))
    except asyncpg.ForeignKeyViolationError as error:
        raise RegistryError(f"there is something in it still: {error.detail}") from None
    await connection.execute(query("registry", "announce_registry"))


async def _held(connection: Connection, kind: Kind, key: Mapping[str, Any]) -> Mapping[str, Any] | None:
    await connection.execute(query("places", "lock_places"))
    return await connection.fetchrow(query("places", kind), *(key[name] for name in KEYS[kind]))


def _check(kind: Kind, key: Mapping[str, Any], held: Mapping[str, Any] | None, tag: str | None) -> None:
    named = f"{kind} {' '.join(key[name] for name in KEYS[kind])}"
    if held is None and tag is not None:
        raise StaleError(f"{named} is not there (any more)")
    if held is not None and tag is None:
        raise StaleError(f"{named} is there already: to change it, send its ETag as If-Match")
    if held is not None and tag != tag_of(held):
        raise StaleError(f"{named} was changed since")


async def _assigned(connection: Connection, site: dict[str, Any]) -> dict[str, Any]:
    if site["district_id"] is not None or site["latitude"] is None or site["longitude"] is None:
        return site
    shapes = make_shapes(await connection.fetch(query("devices", "district_shapes")))
    return {**site, "district_id": district_of(site["longitude"], site["latitude"], shapes)}


def _check_positions(value: object) -> None:
    """Raise RegistryError for a position that is not on the earth; what is no position, the registry refuses."""
    if not isinstance(value, list):
        return
    if not value:
        raise RegistryError("polygon.coordinates: a part of it is empty")
    if isinstance(value[0], list):
        for part in value:
            _check_positions(part)
    elif len(value) >= 2 and all(isinstance(part, int | float) for part in value[:2]):
        longitude, latitude = value[:2]
        if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
            raise RegistryError("polygon.coordinates: longitude from -180 to 180 first, then latitude from -90 to 90")
