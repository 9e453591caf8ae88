"""Work orders: alerts and incidents in the hands of a department."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response

from api.answer import answer, rows
from api.context import ActorDep, AddressDep, NowDep, PoolDep, SettingsDep, WholePoolDep
from api.paging import Cursor, Limit, decode_cursor, encode_cursor
from api.permissions import Allow, Permission
from api.plain import Word
from api.problems import ProblemError, not_found, responses
from api.version import PREFIX
from api.work_schemas import HandOver, WorkOrderDetail, WorkOrderPage, WorkReport, WorkStep
from citywatch.errors import AlertError
from rules.notify.sender import work_targets
from rules.work_orders import Report, WorkState, hand_over, proceed
from sql.connection import Pool
from sql.queries import query

router = APIRouter(prefix=f"{PREFIX}/work-orders", tags=["work orders"])
READ, OPERATE = [Allow(Permission.READ)], [Allow(Permission.OPERATE)]
PROBLEMS = responses(400, 403, 404, 409, 413, 422, 503)
OrderNumber = Annotated[int, Path(ge=1, le=2**63 - 1, description="work_order_id")]


async def _detail(pool: Pool, number: int, now: Any) -> dict[str, Any]:
    found = await pool.fetch(query("work", "orders"), number, None, None, None, now, None, 1)
    if not found:
        raise not_found("work order", str(number))
    return {**found[0], "events": rows(await pool.fetch(query("work", "order_events"), number))}


@router.get("", response_model=WorkOrderPage, responses=responses(404, 422, 503), dependencies=READ)
async def list_work_orders(
    pool: PoolDep,
    now: NowDep,
    queue: Annotated[Word | None, Query(description="department")] = None,
    state: Annotated[
        Literal["waiting", "accepted", "en_route", "done", "cancelled"] | None, Query(description="how far it is")
    ] = None,
    open_: Annotated[bool | None, Query(alias="open", description="not done yet, or done and cancelled")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """Work orders, newest first."""
    (before,) = decode_cursor(cursor, int)
    found = rows(await pool.fetch(query("work", "orders"), None, queue, state, open_, now, before, limit + 1))
    page = found[:limit]
    more = encode_cursor(page[-1]["work_order_id"]) if len(found) > limit else None
    return answer({"items": page, "next_cursor": more})


@router.get("/{work_order_id}", response_model=WorkOrderDetail, responses=responses(404, 422, 503), dependencies=READ)
async def get_work_order(pool: PoolDep, now: NowDep, work_order_id: OrderNumber) -> Response:
    """One work order with its journal."""
    return answer(await _detail(pool, work_order_id, now))


@router.post("", response_model=WorkOrderDetail, responses=PROBLEMS, dependencies=OPERATE)
async def hand_over_work(
    pool: PoolDep,
    whole: WholePoolDep,
    settings: SettingsDep,
    actor: ActorDep,
    address: AddressDep,
    now: NowDep,
    body: HandOver,
) -> Response:
    """Hand an open alert or incident to a department; it is told, and the work is due by severity."""
    if (body.alert_id is None) == (body.incident_id is None):
        raise ProblemError(409, "not-possible", "name an alert or an incident, one of them")
    alert_id = body.alert_id
    if body.incident_id is not None:
        alert_id = await pool.fetchval(query("work", "first_of_incident"), body.incident_id)
    if alert_id is None or not await pool.fetchval(query("api", "alert_exists"), alert_id):
        kind = "alert" if body.incident_id is None else "incident"
        raise not_found(kind, str(body.alert_id or body.incident_id))
    async with whole.acquire() as connection:
        try:
            number = await hand_over(
                connection,
                alert_id,
                body.queue,
                actor,
                now,
                incident_id=body.incident_id,
                task=body.task,
                due_at=body.due_at,
                note=body.note,
                targets=work_targets(settings.notify),
                address=address,
            )
        except AlertError as error:
            raise ProblemError(409, "not-possible", str(error)) from None
    return answer(await _detail(pool, number, now))


@router.post("/{work_order_id}/{step}", response_model=WorkOrderDetail, responses=PROBLEMS, dependencies=OPERATE)
async def proceed_work(
    pool: PoolDep,
    whole: WholePoolDep,
    settings: SettingsDep,
    actor: ActorDep,
    address: AddressDep,
    now: NowDep,
    work_order_id: OrderNumber,
    step: Annotated[WorkStep, Path(description="what happened")],
    body: WorkReport | None = None,
) -> Response:
    """Say how far the work is: accepted (with the crew), en route, done, or cancelled (with the reason)."""
    told = body or WorkReport()
    await _detail(pool, work_order_id, now)
    async with whole.acquire() as connection:
        try:
            report = Report(told.crew, told.note, told.photo_url)
            targets = work_targets(settings.notify)
            await proceed(connection, work_order_id, WorkState(step), actor, now, report, targets, address)
        except AlertError as error:
            raise ProblemError(409, "not-possible", str(error)) from None
    return answer(await _detail(pool, work_order_id, now))
