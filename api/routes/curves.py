"""Curves of many datastreams in one answer: what a heat map, small multiples or a band of stations is drawn from."""

from datetime import timedelta
from itertools import groupby
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from api.answer import answer
from api.context import DomainQuery, PoolDep
from api.permissions import Allow, Permission
from api.plain import Word
from api.problems import ProblemError, responses
from api.schemas import Instant, SeriesList
from api.version import PREFIX
from sql.queries import query
from sql.resolution import GAP, WIDTHS, bucket_point, is_direction, with_gaps

router = APIRouter(prefix=PREFIX, tags=["observations"], dependencies=[Allow(Permission.READ)])

MOST_POINTS = 200_000  # over all curves of one answer; more than that is an export


@router.get("/curves", response_model=SeriesList, responses=responses(422, 503))
async def get_curves(
    pool: PoolDep,
    observed_property: Annotated[
        list[Word], Query(alias="property", min_length=1, max_length=20, description="observed properties")
    ],
    since: Annotated[Instant, Query(description="from this time on", examples=["2026-11-23T00:00:00Z"])],
    until: Annotated[Instant, Query(description="before this time", examples=["2026-11-24T00:00:00Z"])],
    resolution: Annotated[Literal["minute", "quarter", "hour", "day"], Query(description="width of a point")] = "hour",
    source_id: Annotated[Word, Query(description="source of time")] = "live",
    domain: DomainQuery = None,
) -> Response:
    """The curves of every datastream of some properties; those without a reading in the span are left out."""
    width: timedelta = WIDTHS[resolution]
    text = query("curves", "curves").replace("rollup_hour", f"rollup_{resolution}")
    found = await pool.fetch(text, source_id, observed_property, domain, since, until, MOST_POINTS + 1)
    if len(found) > MOST_POINTS:
        raise ProblemError(
            422, "too-much", f"more than {MOST_POINTS} points: ask for a coarser resolution or less time"
        )
    items = []
    for _, group in groupby(found, key=lambda row: row["datastream_id"]):
        rows = list(group)
        first = rows[0]
        circular = is_direction(first["property"])
        points = [bucket_point(row, circular=circular) for row in rows]
        gap = max(GAP * first["expected_interval"], width * 1.5)
        items.append(
            {
                **{key: first[key] for key in ("datastream_id", "device_id", "property", "unit")},
                "resolution": resolution,
                "points": with_gaps(points, gap, width),
            }
        )
    return answer({"items": items})
