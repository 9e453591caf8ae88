import pytest

from devices.geometry import distance_between, district_of, make_shape

RING = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]
HOLE = [[4, 4], [6, 4], [6, 6], [4, 6], [4, 4]]
FAR = [[20, 0], [22, 0], [21, 2], [20, 0]]


@pytest.mark.parametrize(
    ("place", "inside"),
    [
        pytest.param((5, 2), "ring", id="inside"),
        pytest.param((5, 5), None, id="in the hole"),
        pytest.param((21, 1), "pair", id="in the second polygon of a pair"),
        pytest.param((20.1, 1.9), None, id="in its box, beside the triangle"),
        pytest.param((15, 5), None, id="outside of all"),
        pytest.param((3, 4), "ring", id="level with a corner of the hole"),
    ],
)
def test_a_place_is_in_the_polygon_around_it_and_not_in_its_holes(
    place: tuple[float, float], inside: str | None
) -> None:
    shapes = [
        make_shape("ring", {"type": "Polygon", "coordinates": [RING, HOLE]}),
        make_shape(
            "pair", {"type": "MultiPolygon", "coordinates": [[[[-5, -5], [-4, -5], [-4, -4], [-5, -5]]], [FAR]]}
        ),
    ]
    assert district_of(*place, [shape for shape in shapes if shape is not None]) == inside


def test_what_is_no_polygon_has_no_shape() -> None:
    assert make_shape("point", {"type": "Point", "coordinates": [1, 2]}) is None
    assert make_shape("empty", {"type": "Polygon", "coordinates": []}) is None


def test_a_degree_of_latitude_is_a_hundred_and_eleven_kilometres() -> None:
    assert distance_between((13.4, 52.0), (13.4, 53.0)) == pytest.approx(111_195, abs=1)
