"""What citizens reported (Open311), for those who act on it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.answer import answer, rows
from api.context import ActorDep, AddressDep, NowDep, PoolDep, SinceQuery, UntilQuery, WholePoolDep
from api.paging import Cursor, Limit, decode_cursor, encode_cursor
from api.permissions import Allow, Permission
from api.plain import PLAIN
from api.problems import ProblemError, not_found, responses
from api.routes.alerts import AlertNumber
from api.schemas import Instant, Page
from api.version import PREFIX
from sql.audit import audit
from sql.connection import Pool
from sql.queries import query

router = APIRouter(prefix=PREFIX, tags=["reports"], dependencies=[Allow(Permission.READ)])

ReportNumber = Annotated[int, Path(ge=1, le=2**63 - 1, description="report_id")]
StatusQuery = Annotated[Literal["open", "closed"] | None, Query(description="open ones only, or closed ones only")]


class Report(BaseModel):
    """A citizen's report; `times` is how often the same was reported, `device_id` the device it may be about."""

    report_id: int
    service_code: str
    domain: str
    at: Instant
    updated_at: Instant
    latitude: float
    longitude: float
    place: str
    description: str
    status: Literal["open", "closed"]
    status_notes: str
    times: int
    district_id: str | None
    device_id: str | None


class ReportPage(Page):
    """A page of reports, newest first."""

    items: list[Report]


class ReportList(BaseModel):
    """Reports beside an alert, newest first."""

    items: list[Report]


class Close(BaseModel):
    """Body of `POST /api/v1/reports/{id}/close`; the note is public."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field(min_length=1, max_length=500, pattern=PLAIN, examples=["Emptied this morning"])


@router.get("/reports", response_model=ReportPage, responses=responses(404, 422, 503))
async def list_reports(
    pool: PoolDep,
    status: StatusQuery = None,
    since: SinceQuery = None,
    until: UntilQuery = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """What citizens reported, newest first."""
    (before,) = decode_cursor(cursor, int)
    found = rows(await pool.fetch(query("open311", "reports"), None, status, since, until, None, before, limit + 1))
    page = found[:limit]
    more = encode_cursor(page[-1]["report_id"]) if len(found) > limit else None
    return answer({"items": page, "next_cursor": more})


@router.get("/alerts/{alert_id}/reports", response_model=ReportList, responses=responses(404, 422, 503))
async def list_alert_reports(pool: PoolDep, alert_id: AlertNumber) -> Response:
    """What citizens reported about an alert's device, from a day before it was raised: evidence, never its cause."""
    if not await pool.fetchval(query("api", "alert_exists"), alert_id):
        raise not_found("alert", alert_id)
    return answer({"items": rows(await pool.fetch(query("open311", "alert_reports"), alert_id))})


async def _read(pool: Pool, report_id: int) -> dict[str, Any]:
    found = await pool.fetch(query("open311", "reports"), None, None, None, None, [report_id], None, 1)
    if not found:
        raise not_found("report", report_id)
    return dict(found[0])


@router.post(
    "/reports/{report_id}/close",
    response_model=Report,
    dependencies=[Allow(Permission.OPERATE)],
    responses=responses(400, 403, 404, 409, 413, 422, 503),
)
async def close_report(
    report_id: ReportNumber,
    body: Close,
    sight: PoolDep,
    pool: WholePoolDep,
    now: NowDep,
    actor: ActorDep,
    address: AddressDep,
) -> Response:
    """Close a report with a note to those who made it."""
    await _read(sight, report_id)
    async with pool.acquire() as connection, connection.transaction():
        closed = await connection.fetchval(query("open311", "close_report"), report_id, body.note, now)
        if closed is None:
            raise ProblemError(409, "not-possible", f"report {report_id} is closed already")
        await audit(connection, actor, "report.close", f"report {report_id}", {"note": body.note}, address)
    return answer(await _read(sight, report_id))
