"""Distance and driving-time matrices for route plans, where no road network is at hand."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

EARTH_RADIUS = 6_371_008.8  # m, mean radius (IUGG)
DETOUR = 1.3  # road over beeline in towns, a common planning figure
TOWN_SPEED = 25.0  # km/h between bins

Matrix = NDArray[np.int64]


def manhattan(points: Sequence[tuple[int, int]]) -> Matrix:
    """Return the grid distances between `points` (x, y), in their unit."""
    places = np.array(points, dtype=np.int64).reshape(-1, 2)
    return np.asarray(np.abs(places[:, None] - places[None]).sum(axis=-1), dtype=np.int64)


def road_metres(positions: Sequence[tuple[float, float]], detour: float = DETOUR) -> Matrix:
    """Return estimated road metres between `positions` (latitude, longitude in degrees): beeline times `detour`."""
    latitude, longitude = np.radians(np.array(positions, dtype=np.float64).reshape(-1, 2)).T
    north = np.sin((latitude[:, None] - latitude[None]) / 2) ** 2
    east = np.sin((longitude[:, None] - longitude[None]) / 2) ** 2
    chord = north + np.cos(latitude)[:, None] * np.cos(latitude)[None] * east
    metres: Matrix = np.rint(2 * EARTH_RADIUS * np.arcsin(np.sqrt(chord)) * detour).astype(np.int64)
    return metres


def driving_seconds(metres: Matrix, speed: float = TOWN_SPEED) -> Matrix:
    """Return seconds for `metres` of road at a mean `speed` in km/h."""
    seconds: Matrix = np.rint(metres * 3.6 / speed).astype(np.int64)
    return seconds
