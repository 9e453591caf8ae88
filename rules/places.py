"""Distances inside one city, where the earth is flat enough."""

import math
from collections.abc import Callable, Iterable

METRES = 111_195.0  # of one degree of latitude


def distance(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return metres between two places of one city."""
    north = (latitude - other_latitude) * METRES
    east = (longitude - other_longitude) * METRES * math.cos(math.radians(latitude))
    return math.hypot(north, east)


def grid(places: Iterable[tuple[float, float]], metres: float) -> Callable[[float, float], tuple[int, int]]:
    """Return what gives a place's cell in a grid in which places within `metres` lie in neighbouring cells.

    `places` are all there are: the one farthest from the equator decides how wide a cell is in degrees.
    """
    widest = max((abs(latitude) for latitude, _ in places), default=0.0)
    north, east = metres / METRES, metres / (METRES * max(0.05, math.cos(math.radians(widest))))
    return lambda latitude, longitude: (math.floor(latitude / north), math.floor(longitude / east))
