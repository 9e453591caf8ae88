"""Devices gathered on a map's grid, against counting by hand and by brute force."""

import math
import random
from typing import Any

import numpy as np
import pytest

from api.clusters import MOST, Places, States, gather, total

NOW = 1_000_000.0


def places(*rows: tuple[str, float, float], heard: dict[str, float | None] | None = None) -> Places:
    """Return places by id, longitude and latitude; an id's first letter is its domain, as is its district."""
    ids = [row[0] for row in rows]
    return Places(
        {
            "device_id": ids,
            "name": [f"Device {each}" for each in ids],
            "domain": [each[0] for each in ids],
            "district_id": [each[0] for each in ids],
            "source_id": ["live"] * len(rows),
            "longitude": [row[1] for row in rows],
            "latitude": [row[2] for row in rows],
            "expected_interval": [60.0] * len(rows),
            "last_time": [(heard or {}).get(each, NOW) for each in ids],
        }
    )


def states(known: Places, alerts: list[tuple[str, int, bool]] | None = None) -> States:
    """Return states by alerts as id, rank and whether it waits."""
    rows = [{"device_id": each, "worst": worst, "waiting": waiting} for each, worst, waiting in alerts or []]
    return States.of(known, rows, known.freshness(NOW, {}))


def gathered(known: Places, zoom: int, **more: Any) -> list[dict[str, Any]]:
    """Return the clusters of all places, the westernmost first."""
    alerts = more.pop("alerts", None)
    found = gather(known, states(known, alerts), known.inside(more.pop("box", None)), zoom, **more)
    return sorted(found["items"], key=lambda one: (one["longitude"], one["latitude"]))


def test_a_cluster_counts_and_carries_its_worst_state() -> None:
    known = places(
        ("a1", 7.4, 47.0), ("a2", 7.4002, 47.0001), ("b1", 7.4004, 47.0), ("b2", 9.0, 47.0),
        heard={"a1": NOW - 200, "a2": NOW - 800, "b1": None},
    )  # fmt: skip
    near, far = gathered(known, 12, alerts=[("a1", 2, True), ("a2", 3, False), ("gone", 4, True)])
    assert near["count"] == 3
    assert near["freshness"] == {"fresh": 0, "never": 1, "stale": 1, "silent": 1}
    assert (near["worst_severity"], near["alerting"], near["waiting"]) == ("HIGH", 2, False)
    assert near["extent"] == [7.4, 47.0, 7.4004, 47.0001]
    assert near["device"] is None
    assert (far["count"], far["longitude"], far["worst_severity"]) == (1, 9.0, None)
    assert far["device"] == {"device_id": "b2", "name": "Device b2", "domain": "b"}


def test_each_zoom_halves_the_cells() -> None:
    rng = random.Random(7)
    rows = [(f"a{n}", rng.uniform(-179, 179), rng.uniform(-80, 80)) for n in range(600)]
    known = places(*rows)
    for zoom in range(8):
        cells: dict[tuple[int, int], int] = {}
        for _, longitude, latitude in rows:
            sine = math.sin(math.radians(latitude))
            side = 2 ** (zoom + 2)
            cell = (
                int((longitude + 180) / 360 * side),
                int((0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi)) * side),
            )
            cells[cell] = cells.get(cell, 0) + 1
        assert sorted(one["count"] for one in gathered(known, zoom)) == sorted(cells.values()), zoom


@pytest.mark.parametrize(
    ("box", "held"),
    [
        pytest.param(None, ["a1", "a2", "a3", "a4"], id="everywhere"),
        pytest.param((-10, -10, 10, 10), ["a1"], id="a box"),
        pytest.param((170, -90, -170, 90), ["a2", "a3"], id="across the antimeridian"),
        pytest.param((0, 0, 0, 0), ["a1"], id="a point"),
        pytest.param((1, 1, 2, 2), [], id="nothing there"),
    ],
)
def test_a_box_holds_what_lies_in_it(box: tuple[float, float, float, float] | None, held: list[str]) -> None:
    known = places(("a1", 0, 0), ("a2", 179.9, 5), ("a3", -179.9, 5), ("a4", 20, 90))
    assert sorted(np.array(known.ids)[known.inside(box)].tolist()) == held
    assert sorted(one["device"]["device_id"] for one in gathered(known, 22, box=box)) == held
    assert total(known, states(known), known.inside(box))["devices"] == len(held)


def test_the_selected_device_stands_by_itself() -> None:
    known = places(("a1", 7.4, 47.0), ("a2", 7.4, 47.0), ("a3", 7.4, 47.0))
    one, others = sorted(gathered(known, 3, apart=known.row_of["a2"]), key=lambda found: found["count"])
    assert one["device"]["device_id"] == "a2"
    assert others["count"] == 2


def test_too_many_clusters_are_gathered_more_coarsely() -> None:
    known = places(*((f"a{n}", n % 60 * 1.0, n // 60 * 1.0) for n in range(3000)))
    found = gather(known, states(known), known.inside(None), 22)
    assert found["zoom"] < 22
    assert MOST / 8 < len(found["items"]) <= MOST
    assert sum(one["count"] for one in found["items"]) == 3000


def test_a_replay_ages_by_its_own_clock() -> None:
    known = places(("a1", 0, 0), heard={"a1": 500.0})
    assert known.freshness(NOW, {"live": 600.0}).tolist() == [0]
    assert known.freshness(NOW, {"live": 700.0}).tolist() == [2]
    assert known.freshness(NOW, {}).tolist() == [3]
    assert known.freshness(NOW, {"live": None}).tolist() == [0], "a source that has not begun ages nothing"


def test_a_city_without_devices_has_no_clusters() -> None:
    known = places()
    assert gathered(known, 5) == []
    assert total(known, states(known), known.inside(None))["extent"] is None
