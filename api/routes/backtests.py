"""Looking back: what a rule, or a changed one, would have raised over stored history."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from api.answer import answer, rows
from api.context import UNLIMITED, ActorDep, WholePoolDep
from api.paging import Cursor, Limit, decode_cursor, encode_cursor
from api.permissions import Allow, Permission
from api.problems import ProblemError, not_found, responses
from api.rule_schemas import Backtest, BacktestPage, LookBack
from api.version import PREFIX
from citywatch.errors import RuleError
from citywatch.local.running import store_dsn
from rules.definitions import parse_definition
from rules.jobs import LOST_AFTER, begin, run_apart
from sql.connection import Pool
from sql.queries import query

# A look-back reads the whole city, and says so in its result.
router = APIRouter(prefix=f"{PREFIX}/backtests", tags=["rules"], dependencies=[UNLIMITED])
READ, CONFIGURE = [Allow(Permission.READ)], [Allow(Permission.CONFIGURE)]
CHANGES = responses(400, 403, 404, 409, 413, 422, 503)
JobNumber = Annotated[int, Path(ge=1, le=2**63 - 1, description="backtest_id")]


async def _job(pool: Pool, number: int) -> dict[str, Any]:
    found = await pool.fetchrow(query("jobs", "jobs"), number, None, 1, LOST_AFTER)
    if found is None:
        raise not_found("backtest", str(number))
    return dict(found)


@router.get("", response_model=BacktestPage, responses=responses(403, 404, 422, 503), dependencies=READ)
async def list_backtests(pool: WholePoolDep, cursor: Cursor = None, limit: Limit = 50) -> Response:
    """Look-backs, newest first, without their results."""
    (before,) = decode_cursor(cursor, int)
    found = rows(await pool.fetch(query("jobs", "jobs"), None, before, limit + 1, LOST_AFTER))
    page = found[:limit]
    more = encode_cursor(page[-1]["backtest_id"]) if len(found) > limit else None
    return answer({"items": page, "next_cursor": more})


@router.post("", response_model=Backtest, responses=CHANGES, dependencies=CONFIGURE)
async def begin_backtest(request: Request, pool: WholePoolDep, actor: ActorDep, body: LookBack) -> Response:
    """Begin to look back; ask for its number until it is done. One runs at a time, others wait."""
    try:
        # Apart from the loop: a long text takes a while to read, and everybody else goes on being answered.
        made = None if body.text is None else await asyncio.to_thread(parse_definition, body.text, "rule")
        if made is not None and made.rule.rule_id != body.rule_id:
            raise RuleError(f"rule:1: the text defines another rule than {body.rule_id!r}")
        async with pool.acquire() as connection:
            number = await begin(connection, body.rule_id, body.text, body.since, body.until, actor)
    except RuleError as error:
        raise ProblemError(409, "not-possible", str(error)) from None
    run_apart(store_dsn(request.app.state.settings))
    return answer(await _job(pool, number))


@router.get("/{backtest_id}", response_model=Backtest, responses=responses(403, 404, 422, 503), dependencies=READ)
async def get_backtest(pool: WholePoolDep, backtest_id: JobNumber) -> Response:
    """One look-back: its progress, and once it is done what would have been added, removed and moved, and the load."""
    return answer(await _job(pool, backtest_id))


@router.delete("/{backtest_id}", response_model=Backtest, responses=CHANGES, dependencies=CONFIGURE)
async def cancel_backtest(pool: WholePoolDep, backtest_id: JobNumber) -> Response:
    """Stop a look-back that waits or runs."""
    await _job(pool, backtest_id)
    if await pool.fetchval(query("jobs", "cancel"), backtest_id) is None:
        raise ProblemError(409, "not-possible", "the look-back is over already")
    return answer(await _job(pool, backtest_id))
