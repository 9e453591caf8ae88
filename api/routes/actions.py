"""What people do about alerts: each step changes state and journal together, or answers 409 with the reason."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Response

from api.answer import answer
from api.context import ActorDep, NowDep, PoolDep
from api.permissions import Allow, Permission
from api.problems import ProblemError, not_found, responses
from api.routes.alerts import AlertNumber, read_detail
from api.schemas import Acknowledge, AlertDetail, Assign, Comment, Shelve
from api.version import PREFIX
from citywatch.errors import AlertError
from rules import actions
from sql.connection import Connection, Pool
from sql.queries import query

router = APIRouter(prefix=f"{PREFIX}/alerts/{{alert_id}}", tags=["alerts"], dependencies=[Allow(Permission.OPERATE)])
PROBLEMS = responses(400, 403, 404, 409, 413, 422, 503)


async def _act(pool: Pool, alert_id: int, step: Callable[[Connection], Awaitable[Any]]) -> Response:
    """Take one step and return the alert as it is then; raise ProblemError 404 or 409."""
    async with pool.acquire() as connection:
        if not await connection.fetchval(query("api", "alert_exists"), alert_id):
            raise not_found("alert", alert_id)
        try:
            await step(connection)
        except AlertError as error:
            raise ProblemError(409, "not-possible", str(error)) from None
    return answer(await read_detail(pool, alert_id))


@router.post("/acknowledge", response_model=AlertDetail, responses=PROBLEMS)
async def acknowledge_alert(
    pool: PoolDep, actor: ActorDep, now: NowDep, alert_id: AlertNumber, body: Acknowledge | None = None
) -> Response:
    """Say that somebody has seen the alert and acts. Doing so again changes nothing."""
    comment = body.comment if body is not None else ""
    return await _act(pool, alert_id, lambda c: actions.acknowledge(c, alert_id, actor, now, comment))


@router.post("/comment", response_model=AlertDetail, responses=PROBLEMS)
async def comment_alert(pool: PoolDep, actor: ActorDep, now: NowDep, alert_id: AlertNumber, body: Comment) -> Response:
    """Add a remark to the journal, of an open alert or a closed one."""
    return await _act(pool, alert_id, lambda c: actions.comment(c, alert_id, actor, now, body.comment))


@router.post("/assign", response_model=AlertDetail, responses=PROBLEMS)
async def assign_alert(pool: PoolDep, actor: ActorDep, now: NowDep, alert_id: AlertNumber, body: Assign) -> Response:
    """Make somebody responsible for an open alert."""
    return await _act(pool, alert_id, lambda c: actions.assign(c, alert_id, actor, now, body.to))


@router.post("/shelve", response_model=AlertDetail, responses=PROBLEMS)
async def shelve_alert(pool: PoolDep, actor: ActorDep, now: NowDep, alert_id: AlertNumber, body: Shelve) -> Response:
    """Keep the alert quiet for a while, with a reason; it ends by itself, at most seven days from now."""
    return await _act(pool, alert_id, lambda c: actions.shelve(c, alert_id, actor, now, body.until, body.comment))


@router.post("/unshelve", response_model=AlertDetail, responses=PROBLEMS)
async def unshelve_alert(
    pool: PoolDep, actor: ActorDep, now: NowDep, alert_id: AlertNumber, body: Acknowledge | None = None
) -> Response:
    """End a shelving before its time."""
    comment = body.comment if body is not None else ""
    return await _act(pool, alert_id, lambda c: actions.unshelve(c, alert_id, actor, now, comment))


@router.post("/reset", response_model=AlertDetail, responses=PROBLEMS)
async def reset_alert(
    pool: PoolDep, actor: ActorDep, now: NowDep, alert_id: AlertNumber, body: Acknowledge | None = None
) -> Response:
    """End a latched alert whose condition has gone."""
    comment = body.comment if body is not None else ""
    return await _act(pool, alert_id, lambda c: actions.reset(c, alert_id, actor, now, comment))


@router.post("/call-back", response_model=AlertDetail, responses=PROBLEMS)
async def call_back_alert(
    pool: PoolDep, actor: ActorDep, now: NowDep, alert_id: AlertNumber, body: Comment
) -> Response:
    """Open a closed alert again, with the reason: what it is about is not done."""
    return await _act(pool, alert_id, lambda c: actions.call_back(c, alert_id, actor, now, body.comment))
