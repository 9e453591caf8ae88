"""What people do about alerts: each step changes state and journal together, or answers 409 with the reason."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from api.alert_schemas import Acknowledge, AlertDetail, Assign, Comment, Shelve
from api.answer import answer
from api.context import ActorDep, AddressDep, NowDep, PoolDep, WholePoolDep
from api.permissions import Allow, Permission
from api.problems import ProblemError, not_found, responses
from api.routes.alerts import AlertNumber, read_detail
from api.version import PREFIX
from citywatch.errors import AlertError
from rules import actions
from sql.audit import audit
from sql.connection import Connection, Pool
from sql.queries import query

router = APIRouter(prefix=f"{PREFIX}/alerts/{{alert_id}}", tags=["alerts"], dependencies=[Allow(Permission.OPERATE)])
PROBLEMS = responses(400, 403, 404, 409, 413, 422, 503)


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts on which alert, from where, and with which sight of the city."""

    alert_id: int
    actor: str
    now: datetime
    address: str
    sight: Pool
    whole: Pool

    async def take(self, action: str, step: Callable[[Connection], Awaitable[Any]], **detail: object) -> Response:
        """Take one step with its audit entry and return the alert as it is then; raise ProblemError 404 or 409."""
        if not await self.sight.fetchval(query("api", "alert_exists"), self.alert_id):
            raise not_found("alert", self.alert_id)
        async with self.whole.acquire() as connection:
            try:
                async with connection.transaction():
                    await step(connection)
                    said = {key: value for key, value in detail.items() if value}
                    what = f"alert {self.alert_id}"
                    await audit(connection, self.actor, f"alert.{action}", what, said, self.address)
            except AlertError as error:
                raise ProblemError(409, "not-possible", str(error)) from None
        return answer(await read_detail(self.sight, self.alert_id))


async def _acting(
    alert_id: AlertNumber, actor: ActorDep, now: NowDep, address: AddressDep, sight: PoolDep, whole: WholePoolDep
) -> Acting:
    return Acting(alert_id, actor, now, address, sight, whole)


ActingDep = Annotated[Acting, Depends(_acting)]


@router.post("/acknowledge", response_model=AlertDetail, responses=PROBLEMS)
async def acknowledge_alert(acting: ActingDep, body: Acknowledge | None = None) -> Response:
    """Say that somebody has seen the alert and acts. Doing so again changes nothing."""
    comment = body.comment if body is not None else ""
    return await acting.take(
        "acknowledge",
        lambda c: actions.acknowledge(c, acting.alert_id, acting.actor, acting.now, comment),
        comment=comment,
    )


@router.post("/comment", response_model=AlertDetail, responses=PROBLEMS)
async def comment_alert(acting: ActingDep, body: Comment) -> Response:
    """Add a remark to the journal, of an open alert or a closed one."""
    return await acting.take(
        "comment",
        lambda c: actions.comment(c, acting.alert_id, acting.actor, acting.now, body.comment),
        comment=body.comment,
    )


@router.post("/assign", response_model=AlertDetail, responses=PROBLEMS)
async def assign_alert(acting: ActingDep, body: Assign) -> Response:
    """Make somebody responsible for an open alert."""
    return await acting.take(
        "assign", lambda c: actions.assign(c, acting.alert_id, acting.actor, acting.now, body.to), to=body.to
    )


@router.post("/shelve", response_model=AlertDetail, responses=PROBLEMS)
async def shelve_alert(acting: ActingDep, body: Shelve) -> Response:
    """Keep the alert quiet for a while, with a reason; it ends by itself, at most seven days from now."""
    return await acting.take(
        "shelve",
        lambda c: actions.shelve(c, acting.alert_id, acting.actor, acting.now, body.until, body.comment),
        until=body.until,
        comment=body.comment,
    )


@router.post("/unshelve", response_model=AlertDetail, responses=PROBLEMS)
async def unshelve_alert(acting: ActingDep, body: Acknowledge | None = None) -> Response:
    """End a shelving before its time."""
    comment = body.comment if body is not None else ""
    return await acting.take(
        "unshelve", lambda c: actions.unshelve(c, acting.alert_id, acting.actor, acting.now, comment), comment=comment
    )


@router.post("/reset", response_model=AlertDetail, responses=PROBLEMS)
async def reset_alert(acting: ActingDep, body: Acknowledge | None = None) -> Response:
    """End a latched alert whose condition has gone."""
    comment = body.comment if body is not None else ""
    return await acting.take(
        "reset", lambda c: actions.reset(c, acting.alert_id, acting.actor, acting.now, comment), comment=comment
    )


@router.post("/call-back", response_model=AlertDetail, responses=PROBLEMS)
async def call_back_alert(acting: ActingDep, body: Comment) -> Response:
    """Open a closed alert again, with the reason: what it is about is not done."""
    return await acting.take(
        "call back",
        lambda c: actions.call_back(c, acting.alert_id, acting.actor, acting.now, body.comment),
        comment=body.comment,
    )
