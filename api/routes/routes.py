"""Collection routes: which truck empties which bins today, from the levels their sensors show."""

import asyncio
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse

from api import meaning_schemas as shapes
from api.answer import answer
from api.context import DistrictQuery, PoolDep
from api.permissions import Allow, Permission
from api.plain import Word
from api.problems import ProblemError, not_found, responses
from api.version import PREFIX
from indicators.collection import Shift, Task, TooManyBinsError, collection_task, plan_as_told, seconds_of, solve
from indicators.route_export import to_csv, to_geojson
from indicators.routes import Plan

router = APIRouter(prefix=PREFIX, tags=["meaning"], dependencies=[Allow(Permission.READ)])

PATIENCE = 30.0  # seconds that a question waits for the plans before it
FEW = 25  # bins whose plan takes less than starting a process would


@router.get(
    "/routes",
    response_model=shapes.Plan,
    responses={
        200: {"content": {"application/geo+json": {"schema": {"type": "object"}}, "text/csv": {}}},
        **responses(404, 409, 422, 503),
    },
)
async def get_routes(
    request: Request,
    pool: PoolDep,
    trucks: Annotated[int, Query(ge=1, le=50, description="how many go out")] = 2,
    capacity: Annotated[int, Query(ge=100, le=100_000, description="litres a truck holds, as they lie in bins")] = 8000,
    least_level: Annotated[float, Query(ge=0, le=100, description="bins this full are visited, percent")] = 60.0,
    full_within: Annotated[
        float | None, Query(gt=0, le=1344, description="and bins that may be full within so many hours, 90 % band")
    ] = None,
    district_id: DistrictQuery = None,
    source_id: Annotated[Word, Query(description="source of time")] = "live",
    depot_latitude: Annotated[float | None, Query(ge=-90, le=90, description="none: the middle of the bins")] = None,
    depot_longitude: Annotated[float | None, Query(ge=-180, le=180, description="with it")] = None,
    shift_start: Annotated[str, Query(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="hh:mm")] = "06:00",
    shift_end: Annotated[str, Query(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="hh:mm")] = "14:00",
    form: Annotated[Literal["json", "geojson", "csv"], Query(alias="format", description="csv: one truck's")] = "json",
    truck: Annotated[str, Query(pattern=r"^[1-9]\d?$", description="with csv: which truck")] = "1",
) -> Response:
    """Routes for today's full bins: capacity, shift and urgency kept, what cannot be served named with the reason."""
    shift = Shift(trucks, capacity, seconds_of(shift_start), seconds_of(shift_end))
    depot = None
    if depot_latitude is not None and depot_longitude is not None:
        depot = depot_latitude, depot_longitude
    try:
        task = await collection_task(pool, shift, least_level, source_id, district_id, depot, full_within)
    except TooManyBinsError as error:
        raise ProblemError(409, "too-much", str(error)) from None
    plan, in_order = await solve_apart(request.app.state.solver_turn, task)
    if form == "geojson":
        return answer(to_geojson(plan, task.positions[0], task.by_bin), media_type="application/geo+json")
    if form == "csv":
        chosen = [route for route in plan.routes if route.truck == truck]
        if not chosen:
            raise not_found("truck that goes out", truck)
        headers = {"Content-Disposition": f'attachment; filename="truck-{truck}.csv"'}
        return PlainTextResponse(to_csv(chosen[0]), media_type="text/csv; charset=utf-8", headers=headers)
    return answer(plan_as_told(plan, task, in_order))


async def solve_apart(turn: asyncio.Semaphore, task: Task, patience: float = PATIENCE) -> tuple[Plan, int]:
    """Solve in a process of its own where it takes seconds, for which the solver holds the interpreter."""
    if len(task.stops) <= FEW:
        return await asyncio.to_thread(solve, task)
    try:
        # The page asks for several at once, to compare them: they take turns.
        async with asyncio.timeout(patience):
            await turn.acquire()
    except TimeoutError:
        raise ProblemError(503, "busy", "other plans are being made: try again in a few seconds", wait=5) from None
    try:
        # One that lives as long as the question: plans are made a few times a day.
        executor = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, solve, task)
        finally:
            executor.shutdown(wait=False)  # waiting would hold up everybody's requests
    finally:
        turn.release()
