"""Incidents: alerts that have one cause in common, so that an operator sees one thing instead of thirty."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.alert_schemas import IncidentList
from api.answer import answer, rows
from api.context import PoolDep
from api.permissions import Allow, Permission
from api.problems import responses
from api.version import PREFIX
from sql.queries import query

router = APIRouter(prefix=PREFIX, tags=["alerts"], dependencies=[Allow(Permission.READ)])


@router.get("/incidents", response_model=IncidentList, responses=responses(422, 503))
async def list_incidents(
    pool: PoolDep,
    open_: Annotated[bool | None, Query(alias="open", description="open ones only, or closed ones only")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="at most so many")] = 200,
) -> Response:
    """Incidents with the numbers of their alerts, newest first."""
    return answer({"items": rows(await pool.fetch(query("console", "incidents"), open_, limit))})
