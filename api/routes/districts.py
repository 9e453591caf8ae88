"""The city's frame: districts, sites, sources of time."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from api.answer import answer, cache_headers, etag, rows, unchanged
from api.context import PoolDep, SettingsDep
from api.permissions import Allow, Permission
from api.problems import responses
from api.schemas import DistrictList, SiteList, SourceList
from api.version import PREFIX
from sql.queries import query

router = APIRouter(prefix=PREFIX, tags=["city"], dependencies=[Allow(Permission.READ)])


@router.get("/districts", response_model=DistrictList, responses=responses(422, 503))
async def list_districts(request: Request, pool: PoolDep) -> Response:
    """All districts by name, with their outlines. Answers carry an ETag."""
    tag = etag("districts", await pool.fetchval(query("api", "districts_tag")))
    if (same := unchanged(request, tag)) is not None:
        return same
    return answer({"items": rows(await pool.fetch(query("api", "districts")))}, cache_headers(tag))


@router.get(
    "/basemap.geojson",
    responses={
        200: {"content": {"application/geo+json": {}}, "description": "Roads, water, parks; may be empty"},
        **responses(422),
    },
    response_class=Response,
)
async def basemap(settings: SettingsDep) -> Response:
    """What is drawn under the devices, as GeoJSON (RFC 7946): the file that the setting names."""
    path = settings.serve.basemap
    if path is None or not path.is_file():
        return answer({"type": "FeatureCollection", "features": []}, {}, "application/geo+json")
    return FileResponse(path, media_type="application/geo+json", headers={"Cache-Control": "no-cache"})


@router.get(
    "/districts.geojson",
    responses={
        200: {"content": {"application/geo+json": {}}, "description": "A FeatureCollection, one feature per district"},
        **responses(422, 503),
    },
    response_class=Response,
)
async def districts_geojson(request: Request, pool: PoolDep) -> Response:
    """All districts as GeoJSON (RFC 7946), for a map."""
    tag = etag("districts.geojson", await pool.fetchval(query("api", "districts_tag")))
    if (same := unchanged(request, tag)) is not None:
        return same
    features = [
        {
            "type": "Feature",
            "id": row["district_id"],
            "geometry": row["polygon"],
            "properties": {key: row[key] for key in ("district_id", "name", "population")},
        }
        for row in await pool.fetch(query("api", "districts"))
    ]
    return answer({"type": "FeatureCollection", "features": features}, cache_headers(tag), "application/geo+json")


@router.get("/sites", response_model=SiteList, responses=responses(422, 503))
async def list_sites(pool: PoolDep) -> Response:
    """All sites by name."""
    return answer({"items": rows(await pool.fetch(query("api", "sites")))})


@router.get("/sources", response_model=SourceList, responses=responses(422, 503))
async def list_sources(pool: PoolDep) -> Response:
    """All sources of time with their now: charts of a replay end there, not at the wall clock."""
    return answer({"items": rows(await pool.fetch(query("api", "sources")))})
