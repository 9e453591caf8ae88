"""Observations in bulk, every row of them, streamed."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from api.context import DeviceQuery, DistrictQuery, DomainQuery, PoolDep, PropertyQuery, SinceQuery, UntilQuery
from api.export import Exports, Source, copy_csv, copy_geojson
from api.export_parquet import copy_parquet
from api.permissions import Allow, Permission
from api.plain import Word
from api.problems import responses
from api.version import PREFIX
from sql.connection import Pool

router = APIRouter(prefix=f"{PREFIX}/export", tags=["export"], dependencies=[Allow(Permission.READ)])
PARQUET = "application/vnd.apache.parquet"


async def _selection(
    device_id: DeviceQuery = None,
    observed_property: PropertyQuery = None,
    domain: DomainQuery = None,
    district_id: DistrictQuery = None,
    source_id: Annotated[Word | None, Query(description="source of time")] = None,
    since: SinceQuery = None,
    until: UntilQuery = None,
) -> tuple[Any, ...]:
    """Return what to export, in the order of the queries' parameters."""
    span: tuple[datetime | None, datetime | None] = since, until
    return device_id, observed_property, domain, district_id, source_id, *span


Selection = Annotated[tuple[Any, ...], Depends(_selection)]


async def _stream(
    request: Request, pool: Pool, source: Source, selection: tuple[Any, ...], name: str, kind: str
) -> StreamingResponse:
    exports: Exports = request.app.state.exports
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(await exports.begin(source, selection, pool), headers=headers, media_type=kind)


@router.get(
    "/observations.csv",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **responses(422, 503)},
)
async def export_csv(request: Request, pool: PoolDep, selection: Selection) -> StreamingResponse:
    """Every observation asked for as CSV, by device, property and time, whatever its quality.

    Columns: device_id, property, unit, phenomenon_time, received_at, result (empty where missing), quality (QARTOD:
    1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing), tests (a set of bits, see the glossary).
    """
    return await _stream(request, pool, copy_csv, selection, "observations.csv", "text/csv; charset=utf-8")


@router.get(
    "/observations.parquet",
    response_class=StreamingResponse,
    responses={
        200: {"content": {PARQUET: {"schema": {"type": "string", "format": "binary"}}}, "description": "A file"},
        **responses(422, 503),
    },
)
async def export_parquet(request: Request, pool: PoolDep, selection: Selection) -> StreamingResponse:
    """Every observation asked for as Parquet, columns and order as the CSV."""
    return await _stream(request, pool, copy_parquet, selection, "observations.parquet", PARQUET)


@router.get(
    "/observations.geojson",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/geo+json": {"schema": {"type": "object"}}}}, **responses(422, 503)},
)
async def export_geojson(request: Request, pool: PoolDep, selection: Selection) -> StreamingResponse:
    """Every observation asked for as a GeoJSON feature at its device, in the order of the CSV."""
    return await _stream(request, pool, copy_geojson, selection, "observations.geojson", "application/geo+json")
