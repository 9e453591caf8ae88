"""A route plan for others: GeoJSON (RFC 7946) for the map, CSV per truck for the cab."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from indicators.errors import IndicatorError
from indicators.routes import Plan, TruckRoute

COLUMNS = ("order", "bin_id", "arrival", "load")


def to_geojson(plan: Plan, depot: tuple[float, float], positions: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    """Return a FeatureCollection: a LineString per truck from `depot` and back, a Point per stop and bin left out.

    `depot` and `positions` (by bin id) are latitude, longitude in degrees; GeoJSON has them the other way round.
    """
    features = []
    for route in plan.routes:
        line = [depot, *(_position(visit.bin_id, positions) for visit in route.visits), depot]
        about = {"truck": route.truck, "distance": route.distance, "load": route.load}
        features.append(_feature("LineString", [_lon_lat(place) for place in line], about))
        for order, visit in enumerate(route.visits, start=1):
            told = {"truck": route.truck, "order": order, "bin_id": visit.bin_id, "arrival": clock(visit.arrival)}
            features.append(_feature("Point", _lon_lat(_position(visit.bin_id, positions)), told))
    for left in plan.left_out:
        told = {"bin_id": left.bin_id, "left_out": left.reason}
        features.append(_feature("Point", _lon_lat(_position(left.bin_id, positions)), told))
    return {"type": "FeatureCollection", "features": features}


def to_csv(route: TruckRoute) -> str:
    """Return the truck's stops as CSV with the columns order, bin_id, arrival (hh:mm) and load after the stop."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for order, visit in enumerate(route.visits, start=1):
        writer.writerow([order, visit.bin_id, clock(visit.arrival), visit.load])
    return text.getvalue()


def clock(seconds: int) -> str:
    """Return seconds of the day as hh:mm; a shift that goes on past midnight is in the next day's hours then."""
    return f"{seconds // 3600 % 24:02d}:{seconds % 3600 // 60:02d}"


def _position(bin_id: str, positions: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    if bin_id not in positions:
        raise IndicatorError(f"bin {bin_id} has no position")
    return positions[bin_id]


def _lon_lat(position: tuple[float, float]) -> list[float]:
    latitude, longitude = position
    return [longitude, latitude]


def _feature(kind: str, coordinates: list[Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": dict(properties),
    }
