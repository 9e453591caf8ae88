"""The overview's figures and the state of the system."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.answer import answer
from api.context import NowDep, PoolDep, SettingsDep, WholePoolDep
from api.overview import read_device_counts, read_status, read_summary
from api.permissions import Allow, Permission
from api.plain import Word
from api.problems import responses
from api.status_schemas import DeviceCounts, Status, Summary
from api.version import PREFIX, VERSION

router = APIRouter(prefix=PREFIX, tags=["city"], dependencies=[Allow(Permission.READ)])


@router.get("/summary", response_model=Summary, responses=responses(422, 503))
async def get_summary(pool: PoolDep, now: NowDep) -> Response:
    """The overview: devices by freshness, open alerts by severity, key figures with their last 24 hours."""
    return answer((await read_summary(pool, now)).model_dump())


@router.get("/device-counts", response_model=DeviceCounts, responses=responses(422, 503))
async def get_device_counts(
    pool: PoolDep, source_id: Annotated[Word, Query(description="source of time")] = "live"
) -> Response:
    """How many devices are in each state of freshness, in all and by district, however many they are."""
    return answer((await read_device_counts(pool, source_id)).model_dump())


@router.get("/status", response_model=Status, responses=responses(422, 503))
async def get_status(pool: WholePoolDep, settings: SettingsDep, now: NowDep) -> Response:
    """The system's own state: processes, how far behind they are, counts, limits of this set-up."""
    return answer((await read_status(pool, settings, now, VERSION)).model_dump())
