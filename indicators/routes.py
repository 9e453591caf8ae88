"""Collection routes: which truck empties which bin, in which order, when.

Capacitated vehicle routing with time windows and priorities, solved by PyVRP's iterated local search for a number of
rounds (not for a time), so that the same input gives the same plan. All quantities are integers; distance is the cost.
A bin that cannot be served is named with the reason, never squeezed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyvrp
from numpy.typing import NDArray
from pyvrp.stop import MaxIterations

from indicators.errors import IndicatorError

ALL_DAY = 24 * 3600
ROUNDS = 2000

Matrix = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stop:
    """One bin to empty. `demand` is in the unit of the trucks' capacity, times in seconds of the day.

    `priority` weighs what may be left out when trucks are short: higher stays longer.
    """

    bin_id: str
    demand: int
    priority: int = 1
    earliest: int = 0
    latest: int = ALL_DAY
    service: int = 0


@dataclass(frozen=True, slots=True)
class Truck:
    """One truck: how much it holds, and its shift in seconds of the day."""

    name: str
    capacity: int
    shift_start: int = 0
    shift_end: int = ALL_DAY


@dataclass(frozen=True, slots=True)
class Visit:
    """One bin on a route: when emptying begins (seconds of the day) and the load on board after it."""

    bin_id: str
    arrival: int
    load: int


@dataclass(frozen=True, slots=True)
class TruckRoute:
    """One truck's day from the depot and back; `distance` in the unit of the distance matrix."""

    truck: str
    visits: tuple[Visit, ...]
    distance: int
    load: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A bin that the plan does not serve, and why."""

    bin_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Routes of the trucks that go out, total distance, and the bins left out."""

    routes: tuple[TruckRoute, ...]
    distance: int
    left_out: tuple[LeftOut, ...] = field(default=())


def plan_routes(
    stops: Sequence[Stop],
    trucks: Sequence[Truck],
    distances: Matrix,
    durations: Matrix | None = None,
    rounds: int = ROUNDS,
    seed: int = 1,
) -> Plan:
    """Return a plan for `stops` by `trucks`.

    `distances` and `durations` (s; default none: time stands still on the road) are square, with the depot first and
    the stops in order after it. Leaving a bin out costs more than any detour, times its priority; so bins are left out
    only when no truck has room or time, the least urgent first.
    Raises IndicatorError for matrices of another shape, negative numbers, and names that repeat.
    """
    durations = np.zeros_like(distances) if durations is None else durations
    _check(stops, trucks, distances, durations)
    hopeless = {at: reason for at, stop in enumerate(stops) if (reason := _hopeless(at, stop, trucks, durations))}
    servable = [at for at in range(len(stops)) if at not in hopeless]
    if not servable:
        return Plan((), 0, tuple(LeftOut(stops[at].bin_id, reason) for at, reason in hopeless.items()))
    solution = _solve(stops, servable, trucks, distances, durations, rounds, seed)
    routes = [_route(route, stops, servable, trucks) for route in solution.routes()]
    served = {visit.bin_id for route in routes for visit in route.visits}
    left_out = []
    for at, stop in enumerate(stops):
        if at in hopeless:
            left_out.append(LeftOut(stop.bin_id, hopeless[at]))
        elif stop.bin_id not in served:
            left_out.append(LeftOut(stop.bin_id, f"no truck has room or time left (priority {stop.priority})"))
    return Plan(tuple(routes), sum(route.distance for route in routes), tuple(left_out))


def in_bin_order(stops: Sequence[Stop], trucks: Sequence[Truck], distances: Matrix) -> int:
    """Return the distance of serving bins in the order given, each truck until it is full: what a plan is up against.

    Trucks return to the depot to empty and go out again as often as needed.
    """
    capacity = max(truck.capacity for truck in trucks)
    total, load, here = 0, 0, 0
    for at, stop in enumerate(stops, start=1):
        if load + stop.demand > capacity:
            total += int(distances[here, 0])
            load, here = 0, 0
        total += int(distances[here, at])
        load, here = load + stop.demand, at
    return total + int(distances[here, 0])


def _solve(
    stops: Sequence[Stop],
    servable: Sequence[int],
    trucks: Sequence[Truck],
    distances: Matrix,
    durations: Matrix,
    rounds: int,
    seed: int,
) -> "pyvrp.Solution":
    places = [0, *(at + 1 for at in servable)]
    road = distances[np.ix_(places, places)]
    detour = 4 * int(road.max()) + 1
    data = pyvrp.ProblemData(
        locations=[pyvrp.Location(0, 0) for _ in places],
        clients=[
            pyvrp.Client(
                location=number,
                delivery=[stops[at].demand],
                service_duration=stops[at].service,
                tw_early=stops[at].earliest,
                tw_late=stops[at].latest,
                prize=detour * stops[at].priority,
                required=False,
            )
            for number, at in enumerate(servable, start=1)
        ],
        depots=[pyvrp.Depot(location=0)],
        vehicle_types=[
            pyvrp.VehicleType(capacity=[truck.capacity], tw_early=truck.shift_start, tw_late=truck.shift_end)
            for truck in trucks
        ],
        distance_matrices=[road],
        duration_matrices=[durations[np.ix_(places, places)]],
    )
    best = pyvrp.solve(data, stop=MaxIterations(rounds), seed=seed, collect_stats=False, display=False).best
    if not best.is_feasible():
        raise IndicatorError(f"no plan without overload or delay was found in {rounds} rounds; allow more")
    return best


def _route(route: "pyvrp.Route", stops: Sequence[Stop], servable: Sequence[int], trucks: Sequence[Truck]) -> TruckRoute:
    visits: list[Visit] = []
    load = 0
    for activity in route.schedule():
        if activity.is_client():
            stop = stops[servable[activity.idx]]
            load += stop.demand
            visits.append(Visit(stop.bin_id, activity.start_time, load))
    truck = trucks[route.vehicle_type()].name
    return TruckRoute(truck, tuple(visits), route.distance(), load, route.start_time(), route.end_time())


def _hopeless(at: int, stop: Stop, trucks: Sequence[Truck], durations: Matrix) -> str | None:
    out, back = int(durations[0, at + 1]), int(durations[at + 1, 0])
    if all(stop.demand > truck.capacity for truck in trucks):
        return f"its {stop.demand} fit into no truck (the largest holds {max(t.capacity for t in trucks)})"
    for truck in trucks:
        begin = max(truck.shift_start + out, stop.earliest)
        in_time = begin <= stop.latest and begin + stop.service + back <= truck.shift_end
        if in_time and stop.demand <= truck.capacity:
            return None
    return f"no shift reaches it between {stop.earliest} and {stop.latest} s and gets back"


def _check(stops: Sequence[Stop], trucks: Sequence[Truck], distances: Matrix, durations: Matrix) -> None:
    size = (len(stops) + 1, len(stops) + 1)
    for name, matrix in (("distances", distances), ("durations", durations)):
        if matrix.shape != size:
            raise IndicatorError(f"{name} must be {size[0]} by {size[0]}, depot first, not {matrix.shape}")
        if not np.issubdtype(matrix.dtype, np.integer) or matrix.min(initial=0) < 0:
            raise IndicatorError(f"{name} must be whole numbers, 0 and above")
    if not trucks:
        raise IndicatorError("a plan needs a truck")
    for kind, names in (("bin", [stop.bin_id for stop in stops]), ("truck", [truck.name for truck in trucks])):
        if len(set(names)) != len(names):
            raise IndicatorError(f"a {kind} is named twice in the plan")
    for stop in stops:
        if stop.demand < 0 or stop.priority < 1 or stop.earliest > stop.latest:
            raise IndicatorError(f"bin {stop.bin_id}: demand from 0, priority from 1, earliest before latest")
