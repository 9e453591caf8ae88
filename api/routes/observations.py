"""Curves: observations of one datastream, and of one property over the city."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from api.answer import answer
from api.context import DistrictQuery, DomainQuery, NowDep, PoolDep, SinceQuery, UntilQuery
from api.permissions import Allow, Permission
from api.plain import Word
from api.problems import ProblemError, not_found, responses
from api.schemas import Profile, Resolution, Series
from api.version import PREFIX
from sql.connection import Pool
from sql.queries import query
from sql.read import read_profile, read_series
from sql.resolution import pick

router = APIRouter(prefix=PREFIX, tags=["observations"], dependencies=[Allow(Permission.READ)])

DAY = timedelta(days=1)
EARLIEST = datetime(2, 1, 1, tzinfo=UTC)
MOST_ROWS = 100_000  # raw rows or buckets read for one answer; more than that is an export

PointsQuery = Annotated[int, Query(ge=10, le=5000, description="about how many points to answer with")]
DatastreamQuery = Annotated[int, Query(ge=1, le=2**31 - 1, description="datastream, as listed by /datastreams")]


def _span(since: datetime | None, until: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """Return the span asked for, perhaps empty; by default the day before `until`, which by default is now."""
    end = until or now
    return since or max(end, EARLIEST) - DAY, end


async def _affordable(
    pool: Pool,
    datastream_id: int,
    span: tuple[datetime, datetime],
    interval: timedelta,
    wanted: Resolution,
    points: int,
) -> Resolution:
    """Return the resolution to read; raise ProblemError if the one asked for would read too much for one answer."""
    start, end = span
    resolution = pick(end - start, interval, points).resolution if wanted == "auto" else wanted
    # Counted, not reckoned: a device may report more often than it should, and years may be empty.
    if resolution == "raw":
        read = await pool.fetchval(query("api", "raw_rows"), datastream_id, start, end, MOST_ROWS + 1)
    else:
        text = query("api", "rollup_rows").replace("rollup_minute", f"rollup_{resolution}")
        read = await pool.fetchval(text, datastream_id, start, end, MOST_ROWS + 1)
    if read <= MOST_ROWS:
        return wanted
    if wanted == "auto":
        return "minute"
    raise ProblemError(
        422, "too-much", f"more than {MOST_ROWS} rows of resolution {wanted}: ask for a coarser one, or for an export"
    )


@router.get("/observations", response_model=Series, responses=responses(404, 422, 503))
async def get_observations(
    pool: PoolDep,
    now: NowDep,
    datastream_id: DatastreamQuery,
    since: SinceQuery = None,
    until: UntilQuery = None,
    resolution: Annotated[Resolution, Query(description="auto: the finest that gives about max_points")] = "auto",
    max_points: PointsQuery = 500,
) -> Response:
    """Observations of one datastream as a curve, by default over the last day of its device's own clock.

    Raw readings are thinned to keep the curve's shape; buckets carry n, min, max and the share of good readings. A
    point without a value is where the line breaks. Raw rows in full come from the export.
    """
    found = await pool.fetchrow(query("api", "datastream_now"), datastream_id)
    if found is None:
        raise not_found("datastream", datastream_id)
    start, end = span = _span(since, until, found["now"] or now)
    if start >= end:
        stream = {key: found[key] for key in ("device_id", "property", "unit")}
        return answer({"datastream_id": datastream_id, **stream, "resolution": resolution, "points": []})
    chosen = await _affordable(pool, datastream_id, span, found["expected_interval"], resolution, max_points)
    return answer(await read_series(pool, datastream_id, *span, resolution=chosen, points=max_points))


@router.get("/profile", response_model=Profile, responses=responses(422, 503))
async def get_profile(
    pool: PoolDep,
    now: NowDep,
    observed_property: Annotated[Word, Query(alias="property", description="observed property", examples=["pm2_5"])],
    district_id: DistrictQuery = None,
    domain: DomainQuery = None,
    since: SinceQuery = None,
    until: UntilQuery = None,
    resolution: Annotated[Literal["auto", "hour", "day"], Query(description="auto: hours, or days for long spans")] = (
        "auto"
    ),
) -> Response:
    """One property over the whole city or one district, hour by hour, by default over the last day.

    The default span ends at the now of the source with the most devices.
    """
    (source,) = await pool.fetch(query("api", "main_source"))
    start, end = _span(since, until, source["now"] or now)
    profile = await read_profile(
        pool, observed_property, start, end, district_id=district_id, domain=domain, resolution=resolution
    )
    return answer(profile)
