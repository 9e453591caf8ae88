"""Which district a place lies in: points in GeoJSON polygons, and distances between places."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from typing import Any

EARTH_RADIUS = 6_371_008.8  # m, mean (IUGG)
_Ring = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Shape:
    """One district: rings of longitude and latitude, and the box around them (west, south, east, north)."""

    district_id: str
    rings: tuple[_Ring, ...]
    box: tuple[float, float, float, float]

    def contains(self, longitude: float, latitude: float) -> bool:
        """Return whether the place lies inside; holes count as outside (even-odd over every ring)."""
        west, south, east, north = self.box
        if not (west <= longitude <= east and south <= latitude <= north):
            return False
        inside = False
        for ring in self.rings:
            x0, y0 = ring[-1][:2]
            for x1, y1 in (point[:2] for point in ring):
                # Half open in latitude, so that a corner between two edges counts once.
                if (y0 > latitude) != (y1 > latitude) and longitude < (x1 - x0) * (latitude - y0) / (y1 - y0) + x0:
                    inside = not inside
                x0, y0 = x1, y1
        return inside


def make_shape(district_id: str, geometry: Mapping[str, object]) -> Shape | None:
    """Return the shape of a GeoJSON Polygon or MultiPolygon; None where it is neither or has no points."""
    coordinates = geometry.get("coordinates")
    if not isinstance(coordinates, list):
        return None
    polygons = {"Polygon": [coordinates], "MultiPolygon": coordinates}.get(str(geometry.get("type")), [])
    rings = tuple(ring for polygon in polygons for ring in polygon if ring)
    if not rings:
        return None
    longitudes = [point[0] for ring in rings for point in ring]
    latitudes = [point[1] for ring in rings for point in ring]
    return Shape(district_id, rings, (min(longitudes), min(latitudes), max(longitudes), max(latitudes)))


def make_shapes(districts: Iterable[Mapping[str, Any]]) -> list[Shape]:
    """Return the shapes of rows with `district_id` and `polygon`, without those that have none."""
    made = (make_shape(row["district_id"], row["polygon"]) for row in districts)
    return [shape for shape in made if shape is not None]


def district_of(longitude: float, latitude: float, shapes: Iterable[Shape]) -> str | None:
    """Return the first district that the place lies in, None where it is outside of all."""
    return next((shape.district_id for shape in shapes if shape.contains(longitude, latitude)), None)


def distance_between(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the great-circle distance in m between two places given as (longitude, latitude) in degrees."""
    (x0, y0), (x1, y1) = (tuple(map(radians, place)) for place in (one, other))
    chord = sin((y1 - y0) / 2) ** 2 + cos(y0) * cos(y1) * sin((x1 - x0) / 2) ** 2
    return 2 * EARTH_RADIUS * asin(sqrt(min(1.0, chord)))
