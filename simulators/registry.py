"""The city on paper: the registry document that Citywatch imports, and a base map to draw below the devices."""

from itertools import pairwise
from typing import Any

from citywatch.durations import format_duration
from simulators.city import ALONG, AirTraits, BinTraits, City, GatewayTraits, RoadTraits, SimulatedDevice
from simulators.geography import CITY_NAME, CORRIDORS, PARKS, RIVER_HALF_WIDTH, RIVER_NAME, Plan, Position

PAIR_REACH = 2000.0  # metres: what happens further on is no longer told by two detectors


def registry_document(city: City, source_id: str = "live") -> dict[str, Any]:
    """Return districts, sites, sources and devices; `source_id` is the time base that the devices report in."""
    ahead = next_detectors(city)
    return {
        "districts": [
            {
                "district_id": d.district_id,
                "name": d.name,
                "population": d.population,
                "polygon": {"type": "Polygon", "coordinates": [list(map(list, d.ring))]},
            }
            for d in city.districts
        ],
        "sites": [
            {
                "site_id": s.site_id,
                "name": s.name,
                "district_id": s.district_id,
                "latitude": s.latitude,
                "longitude": s.longitude,
            }
            for s in city.sites
        ],
        "sources": [{"source_id": source_id, "kind": "live" if source_id == "live" else "replay"}],
        "devices": [_entry(device, source_id, ahead.get(device.device_id)) for device in city.devices],
    }


def next_detectors(city: City) -> dict[str, str]:
    """Return for each detector the one that its traffic reaches next on the same road, where that is near."""
    roads: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for device in city.devices:
        if isinstance(road := device.traits, RoadTraits):
            place = road.position if road.direction in ALONG else -road.position
            roads.setdefault((road.corridor_id, road.direction), []).append((place, device.device_id))
    return {
        here: there
        for found in roads.values()
        for (at, here), (next_at, there) in pairwise(sorted(found))
        if next_at - at <= PAIR_REACH
    }


def _entry(device: SimulatedDevice, source_id: str, downstream: str | None) -> dict[str, Any]:
    return {
        "device_id": device.device_id,
        "profile": device.profile,
        "domain": device.domain,
        "name": device.name,
        "site_id": device.site.site_id,
        "district_id": device.site.district_id,
        "latitude": device.site.latitude,
        "longitude": device.site.longitude,
        "source_id": source_id,
        "expected_interval": format_duration(device.interval),
        "tags": {
            "simulated": True,
            "land_use": device.use,
            "gateway": device.gateway_id,
            "dialect": device.dialect,
            **_tags(device),
            **({} if downstream is None else {"downstream": downstream}),
        },
    }


def _tags(device: SimulatedDevice) -> dict[str, Any]:
    match device.traits:
        case RoadTraits() as t:
            return {
                "corridor": t.corridor_id,
                "direction": t.direction,
                "position_m": round(t.position),
                "lanes": t.lanes,
                "free_speed": round(t.free_speed, 1),
                "capacity": round(t.capacity * t.lanes),
            }
        case BinTraits() as t:
            return {
                "place": t.place,
                "fraction": t.fraction,
                "litres": t.litres,
                "round_days": t.round_days,
            }
        case AirTraits() as t:
            return {"setting": t.setting}
        case GatewayTraits() as t:
            return {"covers": t.covers}


def basemap(city: City) -> dict[str, Any]:
    """Return the base map as GeoJSON; `kind` tells city, water, park, motorway, arterial and street apart."""
    ground = city.ground
    features = [
        _area("city", CITY_NAME, ground.box((-1.0, -1.0, 1.0, 1.0))),
        _area("water", f"River {RIVER_NAME}", ground.line(_river())),
        *(_area("park", name, ground.line(_oval(u, v, a, b))) for name, u, v, a, b in PARKS),
        *(_line("street", "", ground.line(points)) for points in _streets()),
        *(_line(c.kind, c.name, ground.line(c.line)) for c in CORRIDORS),
    ]
    return {"type": "FeatureCollection", "name": CITY_NAME, "features": features}


def _area(kind: str, name: str, ring: list[Position]) -> dict[str, Any]:
    geometry = {"type": "Polygon", "coordinates": [list(map(list, ring))]}
    return {"type": "Feature", "properties": {"kind": kind, "name": name}, "geometry": geometry}


def _line(kind: str, name: str, points: list[Position]) -> dict[str, Any]:
    geometry = {"type": "LineString", "coordinates": list(map(list, points))}
    return {"type": "Feature", "properties": {"kind": kind, "name": name}, "geometry": geometry}


def _river() -> list[Plan]:
    """Return the river as a closed ring, wider downstream (east), with a harbour basin on the north bank."""
    us = [round(-1.25 + 0.04 * at, 2) for at in range(63)]
    south = [(u, -RIVER_HALF_WIDTH * (1.1 + 0.25 * u)) for u in us]
    north = [(u, RIVER_HALF_WIDTH * (1.1 + 0.25 * u)) for u in us]
    basin = [(-0.70, 0.048), (-0.82, 0.048)]
    upper = north[::-1]
    cut = next(at for at, (u, _) in enumerate(upper) if u < -0.70)
    rest = next(at for at, (u, _) in enumerate(upper) if u < -0.82)
    return [*south, *upper[:cut], *basin, *upper[rest:], south[0]]


def _oval(u: float, v: float, a: float, b: float) -> list[Plan]:
    """Return a box with cut corners: what a park looks like among streets."""
    cut = 0.35
    return [
        (u - a, v - b * (1 - cut)), (u - a * (1 - cut), v - b), (u + a * (1 - cut), v - b), (u + a, v - b * (1 - cut)),
        (u + a, v + b * (1 - cut)), (u + a * (1 - cut), v + b), (u - a * (1 - cut), v + b), (u - a, v + b * (1 - cut)),
        (u - a, v - b * (1 - cut)),
    ]  # fmt: skip


def _streets() -> list[list[Plan]]:
    """Return minor streets: a grid on either bank, denser in the middle, broken by the parks."""
    lines: list[list[Plan]] = []
    for at in range(-11, 12):
        u = at * 0.085
        for low, high in ((0.05, 0.95), (-0.95, -0.06)):
            lines += _outside_parks([(u, v) for v in _spaced(low, high)])
    for at in range(-11, 12):
        v = at * 0.085
        if abs(v) > 0.06:
            lines += _outside_parks([(u, v) for u in _spaced(-0.95, 0.95)])
    return lines


def _spaced(low: float, high: float) -> list[float]:
    steps = max(2, round((high - low) / 0.03))
    return [low + (high - low) * at / steps for at in range(steps + 1)]


def _outside_parks(points: list[Plan]) -> list[list[Plan]]:
    """Return the pieces of a line that lie inside the town and in no park."""
    pieces: list[list[Plan]] = [[]]
    for u, v in points:
        inside_town = u * u + v * v < 1.15
        if inside_town and not any(abs(u - pu) < a and abs(v - pv) < b for _, pu, pv, a, b in PARKS):
            pieces[-1].append((u, v))
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if len(piece) > 1]
