"""Devices with their state, their datastreams, and the latest observation of each."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from orjson import Fragment

from api.answer import answer, cache_headers, etag, rows, unchanged
from api.context import (
    BBoxDep,
    DeviceQuery,
    DistrictQuery,
    DomainName,
    DomainQuery,
    Identifier,
    PoolDep,
    PrincipalDep,
    PropertyQuery,
)
from api.paging import Cursor, Limit, decode_cursor, encode_cursor
from api.permissions import Allow, Permission
from api.plain import Word
from api.problems import not_found, responses
from api.schemas import DatastreamPage, Device, DevicePage, Freshness, LatestList
from api.version import PREFIX
from sql.connection import Pool
from sql.queries import query

router = APIRouter(prefix=PREFIX, tags=["devices"], dependencies=[Allow(Permission.READ)])

ProfileQuery = Annotated[Word | None, Query(description="device profile", examples=["citywatch/bin"])]
FreshnessQuery = Annotated[
    Freshness | None, Query(description="fresh: within three expected intervals; stale: within twelve; silent; never")
]
SourceQuery = Annotated[Word | None, Query(description="source of time")]


async def _with_latest(pool: Pool, devices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return `devices` with the latest observations of each, these as JSON already."""
    wanted = [device["device_id"] for device in devices]
    latest = dict(await pool.fetch(query("api", "latest_by_device"), wanted))
    return [{**device, "latest": Fragment(f"[{latest.get(device['device_id'], '')}]")} for device in devices]


@router.get("/devices", response_model=DevicePage, responses=responses(404, 422, 503))
async def list_devices(
    pool: PoolDep,
    bbox: BBoxDep,
    domain: DomainQuery = None,
    district_id: DistrictQuery = None,
    profile: ProfileQuery = None,
    freshness: FreshnessQuery = None,
    source_id: SourceQuery = None,
    latest: Annotated[bool, Query(description="with the latest observation of each datastream")] = True,
    cursor: Cursor = None,
    limit: Limit = 500,
) -> Response:
    """Devices by id, each with freshness, worst open alert and latest observations."""
    (after,) = decode_cursor(cursor, str)
    found = rows(
        await pool.fetch(
            query("api", "devices"),
            domain,
            district_id,
            profile,
            freshness,
            source_id,
            bbox,
            after,
            limit + 1,
            None,
        )
    )
    page = found[:limit]
    items = await _with_latest(pool, page) if latest else [{**device, "latest": []} for device in page]
    return answer({"items": items, "next_cursor": encode_cursor(page[-1]["device_id"]) if len(found) > limit else None})


@router.get(
    "/devices.geojson",
    responses={
        200: {"content": {"application/geo+json": {}}, "description": "A FeatureCollection of points"},
        **responses(422, 503),
    },
    response_class=Response,
)
async def devices_geojson(
    pool: PoolDep,
    bbox: BBoxDep,
    domain: DomainQuery = None,
    district_id: DistrictQuery = None,
    freshness: FreshnessQuery = None,
) -> Response:
    """Located devices as GeoJSON points with id, name, domain, freshness and worst open alert, for a map layer."""
    found = await pool.fetch(
        query("api", "devices"), domain, district_id, None, freshness, None, bbox, None, None, None
    )
    features = [
        {
            "type": "Feature",
            "id": row["device_id"],
            "geometry": {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]},
            "properties": {
                key: row[key] for key in ("device_id", "name", "domain", "district_id", "freshness", "worst_severity")
            },
        }
        for row in found
        if row["longitude"] is not None and row["latitude"] is not None
    ]
    return answer({"type": "FeatureCollection", "features": features}, media_type="application/geo+json")


@router.get("/devices/{device_id}", response_model=Device, responses=responses(404, 422, 503))
async def get_device(
    pool: PoolDep, device_id: Annotated[Identifier, Path(description="device", examples=["bin-0017"])]
) -> Response:
    """One device with its state and latest observations."""
    found = await pool.fetch(query("api", "devices"), None, None, None, None, None, None, None, 1, device_id)
    if not found:
        raise not_found("device", device_id)
    return answer((await _with_latest(pool, rows(found)))[0])


@router.get("/datastreams", response_model=DatastreamPage, responses=responses(404, 422, 503))
async def list_datastreams(
    pool: PoolDep,
    device_id: DeviceQuery = None,
    observed_property: PropertyQuery = None,
    domain: DomainQuery = None,
    district_id: DistrictQuery = None,
    cursor: Cursor = None,
    limit: Limit = 1000,
) -> Response:
    """Datastreams by device and property."""
    key = decode_cursor(cursor, str, str)
    found = rows(
        await pool.fetch(
            query("api", "datastreams"),
            device_id,
            observed_property,
            domain,
            district_id,
            key if cursor is not None else None,
            limit + 1,
        )
    )
    page = found[:limit]
    more = encode_cursor(page[-1]["device_id"], page[-1]["property"]) if len(found) > limit else None
    return answer({"items": page, "next_cursor": more})


@router.get("/latest", response_model=LatestList, responses=responses(422, 503))
async def list_latest(
    request: Request,
    pool: PoolDep,
    principal: PrincipalDep,
    device_id: Annotated[list[Identifier] | None, Query(max_length=500, description="devices; none: all")] = None,
    observed_property: PropertyQuery = None,
    domain: Annotated[DomainName | None, Query(description="domain of the device")] = None,
    district_id: DistrictQuery = None,
) -> Response:
    """The newest observation of every datastream asked for, in one call. Answers carry an ETag."""
    asked = (device_id, observed_property, domain, district_id)
    tag = etag(await pool.fetchval(query("api", "latest_tag")), "latest", principal.sight, *asked)
    if (same := unchanged(request, tag)) is not None:
        return same
    items = await pool.fetchval(query("api", "latest"), *asked)
    return answer({"items": Fragment(f"[{items or ''}]")}, cache_headers(tag))
