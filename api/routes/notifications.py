"""What was sent to whom, what waits, and what could not be delivered."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

from api.answer import answer, rows
from api.context import ActorDep, AddressDep, NowDep, PoolDep, Serial, WholePoolDep
from api.paging import Cursor, Limit, decode_cursor, encode_cursor
from api.permissions import Allow, Permission
from api.problems import ProblemError, responses
from api.version import PREFIX
from api.work_schemas import NotificationPage
from sql.audit import audit
from sql.queries import query

router = APIRouter(prefix=f"{PREFIX}/notifications", tags=["notifications"])


@router.get(
    "", response_model=NotificationPage, responses=responses(404, 422, 503), dependencies=[Allow(Permission.INSPECT)]
)
async def list_notifications(
    pool: PoolDep,
    state: Annotated[
        Literal["pending", "sent", "dropped", "dead", "held"] | None,
        Query(description="dead: could not be delivered; held: held back in a flood; dropped: pointless before due"),
    ] = None,
    alert_id: Annotated[Serial | None, Query(description="about this alert")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """The outbox, newest first: every message with its fate."""
    (before,) = decode_cursor(cursor, int)
    found = rows(await pool.fetch(query("notify", "notifications"), state, alert_id, before, limit + 1))
    page = found[:limit]
    more = encode_cursor(page[-1]["notification_id"]) if len(found) > limit else None
    return answer({"items": page, "next_cursor": more})


@router.post(
    "/{notification_id}/retry",
    response_model=NotificationPage,
    responses=responses(400, 403, 404, 409, 413, 422, 503),
    dependencies=[Allow(Permission.OPERATE)],
)
async def retry_notification(
    pool: PoolDep,
    whole: WholePoolDep,
    actor: ActorDep,
    address: AddressDep,
    now: NowDep,
    notification_id: Annotated[int, Path(ge=1, le=2**63 - 2, description="notification_id")],
) -> Response:
    """Try a dead letter again; answers with the notifications of its alert."""
    seen = await pool.fetch(query("notify", "notifications"), "dead", None, notification_id + 1, 1)
    if [row["notification_id"] for row in seen] != [notification_id]:
        raise ProblemError(409, "not-possible", f"notification {notification_id} is no dead letter")
    async with whole.acquire() as connection, connection.transaction():
        alert_id = await connection.fetchval(query("notify", "try_again"), notification_id, now)
        if alert_id is None:
            raise ProblemError(409, "not-possible", f"notification {notification_id} is no dead letter")
        await audit(connection, actor, "notification.retry", f"notification {notification_id}", None, address)
        found = rows(await connection.fetch(query("notify", "notifications"), None, alert_id, None, 100))
    return answer({"items": found, "next_cursor": None})
