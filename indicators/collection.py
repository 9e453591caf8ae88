"""Today's collection: bins whose sensors ask for a visit, trucks and a depot, made into routes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from indicators.distances import driving_seconds, road_metres
from indicators.errors import IndicatorError
from indicators.route_export import clock
from indicators.routes import Plan, Stop, Truck, in_bin_order, plan_routes
from sql.connection import Connection, Pool
from sql.queries import query

MOST_BINS = 500
LITRES = 240.0  # of a bin whose registry does not say
SERVICE = 120  # seconds at a bin
URGENT, SOON = 90.0, 80.0  # percent: what is left out last when trucks are short

Place = tuple[float, float]  # latitude, longitude


class TooManyBinsError(IndicatorError):
    """More bins ask for a visit than are planned at once."""


@dataclass(frozen=True, slots=True)
class Task:
    """A plan to be made: bins with their positions, trucks, and where they start."""

    stops: tuple[Stop, ...]
    trucks: tuple[Truck, ...]
    positions: tuple[Place, ...]  # the depot first

    @property
    def by_bin(self) -> dict[str, Place]:
        """Return where each bin stands."""
        return dict(zip((stop.bin_id for stop in self.stops), self.positions[1:], strict=True))


@dataclass(frozen=True, slots=True)
class Shift:
    """How many trucks go out, what each holds (litres as they lie in bins), and when (seconds of the day)."""

    trucks: int
    capacity: int
    start: int
    end: int

    @property
    def fleet(self) -> tuple[Truck, ...]:
        """Return the trucks, numbered from 1; a night shift ends the day after."""
        end = self.end if self.end > self.start else self.end + 24 * 3600
        return tuple(Truck(str(number), self.capacity, self.start, end) for number in range(1, self.trucks + 1))


async def collection_task(
    store: Pool | Connection,
    shift: Shift,
    least_level: float,
    source_id: str = "live",
    district_id: str | None = None,
    depot: Place | None = None,
    full_within: float | None = None,
) -> Task:
    """Return what is to be planned for the bins at `least_level` percent and above; raise TooManyBinsError.

    With `full_within` also for those that may be full within so many hours. Without a depot the trucks start in the
    middle of the bins.
    """
    found = await store.fetch(
        query("meaning", "bins_to_empty"), least_level, source_id, district_id, MOST_BINS + 1, full_within
    )
    if len(found) > MOST_BINS:
        raise TooManyBinsError(f"more than {MOST_BINS} bins: raise least_level or take one district")
    places: list[Place] = [(row["latitude"], row["longitude"]) for row in found]
    fleet = shift.fleet
    stops = tuple(_stop(row["device_id"], row["level"], row["litres"], fleet[0].shift_end) for row in found)
    return Task(stops, fleet, (depot or _middle(places), *places))


def solve(task: Task) -> tuple[Plan, int]:
    """Return the plan, and the distance of driving to the bins in the order given."""
    if not task.stops:
        return Plan((), 0), 0
    metres = road_metres(task.positions)
    plan = plan_routes(task.stops, task.trucks, metres, driving_seconds(metres))
    return plan, in_bin_order(task.stops, task.trucks, metres)


def plan_as_told(plan: Plan, task: Task, in_order: int) -> dict[str, Any]:
    """Return a plan as JSON; distances in metres, times as hh:mm."""
    return {
        "depot": list(task.positions[0]),
        "bins": len(task.stops),
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


def seconds_of(text: str) -> int:
    """Return the seconds of the day of hh:mm; raise IndicatorError for anything else."""
    hours, _, minutes = text.partition(":")
    if not (len(text) == 5 and hours.isdecimal() and minutes.isdecimal() and int(hours) < 24 and int(minutes) < 60):
        raise IndicatorError(f"{text!r} is no time of day such as 06:00")
    return int(hours) * 3600 + int(minutes) * 60


def _stop(device_id: str, level: float, litres: float | None, latest: int) -> Stop:
    demand = max(1, round((litres or LITRES) * min(level, 100.0) / 100))
    priority = 10 if level >= URGENT else 3 if level >= SOON else 1
    return Stop(device_id, demand, priority, latest=latest, service=SERVICE)


def _middle(places: Sequence[Place]) -> Place:
    if not places:
        return 0.0, 0.0
    count = len(places)
    return round(sum(p[0] for p in places) / count, 6), round(sum(p[1] for p in places) / count, 6)
