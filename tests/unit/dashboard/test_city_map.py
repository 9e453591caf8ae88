"""What the map shows at first."""

from typing import Any

import pytest

from dashboard.components.city_map import bounds_of, city_extent, zoom_for
from tests.unit.dashboard.samples import device


def test_a_map_of_nothing_is_the_world() -> None:
    assert bounds_of([], []) == [[-60.0, -170.0], [75.0, 170.0]]


def test_a_place_far_from_the_districts_does_not_make_the_city_a_dot() -> None:
    ring = [[9.0, 51.0], [9.1, 51.0], [9.1, 51.1], [9.0, 51.1], [9.0, 51.0]]
    harbour: Any = {"district_id": "harbour", "polygon": {"type": "Polygon", "coordinates": [ring]}}
    inside, beside, far = (
        device(name) | {"district_id": district, "latitude": latitude, "longitude": longitude}
        for name, district, latitude, longitude in (
            ("a", "harbour", 51.05, 9.05), ("b", None, 51.05, 9.15), ("c", None, 59.3, 18.1)
        )
    )  # fmt: skip
    assert bounds_of([inside, beside, far], [harbour]) == [[51.0, 9.0], [51.1, 9.15]]
    assert bounds_of([beside, far], [harbour]) == [[51.05, 9.15], [59.3, 18.1]], "no district to go by"
    assert city_extent([9.05, 51.05, 18.1, 59.3], [harbour]) == [9.05, 51.05, 9.1, 51.1]
    assert city_extent([17.9, 59.2, 18.1, 59.3], [harbour]) == [17.9, 59.2, 18.1, 59.3], "another city's"


@pytest.mark.parametrize(
    ("extent", "zoom"),
    [
        pytest.param([7.4, 46.9, 7.5, 46.96], 13, id="a city"),
        pytest.param([-170, -60, 170, 75], 1, id="the world"),
        pytest.param([7.4, 46.9, 7.4, 46.9], 15, id="one place has no size"),
        pytest.param(None, 1, id="nothing is shown as the world"),
    ],
)
def test_a_gathered_map_begins_at_the_zoom_that_shows_all(extent: list[float] | None, zoom: int) -> None:
    assert zoom_for(extent) == zoom
