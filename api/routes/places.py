"""The city's frame written: districts, sites and assets by PUT and DELETE with If-Match."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import BeforeValidator, Field, StringConstraints

from api.answer import answer, rows
from api.context import UNLIMITED, ActorDep, AddressDep, Identifier, PoolDep, WholePoolDep
from api.json_object import JsonObject
from api.paging import Cursor, Limit, decode_cursor, encode_cursor
from api.permissions import Allow, Permission
from api.plain import Name, Word
from api.problems import ProblemError, not_found, responses
from api.schemas import District, Page, Schema, Site
from api.version import PREFIX
from citywatch.errors import RegistryError
from devices.bulk import StaleError
from devices.places import KEYS, Kind, drop_place, put_place, tag_of
from sql.audit import audit
from sql.connection import Pool
from sql.queries import query

router = APIRouter(prefix=PREFIX, tags=["city"])
READ, OPERATE = [Allow(Permission.READ)], [Allow(Permission.OPERATE)]
CONFIGURE = [Allow(Permission.CONFIGURE), UNLIMITED]
READS = responses(404, 422, 503)
CHANGES = responses(400, 403, 404, 409, 412, 413, 422, 503)
# Text and not null where it is missing: a header cannot be null, and the document would say that it can.
IfMatch = Annotated[
    str,
    Header(
        alias="If-Match", pattern=r'^("[0-9a-f]{24}")?$', description="the ETag that you saw; none: it is to be new"
    ),
]
SeenTag = Annotated[str, Header(alias="If-Match", pattern=r'^"[0-9a-f]{24}"$', description="the ETag that you saw")]
DistrictPath = Annotated[Identifier, Path(description="district", examples=["harbour"])]
SitePath = Annotated[Identifier, Path(description="site")]
AssetKind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
KindPath = Annotated[AssetKind, Path(description="kind of asset", examples=["gateway"])]
AssetPath = Annotated[Identifier, Path(description="asset", examples=["gw-3"])]


def _no_flag(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a number, not true or false")
    return value


# JSON Schema counts 3.0 among the integers, so this one is not simply strict.
Population = Annotated[int, Field(ge=0, le=2**31 - 1), BeforeValidator(_no_flag)]
# Strict: `false` is no number.
Latitude = Annotated[float, Field(ge=-90, le=90, strict=True)]
Longitude = Annotated[float, Field(ge=-180, le=180, strict=True)]


class DistrictWritten(Schema):
    """Body of `PUT /api/v1/districts/{district_id}`: the whole district."""

    name: Name
    population: Population | None = None
    polygon: JsonObject = Field(description="GeoJSON Polygon or MultiPolygon")


class SiteWritten(Schema):
    """Body of `PUT /api/v1/sites/{site_id}`: the whole site."""

    name: Name
    district_id: Word | None = Field(None, description="the one that the location lies in where it is not given")
    latitude: Latitude | None = None
    longitude: Longitude | None = None


class AssetWritten(Schema):
    """Body of `PUT /api/v1/assets/{kind}/{asset_id}`: the whole asset."""

    name: Name
    site_id: Word | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None


class Asset(AssetWritten):
    """What carries devices, or what they speak through: a pole, a cabinet, a gateway."""

    kind: str
    asset_id: str


class AssetListed(Asset):
    """An asset with the number of devices whose tag of its kind names it, as `{"gateway": "gw-3"}`."""

    devices: int


class AssetPage(Page):
    """A page of assets, by kind and id."""

    items: list[AssetListed]


async def _shown(pool: Pool, kind: Kind, key: Mapping[str, Any], status: int = 200) -> Response:
    names = [key[name] for name in KEYS[kind]]
    found = await pool.fetchrow(query("places", kind), *names)
    if found is None:
        raise not_found(kind, " ".join(names))
    shown = answer(dict(found), {"ETag": tag_of(found), "Cache-Control": "private, no-cache"})
    shown.status_code = status
    return shown


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except StaleError as error:
        raise ProblemError(412, "changed-since", str(error)) from None
    except RegistryError as error:
        raise ProblemError(409, "not-possible", str(error)) from None


async def _put(pool: Pool, kind: Kind, place: Mapping[str, Any], tag: str, actor: str, address: str) -> Response:
    with _refusals():
        async with pool.acquire() as connection, connection.transaction():
            fresh = await put_place(connection, kind, place, tag or None)
            named = "/".join(place[name] for name in KEYS[kind])
            told = {name: value for name, value in place.items() if name != "polygon"}
            await audit(
                connection, actor, f"{kind}.{'create' if fresh else 'change'}", f"{kind}/{named}", told, address
            )
    return await _shown(pool, kind, place, 201 if fresh else 200)


async def _drop(pool: Pool, kind: Kind, key: Mapping[str, str], tag: str, actor: str, address: str) -> Response:
    with _refusals():
        async with pool.acquire() as connection, connection.transaction():
            await drop_place(connection, kind, key, tag)
            named = "/".join(key[name] for name in KEYS[kind])
            await audit(connection, actor, f"{kind}.delete", f"{kind}/{named}", {}, address)
    return Response(status_code=204)


@router.get("/districts/{district_id}", response_model=District, responses=READS, dependencies=READ)
async def get_district(pool: PoolDep, district_id: DistrictPath) -> Response:
    """One district, with the ETag that a change of it asks for."""
    return await _shown(pool, "district", {"district_id": district_id})


@router.put(
    "/districts/{district_id}",
    response_model=District,
    responses={201: {"model": District, "description": "It is new"}, **CHANGES},
    dependencies=CONFIGURE,
)
async def put_district(
    whole: WholePoolDep, actor: ActorDep, address: AddressDep, district_id: DistrictPath, body: DistrictWritten,
    if_match: IfMatch = "",
) -> Response:  # fmt: skip
    """Make a district, or with If-Match change it. Devices keep their district until they are written anew."""
    return await _put(whole, "district", {"district_id": district_id, **body.model_dump()}, if_match, actor, address)


@router.delete(
    "/districts/{district_id}", status_code=204, response_class=Response, responses=CHANGES, dependencies=CONFIGURE
)
async def delete_district(
    whole: WholePoolDep, actor: ActorDep, address: AddressDep, district_id: DistrictPath, if_match: SeenTag
) -> Response:
    """Remove a district in which nothing is."""
    return await _drop(whole, "district", {"district_id": district_id}, if_match, actor, address)


@router.get("/sites/{site_id}", response_model=Site, responses=READS, dependencies=READ)
async def get_site(pool: PoolDep, site_id: SitePath) -> Response:
    """One site, with the ETag that a change of it asks for."""
    return await _shown(pool, "site", {"site_id": site_id})


@router.put(
    "/sites/{site_id}",
    response_model=Site,
    responses={201: {"model": Site, "description": "It is new"}, **CHANGES},
    dependencies=CONFIGURE,
)
async def put_site(
    whole: WholePoolDep, actor: ActorDep, address: AddressDep, site_id: SitePath, body: SiteWritten,
    if_match: IfMatch = "",
) -> Response:  # fmt: skip
    """Make a site, or with If-Match change it; its location assigns the district where none is given."""
    return await _put(whole, "site", {"site_id": site_id, **body.model_dump()}, if_match, actor, address)


@router.delete("/sites/{site_id}", status_code=204, response_class=Response, responses=CHANGES, dependencies=CONFIGURE)
async def delete_site(
    whole: WholePoolDep, actor: ActorDep, address: AddressDep, site_id: SitePath, if_match: SeenTag
) -> Response:
    """Remove a site on which nothing stands."""
    return await _drop(whole, "site", {"site_id": site_id}, if_match, actor, address)


@router.get("/assets", response_model=AssetPage, responses=READS, dependencies=READ)
async def list_assets(
    pool: PoolDep,
    kind: Annotated[AssetKind | None, Query(description="only of this kind", examples=["gateway"])] = None,
    site_id: Annotated[Word | None, Query(description="only on this site")] = None,
    cursor: Cursor = None,
    limit: Limit = 500,
) -> Response:
    """Assets by kind and id, each with the number of devices that hang on it."""
    after = decode_cursor(cursor, str, str)
    found = rows(await pool.fetch(query("places", "assets"), kind, site_id, *after, limit + 1))
    page = found[:limit]
    more = encode_cursor(page[-1]["kind"], page[-1]["asset_id"]) if len(found) > limit else None
    return answer({"items": page, "next_cursor": more})


@router.get("/assets/{kind}/{asset_id}", response_model=Asset, responses=READS, dependencies=READ)
async def get_asset(pool: PoolDep, kind: KindPath, asset_id: AssetPath) -> Response:
    """One asset, with the ETag that a change of it asks for."""
    return await _shown(pool, "asset", {"kind": kind, "asset_id": asset_id})


@router.put(
    "/assets/{kind}/{asset_id}",
    response_model=Asset,
    responses={201: {"model": Asset, "description": "It is new"}, **CHANGES},
    dependencies=CONFIGURE,
)
async def put_asset(
    whole: WholePoolDep, actor: ActorDep, address: AddressDep, kind: KindPath, asset_id: AssetPath,
    body: AssetWritten, if_match: IfMatch = "",
) -> Response:  # fmt: skip
    """Make an asset, or with If-Match change it. A device hangs on it by a tag: `{"gateway": "gw-3"}`."""
    place = {"kind": kind, "asset_id": asset_id, **body.model_dump()}
    return await _put(whole, "asset", place, if_match, actor, address)


@router.delete(
    "/assets/{kind}/{asset_id}", status_code=204, response_class=Response, responses=CHANGES, dependencies=CONFIGURE
)
async def delete_asset(
    whole: WholePoolDep, actor: ActorDep, address: AddressDep, kind: KindPath, asset_id: AssetPath, if_match: SeenTag
) -> Response:
    """Remove an asset; the devices' tags stay as they are."""
    return await _drop(whole, "asset", {"kind": kind, "asset_id": asset_id}, if_match, actor, address)
