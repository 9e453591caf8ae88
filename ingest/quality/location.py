"""Location: is the position on earth, and near the one before (IOOS QARTOD test 3)."""

from math import asin, atan, cos, pi, radians, sin, sqrt, tan

from devices.model import QualityFlag

EQUATOR_RADIUS = 6_378_137.0  # m, WGS 84
FLATTENING = 1 / 298.257223563

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
    """Return metres on the WGS 84 ellipsoid (Lambert's formula, good to 10 m), None where a position is not whole."""
    lon1, lat1 = here
    lon2, lat2 = there
    if lon1 is None or lat1 is None or lon2 is None or lat2 is None:
        return None
    # Reduced latitudes turn the ellipsoid into a sphere; the two terms below put back what that loses.
    one, two = (atan((1 - FLATTENING) * tan(radians(latitude))) for latitude in (lat1, lat2))
    h = sin((two - one) / 2) ** 2 + cos(one) * cos(two) * sin(radians(lon2 - lon1) / 2) ** 2
    angle = 2 * asin(min(1.0, sqrt(h)))
    if angle in (0.0, pi):
        return EQUATOR_RADIUS * angle
    middle, half = (one + two) / 2, (two - one) / 2
    x = (angle - sin(angle)) * (sin(middle) * cos(half) / cos(angle / 2)) ** 2
    y = (angle + sin(angle)) * (cos(middle) * sin(half) / sin(angle / 2)) ** 2
    return EQUATOR_RADIUS * (angle - FLATTENING / 2 * (x + y))
