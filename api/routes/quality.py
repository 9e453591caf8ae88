"""What is wrong with the measuring itself: stretches of doubtful readings, and clocks that are off."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.answer import answer, rows
from api.context import DeviceQuery, PoolDep, PropertyQuery, UntilQuery
from api.ingest_schemas import ClockList, FlagRunPage
from api.paging import Cursor, Limit, decode_cursor, encode_cursor
from api.permissions import Allow, Permission
from api.problems import responses
from api.schemas import Instant
from api.version import PREFIX
from sql.queries import query

router = APIRouter(prefix=f"{PREFIX}/quality", tags=["quality"], dependencies=[Allow(Permission.READ)])

# Flagged readings nearer to one another than this are one stretch.
TOGETHER = timedelta(hours=1)


@router.get("/runs", response_model=FlagRunPage, responses=responses(404, 422, 503))
async def list_runs(
    pool: PoolDep,
    since: Annotated[Instant, Query(description="from this time on", examples=["2026-11-23T00:00:00Z"])],
    until: UntilQuery = None,
    device_id: DeviceQuery = None,
    observed_property: PropertyQuery = None,
    cursor: Cursor = None,
    limit: Limit = 1000,
) -> Response:
    """Stretches of readings that quality tests found doubtful (or whose time was put right), oldest first.

    Readings of one channel less than an hour apart are one stretch; `tests` is the set of tests that spoke.
    """
    began_at, datastream_id = decode_cursor(cursor, datetime, int)
    found = rows(
        await pool.fetch(
            query("quality", "flag_runs"),
            since,
            until,
            device_id,
            observed_property,
            TOGETHER,
            began_at,
            datastream_id,
            limit + 1,
        )
    )
    page = found[:limit]
    more = encode_cursor(page[-1]["began_at"], page[-1]["datastream_id"]) if len(found) > limit else None
    return answer({"items": page, "next_cursor": more})


@router.get("/clocks", response_model=ClockList, responses=responses(422, 503))
async def list_clocks(pool: PoolDep) -> Response:
    """Devices whose clocks are wrong by a constant, and whether their times are put right by it."""
    return answer({"items": rows(await pool.fetch(query("quality", "clocks")))})
