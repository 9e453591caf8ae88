"""The rules in force, their versions, and how they are checked, changed and switched."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from api.answer import answer, rows
from api.condition_units import with_units
from api.context import UNLIMITED, ActorDep, AddressDep, NowDep, PoolDep, WholePoolDep
from api.permissions import Allow, Permission
from api.plain import Word
from api.problems import ProblemError, not_found, responses
from api.rule_schemas import Rule, RuleChange, RuleChecked, RuleList, RuleSwitch, RuleText, RuleVersions
from api.version import PREFIX
from citywatch.errors import RuleError
from rules.check import check_text
from rules.store import put_rule, rule_record, switch_rule
from sql.connection import Pool
from sql.queries import query

router = APIRouter(prefix=PREFIX, tags=["rules"])
READ, CONFIGURE = [Allow(Permission.READ)], [Allow(Permission.CONFIGURE)]
CHANGE = [*CONFIGURE, UNLIMITED]  # a rule holds everywhere
CHANGES = responses(400, 403, 404, 409, 413, 422, 503)
RuleName = Annotated[Word, Path(description="rule", examples=["bin-nearly-full"])]


async def _rule(pool: Pool, rule_id: str) -> dict[str, Any]:
    found = await pool.fetchrow(query("api", "rules"), rule_id)
    if found is None:
        raise not_found("rule", rule_id)
    return with_units(dict(found))


@router.get("/rules", response_model=RuleList, responses=responses(422, 503), dependencies=READ)
async def list_rules(pool: PoolDep) -> Response:
    """Every rule in its present version, with the number of its open alerts."""
    return answer({"items": [with_units(rule) for rule in rows(await pool.fetch(query("api", "rules"), None))]})


@router.post("/rules/check", response_model=RuleChecked, responses=CHANGES, dependencies=CONFIGURE)
async def check_rule_text(now: NowDep, body: RuleText) -> Response:
    """Read a rule and run its tests, without keeping anything; answers with all mistakes, line by line."""
    definition, mistakes = await asyncio.to_thread(check_text, body.text, body.tests, now.date())
    record = None if definition is None else rule_record(definition.rule)
    return answer({"mistakes": mistakes, "rule": record})


@router.get("/rules/{rule_id}", response_model=Rule, responses=responses(404, 422, 503), dependencies=READ)
async def get_rule(pool: PoolDep, rule_id: RuleName) -> Response:
    """One rule in its present version."""
    return answer(await _rule(pool, rule_id))


@router.get(
    "/rules/{rule_id}/versions", response_model=RuleVersions, responses=responses(404, 422, 503), dependencies=READ
)
async def list_rule_versions(pool: PoolDep, rule_id: RuleName) -> Response:
    """Every version of a rule with its text, tests, author and reason, newest first."""
    await _rule(pool, rule_id)
    return answer({"items": rows(await pool.fetch(query("rules", "versions_of"), rule_id))})


@router.put("/rules/{rule_id}", response_model=Rule, responses=CHANGES, dependencies=CHANGE)
async def change_rule(
    pool: WholePoolDep, actor: ActorDep, address: AddressDep, now: NowDep, rule_id: RuleName, body: RuleChange
) -> Response:
    """Put a new version of a rule in force, or a new rule. It must have no mistake, and tests of both kinds."""
    definition, mistakes = await asyncio.to_thread(check_text, body.text, body.tests, now.date())
    if definition is not None and definition.rule.rule_id != rule_id:
        mistakes.append(f"rule:1: the rule is called {definition.rule.rule_id!r}, and is put as {rule_id!r}")
    if mistakes or definition is None:
        raise ProblemError(409, "not-possible", "\n".join(mistakes))
    async with pool.acquire() as connection:
        try:
            await put_rule(
                connection, definition.with_tests(body.tests), actor, body.reason, body.known_version, address
            )
        except RuleError as error:
            raise ProblemError(409, "not-possible", str(error)) from None
    return answer(await _rule(pool, rule_id))


@router.post("/rules/{rule_id}/enable", response_model=Rule, responses=CHANGES, dependencies=CHANGE)
async def enable_rule(
    pool: WholePoolDep, actor: ActorDep, address: AddressDep, rule_id: RuleName, body: RuleSwitch
) -> Response:
    """Switch a rule on, with the reason."""
    return await _switch(pool, rule_id, True, actor, body.reason, address)


@router.post("/rules/{rule_id}/disable", response_model=Rule, responses=CHANGES, dependencies=CHANGE)
async def disable_rule(
    pool: WholePoolDep, actor: ActorDep, address: AddressDep, rule_id: RuleName, body: RuleSwitch
) -> Response:
    """Switch a rule off, with the reason; its open alerts are withdrawn."""
    return await _switch(pool, rule_id, False, actor, body.reason, address)


async def _switch(pool: Pool, rule_id: str, enabled: bool, actor: str, reason: str, address: str) -> Response:
    await _rule(pool, rule_id)
    async with pool.acquire() as connection:
        try:
            await switch_rule(connection, rule_id, enabled, actor, reason, address)
        except RuleError as error:
            raise ProblemError(409, "not-possible", str(error)) from None
    return answer(await _rule(pool, rule_id))
