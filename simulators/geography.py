"""The ground the simulated city stands on: a river town drawn on a warped disc, so that borders meet exactly.

Everything is drawn in plan coordinates (u, v), both in -1..1, with the river along v = 0 and the north bank above it;
`Ground.point` bends the plan into longitude and latitude. Shapes that share a line in the plan share it on the map.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from simulators.randomness import between, key_of

Plan = tuple[float, float]
Position = tuple[float, float]

CITY_NAME = "Veldhaven"
RIVER_NAME = "Aure"
TIME_ZONE = "Europe/Berlin"
CENTRE: Position = (9.2140, 51.9085)  # longitude, latitude of the old bridge
METRES_PER_DEGREE = 111_320.0
RIVER_HALF_WIDTH = 0.018


@dataclass(frozen=True, slots=True)
class Quarter:
    """A district in the plan: `west, south, east, north` are its bounds, `use` what people do there."""

    district_id: str
    name: str
    use: str
    bounds: tuple[float, float, float, float]
    people_per_km2: float


# The bounds tile the whole disc: a test adds up the areas.
QUARTERS = (
    Quarter("old-town", "Old Town", "centre", (-0.36, 0.0, 0.34, 0.42), 7800),
    Quarter("harbour", "Harbour", "industry", (-1.0, 0.0, -0.36, 0.42), 2100),
    Quarter("university", "University", "campus", (0.34, 0.0, 1.0, 0.42), 4600),
    Quarter("north-hill", "North Hill", "residential", (-1.0, 0.42, 0.02, 1.0), 3900),
    Quarter("science-park", "Science Park", "business", (0.02, 0.42, 1.0, 1.0), 2300),
    Quarter("station", "Station Quarter", "business", (-0.40, -0.45, 0.38, 0.0), 6400),
    Quarter("westworks", "Westworks", "industry", (-1.0, -0.45, -0.40, 0.0), 1500),
    Quarter("orchards", "Orchards", "residential", (0.38, -0.45, 1.0, 0.0), 4200),
    Quarter("south-meadows", "South Meadows", "residential", (-1.0, -1.0, 1.0, -0.45), 3100),
)


@dataclass(frozen=True, slots=True)
class Corridor:
    """A road that carries traffic between districts: `line` in the plan, speeds in km/h, `peak` in vehicles/h a lane.

    `forward` and `backward` name its two directions of travel along the line; `inbound` says which of them leads to
    the centre in the morning, empty for a ring.
    """

    corridor_id: str
    name: str
    kind: str
    lanes: int
    free_speed: float
    peak: float
    line: tuple[Plan, ...]
    forward: str
    backward: str
    inbound: str = ""


def _ring(radius: float, points: int = 96) -> tuple[Plan, ...]:
    """Return a rounded square around the centre (superellipse of order 4)."""
    line = []
    for at in range(points + 1):
        angle = 2 * math.pi * at / points
        c, s = math.cos(angle), math.sin(angle)
        scale = radius / (c**4 + s**4) ** 0.25
        line.append((scale * c, scale * s))
    return tuple(line)


def _straight(a: Plan, b: Plan, points: int = 40) -> tuple[Plan, ...]:
    return tuple((a[0] + (b[0] - a[0]) * at / points, a[1] + (b[1] - a[1]) * at / points) for at in range(points + 1))


CORRIDORS = (
    Corridor("a7", "A7 Ring Motorway", "motorway", 3, 100, 2200, _ring(0.86), "clockwise", "anticlockwise"),
    Corridor("inner", "Inner Ring", "arterial", 2, 60, 1020, _ring(0.44), "clockwise", "anticlockwise"),
    Corridor(
        "bridge", "Bridge Road", "arterial", 2, 50, 820, _straight((-0.02, -1.02), (-0.02, 1.02)),
        "northbound", "southbound",
    ),
    Corridor(
        "harbour", "Harbour Way", "arterial", 2, 60, 800, _straight((-0.58, -1.0), (-0.58, 1.0)),
        "northbound", "southbound",
    ),
    Corridor(
        "campus", "Campus Avenue", "arterial", 2, 50, 720, _straight((0.56, -1.0), (0.56, 1.0)),
        "northbound", "southbound",
    ),
    Corridor(
        "quay", "North Quay", "arterial", 2, 50, 780, _straight((-1.03, 0.07), (1.03, 0.07)),
        "eastbound", "westbound",
    ),
    Corridor(
        "embankment", "South Embankment", "arterial", 2, 50, 760, _straight((-1.03, -0.085), (1.03, -0.085)),
        "eastbound", "westbound",
    ),
    Corridor(
        "hill", "Hill Road", "arterial", 1, 50, 700, _straight((0.02, 0.42), (-0.62, 0.98)),
        "outbound", "inbound", "backward",
    ),
    Corridor(
        "science", "Science Drive", "arterial", 1, 60, 760, _straight((0.18, 0.42), (0.74, 0.86)),
        "outbound", "inbound", "backward",
    ),
    Corridor(
        "meadow", "Meadow Road", "arterial", 1, 60, 720, _straight((0.10, -0.45), (0.52, -0.98)),
        "outbound", "inbound", "backward",
    ),
    Corridor(
        "works", "Works Road", "arterial", 1, 60, 720, _straight((-0.22, -0.45), (-0.80, -0.80)),
        "outbound", "inbound", "backward",
    ),
)  # fmt: skip

# name, centre and half sizes in the plan
PARKS = (
    ("Castle Gardens", 0.16, 0.27, 0.09, 0.06),
    ("Orchard Park", 0.68, -0.26, 0.10, 0.08),
    ("Hill Wood", -0.30, 0.72, 0.13, 0.09),
    ("Meadow Common", 0.18, -0.72, 0.15, 0.07),
    ("Botanic Garden", 0.70, 0.22, 0.07, 0.07),
)


class Ground:
    """The bend from plan to map, a function of the seed."""

    def __init__(self, seed: int) -> None:
        key = key_of("ground", seed)
        self.radius = between(key, 0, 4600.0, 5200.0)
        self.turn = between(key, 1, -0.35, 0.35)
        self.flat = between(key, 2, 0.80, 0.92)
        self.meander = between(key, 3, 0.06, 0.11)
        self.phase = between(key, 4, 0.0, 2 * math.pi)
        self.ripple = between(key, 5, 0.03, 0.06)
        self._metres_per_degree_east = METRES_PER_DEGREE * math.cos(math.radians(CENTRE[1]))

    def metres(self, u: float, v: float) -> Position:
        """Return metres east and north of the centre."""
        # A square becomes a disc; beyond its edge (roads that leave town) lines simply go on.
        a, b = min(abs(u), 1.0), min(abs(v), 1.0)
        x = u * math.sqrt(1 - b * b / 2)
        y = v * math.sqrt(1 - a * a / 2)
        y += self.meander * math.sin(2.6 * x + self.phase)
        x += self.ripple * math.sin(3.3 * y + 1.7 * self.phase)
        y *= self.flat
        c, s = math.cos(self.turn), math.sin(self.turn)
        return self.radius * (x * c - y * s), self.radius * (x * s + y * c)

    def point(self, u: float, v: float) -> Position:
        """Return longitude and latitude, rounded to a decimetre."""
        east, north = self.metres(u, v)
        return (
            round(CENTRE[0] + east / self._metres_per_degree_east, 6),
            round(CENTRE[1] + north / METRES_PER_DEGREE, 6),
        )

    def line(self, points: tuple[Plan, ...] | list[Plan]) -> list[Position]:
        """Return a line on the map."""
        return [self.point(u, v) for u, v in points]

    def box(self, bounds: tuple[float, float, float, float]) -> list[Position]:
        """Return the closed ring, anticlockwise, around a box of the plan."""
        return self.line(box_ring(bounds))


def _steps(low: float, high: float) -> list[float]:
    """Return the ends and every multiple of 0.04 between: neighbours of any size get the same points on a border."""
    inner = [round(at * 0.04, 2) for at in range(-25, 26) if low < at * 0.04 - 1e-9 and at * 0.04 + 1e-9 < high]
    corners = {c for q in QUARTERS for c in q.bounds if low < c < high}
    return [low, *sorted({*inner, *corners}), high]


def box_ring(bounds: tuple[float, float, float, float]) -> list[Plan]:
    """Return the closed ring of a box in the plan, with points dense enough to bend."""
    west, south, east, north = bounds
    us, vs = _steps(west, east), _steps(south, north)
    return [
        *((u, south) for u in us),
        *((east, v) for v in vs[1:]),
        *((u, north) for u in us[-2::-1]),
        *((west, v) for v in vs[-2::-1]),
    ]


def quarter_at(u: float, v: float) -> Quarter:
    """Return the district that holds a point of the plan; beyond the edge the nearest."""
    u, v = max(-1.0, min(u, 1.0)), max(-1.0, min(v, 1.0))
    for quarter in QUARTERS:
        west, south, east, north = quarter.bounds
        if west <= u <= east and south <= v <= north:
            return quarter
    raise AssertionError(f"({u}, {v}) lies in no district")


def area_km2(ring: list[Position]) -> float:
    """Return the area inside a ring of longitudes and latitudes (plane approximation, fit for a city)."""
    scale = METRES_PER_DEGREE / 1000
    east = scale * math.cos(math.radians(CENTRE[1]))
    total = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))
    return abs(total) / 2 * scale * east
