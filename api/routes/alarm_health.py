"""How the alerts themselves do, and why one was raised."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.answer import answer
from api.context import NowDep, PoolDep, SinceQuery, UntilQuery
from api.permissions import Allow, Permission
from api.problems import ProblemError, not_found, responses
from api.routes.alerts import AlertNumber
from api.rule_schemas import ExplainedAlert
from api.version import PREFIX
from api.work_schemas import AlarmHealth
from citywatch.errors import AlertError, RuleError
from rules.explain import explain
from rules.health import alarm_health
from sql.queries import query

router = APIRouter(prefix=PREFIX, tags=["alerts"], dependencies=[Allow(Permission.READ)])
USUAL, LONGEST = timedelta(days=30), timedelta(days=400)


@router.get("/alarm-health", response_model=AlarmHealth, responses=responses(409, 422, 503))
async def get_alarm_health(
    pool: PoolDep,
    now: NowDep,
    since: SinceQuery = None,
    until: UntilQuery = None,
    operators: Annotated[int, Query(ge=1, le=1000, description="among how many operators alerts are shared")] = 1,
) -> Response:
    """Rate per operator, floods, chattering, stale, the worst ten, time to acknowledge and resolve (ISA-18.2).

    By default the last 30 days.
    """
    end = until or now
    begin = since or max(end, end.min.replace(tzinfo=end.tzinfo) + USUAL) - USUAL
    if not begin < end or end - begin > LONGEST:
        raise ProblemError(409, "not-possible", f"a span of at most {LONGEST.days} days, its beginning first")
    async with pool.acquire() as connection:
        return answer(await alarm_health(connection, begin, end, now, operators))


@router.get("/alerts/{alert_id}/explain", response_model=ExplainedAlert, responses=responses(404, 409, 422, 503))
async def explain_alert(pool: PoolDep, alert_id: AlertNumber) -> Response:
    """Why the alert was raised: its stored inputs stepped again through the rule version that fired."""
    async with pool.acquire() as connection:
        if not await connection.fetchval(query("api", "alert_exists"), alert_id):
            raise not_found("alert", str(alert_id))
        try:
            found = await explain(connection, alert_id)
        except (AlertError, RuleError, KeyError) as error:
            raise ProblemError(409, "not-possible", f"it cannot be judged again: {error}") from None
    return answer(found.as_json())
