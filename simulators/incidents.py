"""Incidents: what really happens in the city, as an influence on each device near it."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from simulators.city import ALONG, AirTraits, BinTraits, City, RoadTraits, SimulatedDevice
from simulators.geography import METRES_PER_DEGREE
from simulators.planting import Planted
from simulators.signals.influence import CALM, Influence
from simulators.signals.traffic import WAVE_SPEED

Step = Callable[[Influence, Planted, SimulatedDevice, float], Influence]


def ramp(since: float, rise: float, lasts: float, fall: float) -> float:
    """Return 0..1: a smooth rise over `rise` seconds, a plateau, and a fall over the last `fall` of `lasts` seconds."""
    up = min(1.0, max(0.0, since / rise)) if rise > 0 else 1.0
    down = min(1.0, max(0.0, (lasts - since) / fall)) if fall > 0 else 1.0
    share = min(up, down)
    return share * share * (3 - 2 * share)


def _lasts(planted: Planted) -> float:
    return (planted.end - planted.start).total_seconds()


def _overflow(now: Influence, planted: Planted, _device: SimulatedDevice, seconds: float) -> Influence:
    """A bin is stuffed until it is full; at the end a crew empties it, and the undisturbed level returns."""
    share = ramp(planted.progress(seconds), planted.parameters.get("rise", 1800.0), _lasts(planted), 0.0)
    return replace(now, fill=share, fill_to=planted.parameters.get("to", 98.0))


def _bin_fire(now: Influence, planted: Planted, _device: SimulatedDevice, seconds: float) -> Influence:
    """The content burns: hot within minutes, then embers."""
    since = planted.progress(seconds)
    peak = planted.parameters.get("heat", 160.0)
    return replace(now, heat=peak * min(1.0, since / 150.0) * (1.0 if since < 900 else math.exp((900 - since) / 600)))


def _pollution(now: Influence, planted: Planted, device: SimulatedDevice, seconds: float) -> Influence:
    """Smoke or a weather trap: stations nearer to the centre of it get more."""
    share = ramp(planted.progress(seconds), planted.parameters.get("rise", 3600.0), _lasts(planted), 1800.0)
    share *= planted.parameters.get("reach", {}).get(device.device_id, 1.0)
    particles = planted.parameters.get("particles", 60.0)
    gases = planted.parameters.get("gases", 40.0)
    return replace(now, particles=now.particles + share * particles, gases=now.gases + share * gases)


def _crash(now: Influence, planted: Planted, device: SimulatedDevice, seconds: float) -> Influence:
    """Lanes are closed at one point: a queue grows against the traffic, and behind the point there is a gap."""
    distance = planted.parameters["distance"][device.device_id]  # m ahead of the crash; negative: behind the driver
    since = planted.progress(seconds)
    if distance < 0:
        return replace(now, demand=now.demand * (1 - 0.6 * ramp(since + distance / 14, 60.0, _lasts(planted), 120.0)))
    tail = min(since, _lasts(planted) * 0.8) / 3600 * WAVE_SPEED * 1000 * planted.parameters.get("growth", 0.6)
    if distance > tail:
        return now
    depth = planted.parameters.get("depth", 0.8) * (1 - 0.3 * distance / max(tail, 1.0))
    return replace(now, queue=max(now.queue, depth))


def _congestion(now: Influence, planted: Planted, _device: SimulatedDevice, seconds: float) -> Influence:
    """More wants to pass than can, for a while."""
    share = ramp(planted.progress(seconds), 600.0, _lasts(planted), 600.0)
    return replace(now, queue=max(now.queue, share * planted.parameters.get("depth", 0.6)))


def _festival(now: Influence, planted: Planted, device: SimulatedDevice, seconds: float) -> Influence:
    """Thousands come: more traffic around it, and bins that fill by the hour."""
    share = ramp(planted.progress(seconds), 3600.0, _lasts(planted), 3600.0)
    if isinstance(device.traits, BinTraits):
        filled = min(1.0, planted.progress(seconds) / (0.6 * _lasts(planted)))
        return replace(now, fill=max(now.fill, filled), fill_to=planted.parameters.get("fill_to", 97.0))
    if isinstance(device.traits, AirTraits):
        return replace(now, particles=now.particles + 6.0 * share, demand=now.demand * (1 + 0.4 * share))
    return replace(now, demand=now.demand * (1 + planted.parameters.get("traffic", 0.25) * share))


INCIDENTS: dict[str, Step] = {
    "overflow": _overflow,
    "bin_fire": _bin_fire,
    "pollution_episode": _pollution,
    "crash": _crash,
    "congestion": _congestion,
    "festival": _festival,
}


def influence_of(planted: list[Planted], device: SimulatedDevice, seconds: float) -> Influence:
    """Return what the incidents among `planted` do to a device at a moment."""
    now = CALM
    for one in planted:
        step = INCIDENTS.get(one.kind)
        if step is not None and one.holds(seconds):
            now = step(now, one, device, seconds)
    return now


def reach(
    kind: str, city: City, device: SimulatedDevice, parameters: dict[str, Any]
) -> tuple[tuple[str, ...], dict[str, object]]:
    """Return the devices that an incident of a kind at `device` touches, and the parameters that place them."""
    match kind:
        case "crash":
            distances = _road_distances(city, device)
            return tuple(distances), {"distance": distances}
        case "pollution_episode":
            shares = _air_shares(city, device, parameters.get("half_distance", 1500.0))
            return tuple(shares), {"reach": shares}
        case "festival":
            names = [
                d.device_id
                for d in city.devices
                if d.site.district_id == device.site.district_id and d.domain in ("waste", "traffic", "air")
            ]
            return (device.device_id, *(n for n in names if n != device.device_id)), {}
        case _:
            return (device.device_id,), {}


def _road_distances(city: City, device: SimulatedDevice) -> dict[str, float]:
    """Return metres of road from each detector of the same direction to the crash, which is just ahead of `device`."""
    here = device.traits
    assert isinstance(here, RoadTraits), "a crash happens on a road"
    sign = 1 if here.direction in ALONG else -1
    found = {device.device_id: 60.0}
    for other in city.devices:
        there = other.traits
        if isinstance(there, RoadTraits) and other is not device:
            same = there.corridor_id == here.corridor_id and there.direction == here.direction
            distance = 60.0 + sign * (here.position - there.position)
            if same and -2500 < distance < 4000:
                found[other.device_id] = round(distance, 1)
    return found


def _air_shares(city: City, device: SimulatedDevice, half_distance: float) -> dict[str, float]:
    """Return how much of it each air station gets: all at the centre, half at so many metres, nothing below a tenth."""
    found = {device.device_id: 1.0}
    for other in city.devices:
        if isinstance(other.traits, AirTraits) and other is not device:
            east = (other.site.longitude - device.site.longitude) * math.cos(math.radians(device.site.latitude))
            north = other.site.latitude - device.site.latitude
            share = 0.5 ** (math.hypot(east, north) * METRES_PER_DEGREE / half_distance)
            if share > 0.1:
                found[other.device_id] = round(share, 3)
    return found
