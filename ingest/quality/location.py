"""Location: is the position on earth, and near the one before (IOOS QARTOD test 3)."""

from collections.abc import Sequence
from math import asin, cos, radians, sin, sqrt

from devices.model import QualityFlag

EARTH_RADIUS = 6_371_008.8  # m, mean radius (IUGG)

Position = tuple[float | None, float | None]  # longitude, latitude in degrees


def judge_location(position: Position, before: Position | None = None, range_max: float | None = None) -> QualityFlag:
    """Return FAIL off the globe or with half a position, SUSPECT farther than `range_max` metres from `before`."""
    longitude, latitude = position
    if longitude is None or latitude is None:
        return QualityFlag.MISSING if longitude is latitude else QualityFlag.FAIL
    if abs(latitude) > 90 or abs(longitude) > 180:
        return QualityFlag.FAIL
    if range_max is not None and before is not None:
        moved = distance(before, position)
        if moved is not None and moved > range_max:
            return QualityFlag.SUSPECT
    return QualityFlag.GOOD


def distance(here: Position, there: Position) -> float | None:
    """Return metres along the great circle (haversine), None where either position is not whole."""
    if None in here or None in there:
        return None
    (lon1, lat1), (lon2, lat2) = _radians(here), _radians(there)
    h = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS * asin(min(1.0, sqrt(h)))


def _radians(position: Position) -> Sequence[float]:
    return [radians(part or 0.0) for part in position]
