"""The registry in the store: which devices there are, what they measure and by which clock they live."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import asyncpg
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from citywatch.durations import parse_duration
from citywatch.errors import RegistryError, SettingsError
from devices.geojson import check_geometry
from devices.model import Device, Domain
from sql.connection import Connection
from sql.queries import query

DEVICE_ID = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"
CHANNEL = "citywatch_registry"


def _interval(value: object) -> object:
    if isinstance(value, str):
        try:
            return parse_duration(value)
        except SettingsError as reason:
            raise ValueError(str(reason)) from None
    return value


def _area(polygon: dict[str, Any]) -> dict[str, Any]:
    if polygon.get("type") not in ("Polygon", "MultiPolygon"):
        raise ValueError(f"a GeoJSON Polygon or MultiPolygon, not {polygon.get('type')!r}")
    check_geometry(polygon, "polygon")
    return polygon


Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Interval = Annotated[timedelta, BeforeValidator(_interval), Field(gt=timedelta(0))]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DistrictEntry(_Entry):
    """A part of the city; `polygon` is a GeoJSON Polygon or MultiPolygon."""

    district_id: str = Field(min_length=1, max_length=64)
    name: str
    population: int | None = Field(None, ge=0)
    polygon: Annotated[dict[str, Any], AfterValidator(_area)]


class SiteEntry(_Entry):
    """A place with one or more devices."""

    site_id: str = Field(min_length=1, max_length=64)
    name: str
    district_id: str | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None


class SourceEntry(_Entry):
    """A time base."""

    source_id: str = Field(min_length=1, max_length=64)
    kind: Literal["live", "replay"]


class DeviceEntry(_Entry):
    """One installed thing."""

    device_id: str = Field(pattern=DEVICE_ID)
    profile: str = Field(min_length=1)
    domain: Domain
    name: str = ""
    site_id: str | None = None
    district_id: str | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    source_id: str = "live"
    expected_interval: Interval = timedelta(minutes=5)
    tags: dict[str, Any] = {}


class RegistryDocument(_Entry):
    """A registry file: what is to be, beside whatever is there already."""

    districts: tuple[DistrictEntry, ...] = ()
    sites: tuple[SiteEntry, ...] = ()
    sources: tuple[SourceEntry, ...] = ()
    devices: tuple[DeviceEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import found in the file, and how many of the devices were new or changed here."""

    districts: int
    sites: int
    sources: int
    devices: int
    devices_new: int
    devices_changed: int


@dataclass(frozen=True, slots=True)
class Source:
    """A time base: `live` is the wall clock; a replay source stands at `clock`, None before its first message."""

    source_id: str
    kind: str
    clock: datetime | None

    @property
    def live(self) -> bool:
        """Return whether the wall clock is this source's clock."""
        return self.kind == "live"


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry at one moment. `datastreams` gives the id of (device_id, property)."""

    devices: Mapping[str, Device]
    sources: Mapping[str, Source]
    datastreams: Mapping[tuple[str, str], int]


def parse_registry(document: object) -> RegistryDocument:
    """Return the checked document; raise RegistryError naming the first entries that are not acceptable."""
    try:
        return RegistryDocument.model_validate(document)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5]]
        more = "" if error.error_count() <= 5 else f"; and {error.error_count() - 5} more"
        raise RegistryError("; ".join(faults) + more) from None


async def import_registry(connection: Connection, document: object) -> ImportCounts:
    """Upsert a registry file in one transaction and tell the running workers; nothing is ever removed.

    Raises RegistryError where the file is not acceptable, names a district, site or source that is not there,
    or would turn a live source into a replay or back.
    """
    wanted = parse_registry(document)
    try:
        async with connection.transaction():
            fresh = await _upsert(connection, wanted)
            await connection.execute(query("registry", "announce_registry"))
    except asyncpg.IntegrityConstraintViolationError as error:
        raise RegistryError(f"the registry does not hold together: {error.detail or error}") from None
    except asyncpg.CardinalityViolationError:
        raise RegistryError("the same id stands twice in the registry file") from None
    return ImportCounts(
        len(wanted.districts), len(wanted.sites), len(wanted.sources), len(wanted.devices),
        devices_new=sum(fresh), devices_changed=len(fresh) - sum(fresh),
    )  # fmt: skip


async def load_devices(connection: Connection) -> Registry:
    """Return the registry as it stands now."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        devices = await connection.fetch(query("registry", "all_devices"))
        sources = await connection.fetch(query("registry", "all_sources"))
        datastreams = await connection.fetch(query("registry", "all_datastreams"))
    return Registry(
        devices={row["device_id"]: Device(**{**row, "domain": Domain(row["domain"])}) for row in devices},
        sources={row["source_id"]: Source(**row) for row in sources},
        datastreams={(row["device_id"], row["property"]): row["datastream_id"] for row in datastreams},
    )


async def any_registered(connection: Connection, device_ids: Sequence[str]) -> bool:
    """Return whether at least one of these ids is a registered device."""
    return bool(await connection.fetchval(query("registry", "any_registered"), device_ids))


async def ensure_datastreams(
    connection: Connection, wanted: Iterable[tuple[str, str, str]]
) -> dict[tuple[str, str], int]:
    """Return the datastream of every (device_id, property, unit), made where it is not there yet.

    A device that has meanwhile been removed has none: its entries are absent from the answer.
    """
    devices, properties, units = map(list, zip(*wanted, strict=True))
    await connection.execute(query("registry", "create_datastreams"), devices, properties, units)
    found = await connection.fetch(query("registry", "find_datastreams"), devices, properties)
    return {(row["device_id"], row["property"]): row["datastream_id"] for row in found}


async def _upsert(connection: Connection, wanted: RegistryDocument) -> list[bool]:
    if wanted.districts:
        await connection.execute(
            query("registry", "upsert_districts"), *_columns(wanted.districts, DistrictEntry.model_fields)
        )
    if wanted.sites:
        await connection.execute(query("registry", "upsert_sites"), *_columns(wanted.sites, SiteEntry.model_fields))
    if wanted.sources:
        await connection.execute(
            query("registry", "upsert_sources"), *_columns(wanted.sources, SourceEntry.model_fields)
        )
        kinds = {source.source_id: source.kind for source in wanted.sources}
        for row in await connection.fetch(query("registry", "source_kinds"), list(kinds)):
            if row["kind"] != kinds[row["source_id"]]:
                raise RegistryError(f"source {row['source_id']} is {row['kind']} here and cannot become another kind")
    if not wanted.devices:
        return []
    rows = await connection.fetch(
        query("registry", "upsert_devices"), *_columns(wanted.devices, DeviceEntry.model_fields)
    )
    return [row["fresh"] for row in rows]


def _columns(entries: Sequence[_Entry], names: Iterable[str]) -> list[list[Any]]:
    return [[getattr(entry, name) for entry in entries] for name in names]
