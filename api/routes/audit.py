"""The audit log, for auditors."""

import json
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.answer import answer
from api.context import UNLIMITED, SinceQuery, UntilQuery, WholePoolDep
from api.paging import Cursor, Limit, decode_cursor, encode_cursor
from api.permissions import Allow, Permission
from api.plain import Word
from api.problems import responses
from api.schemas import AuditPage
from api.version import PREFIX
from sql.queries import query

# What was done anywhere, by anybody: a part of the city cannot be cut out of it.
router = APIRouter(prefix=PREFIX, tags=["audit"], dependencies=[Allow(Permission.AUDIT), UNLIMITED])


@router.get("/audit", response_model=AuditPage, responses=responses(403, 404, 422, 503))
async def list_audit(
    pool: WholePoolDep,
    actor: Annotated[Word | None, Query(description="who acted")] = None,
    action: Annotated[Word | None, Query(description="what was done", examples=["alert.acknowledge"])] = None,
    object_: Annotated[Word | None, Query(alias="object", description="to what", examples=["alert 17"])] = None,
    since: SinceQuery = None,
    until: UntilQuery = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """Who did what from where, newest first. `hash` chains each entry to the one before."""
    (below,) = decode_cursor(cursor, int)
    found = await pool.fetch(query("audit", "audit_page"), actor, action, object_, since, until, below, limit + 1)
    items = [{**row, "detail": json.loads(row["detail"])} for row in found[:limit]]
    return answer({"items": items, "next_cursor": encode_cursor(items[-1]["event_id"]) if len(found) > limit else None})
