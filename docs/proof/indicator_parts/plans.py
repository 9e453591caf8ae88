"""Collection routes: a worked example, 200 bins with 8 trucks, and visits saved at Wyndham."""

import random
import time
from itertools import pairwise

from docs.proof.indicator_parts.emptyings import wyndham
from indicators.distances import manhattan
from indicators.fill import FillReading
from indicators.routes import Stop, Truck, in_bin_order, plan_routes


def prove_routes() -> dict[str, object]:
    """Return the worked example's cost, a plan of 200 bins, and visits saved on the Wyndham bins."""
    bins = [(2, 3, 3), (5, 1, 4), (6, 4, 2), (1, 7, 5), (-3, 2, 3), (-4, 5, 4), (-2, -3, 2), (3, -4, 3)]
    stops = [Stop(str(number), demand) for number, (_, _, demand) in enumerate(bins)]
    roads = manhattan([(0, 0), *((x, y) for x, y, _ in bins)])
    example = plan_routes(stops, [Truck(name, 10) for name in "abc"], roads)
    chance = random.Random(1)
    places = [(chance.randrange(10_000), chance.randrange(10_000)) for _ in range(201)]
    many = [Stop(str(number), chance.randrange(100, 900)) for number in range(200)]
    trucks = [Truck(str(number), 15_000) for number in range(8)]
    far = manhattan(places)
    began = time.perf_counter()
    plan = plan_routes(many, trucks, far)
    took = time.perf_counter() - began
    order = in_bin_order(many, trucks, far)
    return {
        "worked_example_cost": example.distance,
        "bins_200_trucks_8": {
            "seconds": round(took, 2),
            "overloaded_trucks": sum(route.load > 15_000 for route in plan.routes),
            "left_out": len(plan.left_out),
            "distance": plan.distance,
            "distance_in_bin_order": order,
            "shorter_by": round(1 - plan.distance / order, 3),
        },
        "wyndham_visits": _visits(wyndham()),
    }


def _visits(bins: dict[str, list[FillReading]]) -> dict[str, object]:
    """Replay what went into each bin, day by day, under two policies.

    What went in is the rise between neighbouring readings, or the whole level after a drop. Daily: every bin, every
    day. By level: a bin that its sensor shows empty is not visited. A day counts as overflowing when the bin stands at
    100 % before the visit. Both policies see the same days; a full bin shows no rise, so its overflow days are a floor.
    """
    days = daily_overflow = visits = overflow = 0
    for readings in bins.values():
        level = 0.0
        for before, after in pairwise(readings):
            filled = after.level - before.level if after.level >= before.level else after.level
            days += 1
            daily_overflow += filled >= 100
            level = min(level + filled, 100.0)
            overflow += level >= 100
            if level > 0:
                visits += 1
                level = 0.0
    return {
        "daily": {"visits": days, "overflow_days": daily_overflow},
        "by_level": {"visits": visits, "overflow_days": overflow},
        "fewer_visits": round(1 - visits / days, 3),
    }
