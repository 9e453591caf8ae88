"""Collection routes: the proven optimum, what is never broken, and what is left out and why."""

import json
from dataclasses import replace

import numpy as np
import pytest

from indicators.distances import driving_seconds, manhattan, road_metres
from indicators.errors import IndicatorError
from indicators.route_export import clock, to_csv, to_geojson
from indicators.routes import Plan, Stop, Truck, in_bin_order, plan_routes

BINS = [(2, 3, 3), (5, 1, 4), (6, 4, 2), (1, 7, 5), (-3, 2, 3), (-4, 5, 4), (-2, -3, 2), (3, -4, 3)]
ROADS = manhattan([(0, 0), *((x, y) for x, y, _ in BINS)])
STOPS = [Stop(f"b{number}", demand) for number, (_, _, demand) in enumerate(BINS, start=1)]
TRUCKS = [Truck(name, 10) for name in ("one", "two", "three")]


def served(plan: Plan) -> list[str]:
    return sorted(visit.bin_id for route in plan.routes for visit in route.visits)


def test_the_worked_example_reaches_its_proven_optimum() -> None:
    plan = plan_routes(STOPS, TRUCKS, ROADS)
    assert plan.distance == 68
    assert served(plan) == [stop.bin_id for stop in STOPS]
    assert plan.left_out == ()
    assert all(route.load <= 10 for route in plan.routes)
    assert {route.truck for route in plan.routes} == {"one", "two", "three"}


def test_the_same_input_gives_the_same_plan() -> None:
    assert plan_routes(STOPS, TRUCKS, ROADS) == plan_routes(STOPS, TRUCKS, ROADS)


def test_two_trucks_leave_out_the_least_urgent() -> None:
    urgent = [replace(stop, priority=1 if stop.bin_id in ("b4", "b7") else 5) for stop in STOPS]
    plan = plan_routes(urgent, TRUCKS[:2], ROADS)
    assert sum(route.load for route in plan.routes) <= 20
    assert [(left.bin_id, left.reason) for left in plan.left_out] == [
        ("b4", "no truck has room or time left (priority 1)"),
        ("b7", "no truck has room or time left (priority 1)"),
    ]


def test_a_bin_that_fits_no_truck_is_named() -> None:
    plan = plan_routes([replace(STOPS[0], demand=11), *STOPS[1:]], TRUCKS, ROADS)
    assert [(left.bin_id, left.reason) for left in plan.left_out] == [
        ("b1", "its 11 fit into no truck (the largest holds 10)")
    ]
    assert served(plan) == [stop.bin_id for stop in STOPS[1:]]


def test_time_windows_are_kept_and_an_unreachable_one_is_named() -> None:
    durations = ROADS * 60
    stops = [
        replace(STOPS[0], earliest=7200, latest=7260, service=120),
        replace(STOPS[1], latest=60),
        *(replace(stop, service=120) for stop in STOPS[2:]),
    ]
    plan = plan_routes(stops, TRUCKS, ROADS, durations)
    arrivals = {visit.bin_id: visit.arrival for route in plan.routes for visit in route.visits}
    assert 7200 <= arrivals["b1"] <= 7260
    assert [(left.bin_id, left.reason) for left in plan.left_out] == [
        ("b2", "no shift reaches it between 0 and 60 s and gets back")
    ]
    for route in plan.routes:
        for before, after in zip(route.visits, route.visits[1:], strict=False):
            road = durations[int(before.bin_id[1:]), int(after.bin_id[1:])]
            assert after.arrival >= before.arrival + 120 + road


def test_trucks_of_different_size_and_shift_are_told_apart() -> None:
    trucks = [Truck("small", 4), Truck("night", 30, shift_start=72_000), Truck("day", 22, shift_end=72_000)]
    plan = plan_routes([replace(stop, latest=70_000) for stop in STOPS], trucks, ROADS, ROADS * 60)
    loads = {route.truck: route.load for route in plan.routes}
    assert loads.keys() == {"small", "day"} and loads["small"] <= 4 and loads["day"] <= 22
    assert plan.left_out == ()


def test_nothing_to_do_is_a_plan() -> None:
    assert plan_routes([], TRUCKS, manhattan([(0, 0)])) == Plan((), 0)


@pytest.mark.parametrize(
    ("stops", "trucks", "roads", "says"),
    [
        pytest.param(STOPS, TRUCKS, ROADS[:3, :3], "9 by 9, depot first", id="shape"),
        pytest.param(STOPS, TRUCKS, ROADS * 1.5, "whole numbers", id="fractions"),
        pytest.param(STOPS, TRUCKS, -ROADS, "whole numbers", id="negative"),
        pytest.param(STOPS, [], ROADS, "needs a truck", id="no truck"),
        pytest.param([STOPS[0]] * 8, TRUCKS, ROADS, "a bin is named twice", id="bins"),
        pytest.param(STOPS, [TRUCKS[0]] * 2, ROADS, "a truck is named twice", id="trucks"),
        pytest.param([replace(STOPS[0], priority=0), *STOPS[1:]], TRUCKS, ROADS, "bin b1: demand", id="priority"),
    ],
)
def test_a_plan_says_what_it_refuses(stops: list[Stop], trucks: list[Truck], roads: np.ndarray, says: str) -> None:
    with pytest.raises(IndicatorError, match=says):
        plan_routes(stops, trucks, roads)


def test_bin_order_is_what_a_plan_is_up_against() -> None:
    assert in_bin_order(STOPS[:2], TRUCKS, ROADS) == 5 + 5 + 6, "both fit"
    assert in_bin_order(STOPS[:2], [Truck("tiny", 4)], ROADS) == 10 + 12, "back to the depot between them"


def test_distances_on_the_ground() -> None:
    metres = road_metres([(0.0, 0.0), (0.0, 1.0), (1.0, 0.0)], detour=1.0)
    assert metres[0, 1] == metres[0, 2] == pytest.approx(111_195, abs=1)
    assert (metres == metres.T).all()
    assert driving_seconds(np.array([[0, 1000]]), speed=36).tolist() == [[0, 100]]


def test_a_plan_can_be_shown_and_printed() -> None:
    plan = plan_routes([replace(STOPS[0], demand=11), *STOPS[1:]], TRUCKS, ROADS, ROADS * 600)
    positions = {f"b{number}": (50 + y / 100, 8 + x / 100) for number, (x, y, _) in enumerate(BINS, start=1)}
    shown = json.loads(json.dumps(to_geojson(plan, (50.0, 8.0), positions)))
    lines = [each for each in shown["features"] if each["geometry"]["type"] == "LineString"]
    assert len(lines) == len(plan.routes)
    assert all(line["geometry"]["coordinates"][0] == [8.0, 50.0] for line in lines)
    assert [each["properties"]["bin_id"] for each in shown["features"] if "left_out" in each["properties"]] == ["b1"]
    rows = to_csv(plan.routes[0]).splitlines()
    assert rows[0] == "order,bin_id,arrival,load"
    assert len(rows) == 1 + len(plan.routes[0].visits)
    assert rows[-1].endswith(f",{plan.routes[0].load}")
    with pytest.raises(IndicatorError, match="has no position"):
        to_geojson(plan, (50.0, 8.0), {})


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(6 * 3600 + 59, "06:00"), (86_399, "23:59"), (86_400, "00:00"), (26 * 3600 + 15 * 60, "02:15")],
)
def test_a_night_shift_goes_on_after_midnight_by_the_clock(seconds: int, told: str) -> None:
    assert clock(seconds) == told
