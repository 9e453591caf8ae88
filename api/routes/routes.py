"""Collection routes: which truck empties which bins today, from the levels their sensors show."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse

from api import meaning_schemas as shapes
from api.answer import answer
from api.context import DistrictQuery, PoolDep, Word
from api.permissions import Allow, Permission
from api.problems import ProblemError, not_found, responses
from api.version import PREFIX
from indicators.distances import driving_seconds, road_metres
from indicators.route_export import clock, to_csv, to_geojson
from indicators.routes import Plan, Stop, Truck, in_bin_order, plan_routes
from sql.queries import query

router = APIRouter(prefix=PREFIX, tags=["meaning"], dependencies=[Allow(Permission.READ)])

MOST_BINS = 500
FEW = 25  # bins whose plan takes less than starting a process would
LITRES = 240.0  # of a bin whose registry does not say
SERVICE = 120  # seconds at a bin
URGENT, SOON = 90.0, 80.0  # percent: what is left out last when trucks are short

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Task:
    """A plan to be made: bins with their positions, trucks, and where they start."""

    stops: tuple[Stop, ...]
    trucks: tuple[Truck, ...]
    positions: tuple[Place, ...]  # the depot first


def solve(task: Task) -> tuple[Plan, int]:
    """Return the plan, and the distance of driving to the bins in the order given."""
    metres = road_metres(task.positions)
    plan = plan_routes(task.stops, task.trucks, metres, driving_seconds(metres))
    return plan, in_bin_order(task.stops, task.trucks, metres)


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
    begin, end = _seconds(shift_start), _seconds(shift_end)
    if end <= begin:
        end += 24 * 3600  # a night shift ends the day after
    found = await pool.fetch(query("meaning", "bins_to_empty"), least_level, source_id, district_id, MOST_BINS + 1)
    if len(found) > MOST_BINS:
        raise ProblemError(409, "too-much", f"more than {MOST_BINS} bins: raise least_level or take one district")
    places: list[Place] = [(row["latitude"], row["longitude"]) for row in found]
    depot = _depot(places, depot_latitude, depot_longitude)
    stops = tuple(_stop(row["device_id"], row["level"], row["litres"], end) for row in found)
    fleet = tuple(Truck(str(number), capacity, begin, end) for number in range(1, trucks + 1))
    plan, in_order = (Plan((), 0), 0)
    if stops:
        plan, in_order = await solve_apart(request.app.state.solver_turn, Task(stops, fleet, (depot, *places)))
    if form == "geojson":
        named = dict(zip((stop.bin_id for stop in stops), places, strict=True))
        return answer(to_geojson(plan, depot, named), media_type="application/geo+json")
    if form == "csv":
        chosen = [route for route in plan.routes if route.truck == truck]
        if not chosen:
            raise not_found("truck that goes out", truck)
        headers = {"Content-Disposition": f'attachment; filename="truck-{truck}.csv"'}
        return PlainTextResponse(to_csv(chosen[0]), media_type="text/csv; charset=utf-8", headers=headers)
    return answer(_told(plan, depot, len(stops), in_order))


async def solve_apart(turn: asyncio.Semaphore, task: Task) -> tuple[Plan, int]:
    """Solve in a process of its own where it takes seconds, for which the solver holds the interpreter."""
    if len(task.stops) <= FEW:
        return await asyncio.to_thread(solve, task)
    if turn.locked():
        raise ProblemError(503, "busy", "another plan is being made: try again in a few seconds", wait=5)
    async with turn:
        # One that lives as long as the question: plans are made a few times a day.
        executor = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, solve, task)
        finally:
            executor.shutdown(wait=False)  # waiting would hold up everybody's requests


def _stop(device_id: str, level: float, litres: float | None, latest: int) -> Stop:
    demand = max(1, round((litres or LITRES) * min(level, 100.0) / 100))
    priority = 10 if level >= URGENT else 3 if level >= SOON else 1
    return Stop(device_id, demand, priority, latest=latest, service=SERVICE)


def _depot(places: Sequence[Place], latitude: float | None, longitude: float | None) -> Place:
    if latitude is not None and longitude is not None:
        return latitude, longitude
    if not places:
        return 0.0, 0.0
    count = len(places)
    return round(sum(p[0] for p in places) / count, 6), round(sum(p[1] for p in places) / count, 6)


def _seconds(text: str) -> int:
    return int(text[:2]) * 3600 + int(text[3:]) * 60


def _told(plan: Plan, depot: Place, bins: int, in_order: int) -> dict[str, Any]:
    return {
        "depot": list(depot),
        "bins": bins,
        "distance": plan.distance,
        "distance_in_bin_order": in_order,
        "routes": [
            {
                "truck": route.truck,
                "distance": route.distance,
                "load": route.load,
                "start": clock(route.start),
                "end": clock(route.end),
                "visits": [
                    {"bin_id": visit.bin_id, "arrival": clock(visit.arrival), "load": visit.load}
                    for visit in route.visits
                ],
            }
            for route in plan.routes
        ],
        "left_out": [{"bin_id": left.bin_id, "reason": left.reason} for left in plan.left_out],
    }
