"""Alerts as they stand, with their journal."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.alert_schemas import AlertDetail, AlertPage
from api.answer import answer, rows
from api.condition_units import units_in
from api.context import (
    DeviceQuery,
    DistrictQuery,
    DomainQuery,
    PoolDep,
)
from api.paging import Cursor, Limit, decode_cursor, encode_cursor
from api.permissions import Allow, Permission
from api.plain import Word
from api.problems import not_found, responses
from api.schemas import Severity
from api.version import PREFIX
from rules.lifecycle import AlertState
from sql.connection import Pool
from sql.queries import query

router = APIRouter(prefix=PREFIX, tags=["alerts"], dependencies=[Allow(Permission.READ)])

AlertNumber = Annotated[int, Path(ge=1, le=2**63 - 1, description="alert_id")]
# What an operator reads beside an alert, out of the rule version that fired.
GUIDANCE = ("title", "cause", "consequence", "operator_action", "time_to_respond", "owner")


async def read_detail(pool: Pool, alert_id: int) -> dict[str, Any]:
    """Return one alert with journal, inputs and guidance; raise ProblemError 404."""
    found = await pool.fetch(query("api", "alerts"), *[None] * 9, 1, [alert_id], None)
    if not found:
        raise not_found("alert", alert_id)
    (behind,) = await pool.fetch(query("api", "alert_inputs"), alert_id)
    events = rows(await pool.fetch(query("api", "alert_events"), alert_id))
    rule = {key: behind["definition"][key] for key in GUIDANCE if key in behind["definition"]}
    return {
        **found[0],
        "inputs": behind["inputs"],
        "rule": rule,
        "units": units_in(behind["definition"].get("condition")),
        "events": events,
    }


@router.get("/alerts", response_model=AlertPage, responses=responses(404, 422, 503))
async def list_alerts(
    pool: PoolDep,
    open_: Annotated[bool | None, Query(alias="open", description="open ones only, or closed ones only")] = None,
    severity: Annotated[Severity | None, Query(description="how bad")] = None,
    state: Annotated[
        list[AlertState] | None,
        Query(
            max_length=len(AlertState), description="ISA-18.2 states, one or more; `open` has a parameter of its own"
        ),
    ] = None,
    domain: DomainQuery = None,
    device_id: DeviceQuery = None,
    district_id: DistrictQuery = None,
    rule_id: Annotated[Word | None, Query(description="rule that raised it")] = None,
    source_id: Annotated[Word | None, Query(description="source of time; about no device is `live`")] = None,
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
            source_id,
        )
    )
    page = found[:limit]
    more = encode_cursor(page[-1]["raised_at"], page[-1]["alert_id"]) if len(found) > limit else None
    return answer({"items": page, "next_cursor": more})


@router.get("/alerts/{alert_id}", response_model=AlertDetail, responses=responses(404, 422, 503))
async def get_alert(pool: PoolDep, alert_id: AlertNumber) -> Response:
    """One alert with its journal, what the verdict was made from, and what to do about it."""
    return answer(await read_detail(pool, alert_id))
