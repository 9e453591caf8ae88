"""The rules in force."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.answer import answer, rows
from api.context import PoolDep, Word
from api.permissions import Allow, Permission
from api.problems import not_found, responses
from api.schemas import Rule, RuleList
from api.version import PREFIX
from sql.queries import query

router = APIRouter(prefix=PREFIX, tags=["rules"], dependencies=[Allow(Permission.READ)])


@router.get("/rules", response_model=RuleList, responses=responses(422, 503))
async def list_rules(pool: PoolDep) -> Response:
    """Every rule in its present version, with the number of its open alerts."""
    return answer({"items": rows(await pool.fetch(query("api", "rules"), None))})


@router.get("/rules/{rule_id}", response_model=Rule, responses=responses(404, 422, 503))
async def get_rule(
    pool: PoolDep, rule_id: Annotated[Word, Path(description="rule", examples=["bin-full"])]
) -> Response:
    """One rule in its present version."""
    found = await pool.fetchrow(query("api", "rules"), rule_id)
    if found is None:
        raise not_found("rule", rule_id)
    return answer(dict(found))
