"""The simulated city: a pure function of its seed and its number of devices."""

import math
from collections import Counter
from datetime import timedelta
from itertools import pairwise

from simulators.city import (
    AirTraits,
    BinTraits,
    City,
    District,
    GatewayTraits,
    RoadTraits,
    SimulatedDevice,
    Site,
)
from simulators.dialects import speaking
from simulators.geography import CORRIDORS, QUARTERS, Corridor, Ground, Plan, Quarter, area_km2, quarter_at
from simulators.randomness import between, choose, key_of, uniform
from simulators.signals.waste import busiest

ROAD_SHARE, AIR_SHARE, GATEWAY_SHARE = 0.40, 0.10, 0.03
CAPACITY_PER_LANE = {"motorway": 2100.0, "arterial": 1500.0}  # vehicles/h

# where a bin stands, by land use: weight of each place
PLACES = {
    "centre": {"market": 3, "street": 5, "station": 1, "park": 1},
    "business": {"street": 5, "station": 2, "school": 1},
    "campus": {"school": 4, "street": 3, "park": 2},
    "industry": {"street": 4, "depot": 3},
    "residential": {"estate": 6, "street": 2, "park": 2, "school": 1},
}
FRACTIONS = {"general": 5.0, "plastic": 2.0, "paper": 2.0, "glass": 1.5, "organic": 1.0}
LITRES = {"general": 240, "plastic": 1100, "paper": 1100, "glass": 3000, "organic": 240}
# days between rounds, by fraction
ROUND_DAYS = {"general": (1, 2, 2, 3), "plastic": (3, 4), "paper": (3, 4, 7), "glass": (7, 14), "organic": (2, 3)}


def build_city(seed: int, size: int, *, dialects: bool = False) -> City:
    """Return the city of this seed with `size` devices; raise ValueError below one device.

    With `dialects` some devices speak other than native JSON, and are named and paced as their profiles are.
    """
    if size < 1:
        raise ValueError(f"a city needs at least one device, not {size}")
    ground = Ground(seed)
    gateways = max(1, round(size * GATEWAY_SHARE)) if size >= 10 else 0
    roads, airs = round(size * ROAD_SHARE), round(size * AIR_SHARE)
    hosts = _Gateways(seed, ground, gateways)
    rest = [
        *_roads(seed, ground, roads, hosts),
        *_bins(seed, ground, size - gateways - roads - airs, hosts),
        *_airs(seed, ground, airs, hosts),
    ]
    devices = (*hosts.devices(), *rest)
    if dialects:
        devices = tuple(map(speaking, devices))
    return City(seed, ground, tuple(_district(ground, q) for q in QUARTERS), devices)


def _district(ground: Ground, quarter: Quarter) -> District:
    ring = ground.box(quarter.bounds)
    people = round(area_km2(ring) * quarter.people_per_km2, -2)
    return District(quarter.district_id, quarter.name, quarter.use, int(people), tuple(ring))


class _Gateways:
    """Gateways shared out over the districts; every device speaks through one of its own district."""

    def __init__(self, seed: int, ground: Ground, count: int) -> None:
        self.seed, self.ground, self.count = seed, ground, count
        self.covers: dict[str, int] = {f"gw-{at + 1:03d}": 0 for at in range(count)}

    def of(self, quarter: Quarter, salt: int) -> str:
        """Return the gateway for the `salt`-th device of a kind in a district, empty where the city has none."""
        if not self.count:
            return ""
        home = QUARTERS.index(quarter) % self.count
        choices = range(home, self.count, len(QUARTERS))
        gateway_id = f"gw-{choices[salt % len(choices)] + 1:03d}"
        self.covers[gateway_id] += 1
        return gateway_id

    def devices(self) -> list[SimulatedDevice]:
        """Return the gateways as devices of their own: they report voltage and signal once a minute."""
        made = []
        for at, (gateway_id, covers) in enumerate(self.covers.items()):
            quarter = QUARTERS[at % len(QUARTERS)]
            key = key_of(self.seed, gateway_id)
            west, south, east, north = quarter.bounds
            u = (west + east) / 2 + between(key, 0, -0.12, 0.12)
            v = (south + north) / 2 + between(key, 1, -0.06, 0.06)
            number = at // len(QUARTERS) + 1
            site = _site(self.ground, gateway_id, f"{quarter.name} mast {number}", u, v)
            name = f"Gateway {quarter.name} {number}"
            made.append(
                _device(gateway_id, "native", "health", name, site, 60, key, "", quarter, GatewayTraits(covers))
            )
        return made


def _site(ground: Ground, device_id: str, name: str, u: float, v: float) -> Site:
    longitude, latitude = ground.point(u, v)
    return Site(f"site-{device_id}", name, quarter_at(u, v).district_id, longitude, latitude)


def _device(
    device_id: str,
    profile: str,
    domain: str,
    name: str,
    site: Site,
    interval: int,
    key: int,
    gateway_id: str,
    quarter: Quarter,
    traits: RoadTraits | BinTraits | AirTraits | GatewayTraits,
) -> SimulatedDevice:
    # Whole milliseconds, spread over the interval, so that the load is even and times print exactly.
    phase = math.floor(uniform(key, 99) * interval * 1000) / 1000
    step = timedelta(seconds=interval)
    return SimulatedDevice(
        device_id, f"citywatch/{profile}", domain, name, site, step, phase, key, gateway_id, quarter.use, traits
    )


def _roads(seed: int, ground: Ground, count: int, hosts: _Gateways) -> list[SimulatedDevice]:
    """Return detectors in pairs, one a direction, evenly spaced along the corridors."""
    lines = [_measured(ground, corridor) for corridor in CORRIDORS]
    total = sum(metres[-1] for metres in lines)
    stations = math.ceil(count / 2)
    made: list[SimulatedDevice] = []
    for at in range(stations):
        # Even steps over the joined length of all corridors give each its share.
        along = (at + 0.5) * total / stations
        which = 0
        while along > lines[which][-1]:
            along -= lines[which][-1]
            which += 1
        corridor, metres = CORRIDORS[which], lines[which]
        for forward in (True, False):
            if len(made) < count:
                made.append(_detector(seed, ground, len(made) + 1, corridor, metres, along, forward, hosts))
    return made


def _measured(ground: Ground, corridor: Corridor) -> list[float]:
    """Return metres from the start of a corridor at each of its points."""
    metres = [0.0]
    points = [ground.metres(u, v) for u, v in corridor.line]
    for a, b in pairwise(points):
        metres.append(metres[-1] + math.dist(a, b))
    return metres


def _along(corridor: Corridor, metres: list[float], along: float) -> tuple[Plan, Plan]:
    """Return the point of the plan at `along` metres, and the direction of the line there."""
    at = max(1, next(i for i, m in enumerate(metres) if m >= along))
    (u0, v0), (u1, v1) = corridor.line[at - 1], corridor.line[at]
    share = (along - metres[at - 1]) / (metres[at] - metres[at - 1])
    length = math.hypot(u1 - u0, v1 - v0)
    return (u0 + share * (u1 - u0), v0 + share * (v1 - v0)), ((u1 - u0) / length, (v1 - v0) / length)


def _detector(
    seed: int,
    ground: Ground,
    number: int,
    corridor: Corridor,
    metres: list[float],
    along: float,
    forward: bool,
    hosts: _Gateways,
) -> SimulatedDevice:
    device_id = f"road-{number:04d}"
    key = key_of(seed, device_id)
    (u, v), (du, dv) = _along(corridor, metres, along)
    side = 0.004 if forward else -0.004  # right-hand traffic: about 20 m apart on the map
    u, v = u + side * dv, v - side * du
    radius = math.hypot(u, v)
    # Towards the centre when the way there and the way of travel agree.
    toward = -(u * du + v * dv) / max(radius, 1e-6) * (1 if forward else -1)
    tide = 0.0 if corridor.corridor_id in ("a7", "inner") else max(-1.0, min(toward * 1.5, 1.0))
    direction = corridor.forward if forward else corridor.backward
    peak = corridor.peak * between(key, 1, 0.82, 1.12) * (1.12 - 0.35 * min(radius, 1.0))
    traits = RoadTraits(
        corridor.corridor_id,
        direction,
        along,
        corridor.lanes,
        corridor.free_speed * between(key, 2, 0.94, 1.06),
        peak,
        CAPACITY_PER_LANE[corridor.kind] * between(key, 3, 0.92, 1.04),
        tide,
    )
    name = f"{corridor.name} {direction}, km {along / 1000:.1f}"
    quarter = quarter_at(u, v)
    site = _site(ground, device_id, f"{corridor.name} km {along / 1000:.1f}", u, v)
    return _device(device_id, "road", "traffic", name, site, 60, key, hosts.of(quarter, number), quarter, traits)


def _spot(key: int, quarter: Quarter) -> Plan:
    """Return a point of a district that is neither in the river nor outside the town."""
    west, south, east, north = quarter.bounds
    for at in range(0, 200, 2):
        u, v = between(key, 10 + at, west, east), between(key, 11 + at, south, north)
        if abs(v) > 0.045 and u * u + v * v < 1.25 and max(abs(u), abs(v)) < 0.97:
            return u, v
    return (west + east) / 2, (south + north) / 2


def _quarters(seed: int, kind: str, count: int) -> list[Quarter]:
    """Return a district for each of `count` things: one in each in turn where few, by people and area where many."""
    weights = {q.district_id: (q.bounds[2] - q.bounds[0]) * (q.bounds[3] - q.bounds[1]) for q in QUARTERS}
    weights = {q.district_id: weights[q.district_id] * q.people_per_km2**0.6 for q in QUARTERS}
    by_id = {q.district_id: q for q in QUARTERS}
    key = key_of(seed, kind, "district")
    return [QUARTERS[at] if at < len(QUARTERS) else by_id[choose(key, at, weights)] for at in range(count)]


def _bins(seed: int, ground: Ground, count: int, hosts: _Gateways) -> list[SimulatedDevice]:
    """Return bins, one to three of different fractions on a site."""
    made: list[SimulatedDevice] = []
    for number, quarter in enumerate(_quarters(seed, "bin-site", count)):
        key = key_of(seed, "bin-site", number)
        place = choose(key, 0, {name: float(weight) for name, weight in PLACES[quarter.use].items()})
        u, v = _spot(key, quarter)
        site = _site(ground, f"bin-{number + 1:04d}", f"{quarter.name} {place} {number + 1}", u, v)
        wanted = 1 + int(uniform(key, 1) * 3) if place in ("estate", "market", "station") else 1
        for fraction in sorted(FRACTIONS, key=lambda f: -uniform(key_of(key, f)) * FRACTIONS[f])[:wanted]:
            if len(made) == count:
                return made
            made.append(_bin(seed, len(made) + 1, place, fraction, site, quarter, hosts))
    return made


def _bin(
    seed: int, number: int, place: str, fraction: str, site: Site, quarter: Quarter, hosts: _Gateways
) -> SimulatedDevice:
    device_id = f"bin-{number:04d}"
    key = key_of(seed, device_id)
    choices = ROUND_DAYS[fraction]
    days = choices[int(uniform(key, 1) * len(choices))]
    # A round is planned so that a bin is well used but seldom full when the crew comes.
    target = between(key, 2, 40.0, 78.0)
    crew = key_of(seed, "crew", quarter.district_id, fraction)
    traits = BinTraits(
        place,
        fraction,
        LITRES[fraction],
        target / busiest(place, days),
        days,
        int(uniform(crew, days) * days),
        between(crew, 1, 5.5, 8.0) + between(key, 3, 0.0, 3.0),
    )
    name = f"{fraction.capitalize()} bin, {site.name}"
    return _device(device_id, "bin", "waste", name, site, 300, key, hosts.of(quarter, number), quarter, traits)


# setting: share of traffic, industry, heating
SETTINGS = {
    "kerbside": (1.0, 0.3, 0.5),
    "urban background": (0.12, 0.3, 0.4),
    "industrial": (0.5, 1.0, 0.3),
    "residential": (0.10, 0.15, 1.0),
}
BY_USE = {
    "centre": ("kerbside", "urban background"),
    "business": ("kerbside", "urban background"),
    "campus": ("urban background", "kerbside"),
    "industry": ("industrial", "kerbside"),
    "residential": ("residential", "residential"),
}


def _airs(seed: int, ground: Ground, count: int, hosts: _Gateways) -> list[SimulatedDevice]:
    """Return air stations, in every district before a second in any."""
    made = []
    named: Counter[str] = Counter()
    for at, quarter in enumerate(_quarters(seed, "air", count)):
        device_id = f"air-{at + 1:03d}"
        key = key_of(seed, device_id)
        setting = BY_USE[quarter.use][at // len(QUARTERS) % 2]
        u, v = _spot(key, quarter)
        traffic, industry, heating = (share * between(key, i, 0.85, 1.15) for i, share in enumerate(SETTINGS[setting]))
        kind = f"{quarter.name} {setting}"
        named[kind] += 1
        site = _site(ground, device_id, f"{kind} {named[kind]}", u, v)
        traits = AirTraits(setting, traffic, industry, heating)
        made.append(_device(device_id, "air", "air", site.name, site, 60, key, hosts.of(quarter, at), quarter, traits))
    return made
