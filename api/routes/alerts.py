"""Alerts and what people do about them."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.answer import answer, rows
from api.context import (
    ActorDep,
    DeviceQuery,
    DistrictQuery,
    DomainQuery,
    NowDep,
    PoolDep,
    Word,
)
from api.paging import Cursor, Limit, decode_cursor, encode_cursor
from api.problems import ProblemError, not_found, responses
from api.schemas import Acknowledge, AlertDetail, AlertPage, Severity
from sql.connection import Pool
from sql.queries import query

router = APIRouter(tags=["alerts"])

AlertNumber = Annotated[int, Path(ge=1, le=2**63 - 1, description="alert_id")]
# What an operator reads beside an alert, out of the rule version that fired.
GUIDANCE = ("title", "cause", "consequence", "operator_action", "time_to_respond", "owner")


async def _detail(pool: Pool, alert_id: int) -> dict[str, Any]:
    """Return one alert with journal, inputs and guidance; raise ProblemError 404."""
    found = await pool.fetch(query("api", "alerts"), *[None] * 9, 1, [alert_id])
    if not found:
        raise not_found("alert", alert_id)
    (behind,) = await pool.fetch(query("api", "alert_inputs"), alert_id)
    events = rows(await pool.fetch(query("api", "alert_events"), alert_id))
    rule = {key: behind["definition"][key] for key in GUIDANCE if key in behind["definition"]}
    return {**found[0], "inputs": behind["inputs"], "rule": rule, "events": events}


@router.get("/alerts", response_model=AlertPage, responses=responses(422, 503))
async def list_alerts(
    pool: PoolDep,
    open_: Annotated[bool | None, Query(alias="open", description="open ones only, or closed ones only")] = None,
    severity: Annotated[Severity | None, Query()] = None,
    state: Annotated[Word | None, Query(description="ISA-18.2 state, such as unacknowledged")] = None,
    domain: DomainQuery = None,
    device_id: DeviceQuery = None,
    district_id: DistrictQuery = None,
    rule_id: Annotated[Word | None, Query(description="rule that raised it")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """Alerts, newest first."""
    raised_at, alert_id = decode_cursor(cursor, datetime, int)
    found = rows(
        await pool.fetch(
            query("api", "alerts"),
            open_,
            severity,
            domain,
            device_id,
            district_id,
            rule_id,
            state,
            raised_at,
            alert_id,
            limit + 1,
            None,
        )
    )
    page = found[:limit]
    more = encode_cursor(page[-1]["raised_at"], page[-1]["alert_id"]) if len(found) > limit else None
    return answer({"items": page, "next_cursor": more})


@router.get("/alerts/{alert_id}", response_model=AlertDetail, responses=responses(404, 422, 503))
async def get_alert(pool: PoolDep, alert_id: AlertNumber) -> Response:
    """One alert with its journal, what the verdict was made from, and what to do about it."""
    return answer(await _detail(pool, alert_id))


@router.post(
    "/alerts/{alert_id}/acknowledge", response_model=AlertDetail, responses=responses(403, 404, 409, 413, 422, 503)
)
async def acknowledge_alert(
    pool: PoolDep, actor: ActorDep, now: NowDep, alert_id: AlertNumber, body: Acknowledge | None = None
) -> Response:
    """Take note of an alert: its state and its journal change together. 409 if there is nothing to acknowledge."""
    comment = body.comment if body is not None else ""
    result = await pool.fetchrow(query("api", "acknowledge_alert"), alert_id, actor, comment, now)
    if result is None:
        raise not_found("alert", alert_id)
    if result["to_state"] is None:
        raise ProblemError(409, "nothing-to-acknowledge", f"alert {alert_id} is {result['from_state']}")
    return answer(await _detail(pool, alert_id))
