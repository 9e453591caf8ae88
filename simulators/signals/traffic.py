"""Traffic: what people want (the demand) meets what the road can pass (the fundamental diagram).

Below capacity flow follows demand and speed falls gently; above it, or in a queue from ahead, the road is on the
congested branch, q = w (kj - k). In either case flow = density x speed exactly.
"""

import math
from dataclasses import dataclass

from simulators.city import RoadTraits
from simulators.randomness import normal, poisson, smooth
from simulators.signals.calendar import Moment, moment
from simulators.signals.influence import CALM, Influence
from simulators.signals.weather import weather

# Share of the busiest hour that is under way at each full hour.
WEEKDAY = (
    0.11, 0.07, 0.06, 0.07, 0.16, 0.46, 0.86, 1.00, 0.93, 0.79, 0.72, 0.75,
    0.79, 0.78, 0.83, 0.92, 1.00, 0.95, 0.72, 0.53, 0.45, 0.41, 0.33, 0.19,
)  # fmt: skip
REST_DAY = (
    0.25, 0.17, 0.12, 0.09, 0.09, 0.13, 0.20, 0.29, 0.41, 0.55, 0.66, 0.73,
    0.78, 0.79, 0.79, 0.78, 0.76, 0.73, 0.66, 0.56, 0.48, 0.41, 0.35, 0.28,
)  # fmt: skip
DAY_FACTOR = (0.97, 1.0, 1.01, 1.02, 1.04, 1.0, 0.88)  # Monday to Sunday
EFFECTIVE_LENGTH = 6.5  # m: a mean vehicle and the detector's own field
WAVE_SPEED = 19.0  # km/h at which a queue's tail and its dissolution travel
JAM_DENSITY = 145.0  # vehicles/km a lane, standing


@dataclass(frozen=True, slots=True)
class TrafficState:
    """The truth on one lane: flow in vehicles/h, density in vehicles/km, speed in km/h; flow = density x speed."""

    flow: float
    density: float
    speed: float
    congested: bool


def share_of_peak(now: Moment, tide: float = 0.0) -> float:
    """Return the share of the busiest hour's demand; `tide` 1 is towards the centre, -1 away from it."""
    curve = REST_DAY if now.rest else WEEKDAY
    hour = int(now.hour)
    part = now.hour - hour
    share = curve[hour % 24] * (1 - part) + curve[(hour + 1) % 24] * part
    if tide and not now.rest:
        morning = math.exp(-(((now.hour - 7.4) / 1.6) ** 2))
        evening = math.exp(-(((now.hour - 16.6) / 1.9) ** 2))
        share *= 1 + 0.28 * tide * (morning - evening)
    return share * DAY_FACTOR[now.weekday]


def traffic_state(
    city_key: int, key: int, traits: RoadTraits, seconds: float, influence: Influence = CALM
) -> TrafficState:
    """Return the state of one lane at a detector."""
    sky = weather(city_key, seconds)
    wet = min(1.0, sky.rain)
    wish = share_of_peak(moment(seconds), traits.tide) * traits.peak
    wish *= math.exp(0.04 * smooth(city_key + 20, seconds, 7200.0) + 0.05 * smooth(key + 21, seconds, 3000.0))
    wish *= influence.demand * (1 - 0.04 * wet)
    capacity = max(60.0, traits.capacity * influence.capacity * (1 - 0.10 * wet))
    load = wish / capacity
    depth = min(1.0, max(influence.queue, (load - 1.0) / 0.35))
    if depth > 0.0:
        # Deeper in the queue less gets through; the rest follows from the diagram's congested branch.
        passing = min(capacity * (1 - 0.12 - 0.55 * depth), WAVE_SPEED * JAM_DENSITY * 0.72)
        density = JAM_DENSITY - passing / WAVE_SPEED
        return TrafficState(passing, density, passing / density, True)
    speed = traits.free_speed * (1 - 0.05 * wet) * (1 - 0.22 * load**3)
    return TrafficState(wish, wish / speed, speed, False)


def measure_traffic(
    city_key: int, key: int, traits: RoadTraits, seconds: float, interval: float, influence: Influence = CALM
) -> dict[str, float | None]:
    """Return what the detector counted over the `interval` seconds before: flow over all lanes, speed, occupancy."""
    state = traffic_state(city_key, key, traits, seconds, influence)
    step = int(seconds // interval)
    count = poisson(key + 30, step, state.flow * traits.lanes * interval / 3600)
    if count == 0:
        return {"vehicle_flow": 0.0, "vehicle_speed": None, "occupancy": 0.0}  # nobody passed: there is no speed
    flow = count * 3600 / interval
    scatter = 0.05 / math.sqrt(1 + count / 12)
    speed = round(state.speed * math.exp(scatter * normal(key + 31, step)), 1)
    occupancy = flow / traits.lanes / speed * EFFECTIVE_LENGTH / 10  # 100 k L / 1000, k = q / v
    return {"vehicle_flow": round(flow), "vehicle_speed": speed, "occupancy": round(min(occupancy, 100.0), 2)}
