"""Flow, density and speed of a traffic stream, and the two textbook relations between them.

Flow q in veh/h, density k in veh/km, speed v in km/h, occupancy o as a fraction of time (0 to 1); q = k v.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from indicators.errors import IndicatorError

HOUR = timedelta(hours=1)


def hourly_flow(count: float, period: timedelta) -> float:
    """Return veh/h for `count` vehicles in `period`."""
    if period <= timedelta(0):
        raise IndicatorError(f"a count needs a period longer than {period}")
    return count * (HOUR / period)


def space_mean_speed(speeds: Sequence[float]) -> float | None:
    """Return the harmonic mean of spot speeds (km/h): 40 and 80 give 53.33. None where nothing passed.

    Time means overstate the speed of the stream, since fast vehicles pass a point more often.
    """
    if not speeds:
        return None
    if min(speeds) <= 0:
        raise IndicatorError(f"a passing vehicle cannot have speed {min(speeds)} km/h")
    return len(speeds) / sum(1 / speed for speed in speeds)


def loop_density(occupancy: float, effective_length: float) -> float:
    """Return veh/km from occupancy (fraction) and effective length (vehicle and loop, m): k = 1000 o / L."""
    if not 0 <= occupancy <= 1:
        raise IndicatorError(f"occupancy {occupancy} is not a fraction of time, 0 to 1")
    if effective_length <= 0:
        raise IndicatorError(f"effective length {effective_length} m is not above 0")
    return 1000 * occupancy / effective_length


def loop_speed(flow: float, occupancy: float, effective_length: float) -> float | None:
    """Return km/h from one loop, v = q L / (1000 o). None, not 0, where nothing covered the loop."""
    density = loop_density(occupancy, effective_length)
    return flow / density if density else None


@dataclass(frozen=True, slots=True)
class Greenshields:
    """Speed falls linearly with density, from `free_speed` (km/h) to 0 at `jam_density` (veh/km)."""

    free_speed: float
    jam_density: float

    @property
    def capacity(self) -> float:
        """Return the highest flow in veh/h, reached at half the jam density."""
        return self.free_speed * self.jam_density / 4

    def speed(self, density: float) -> float:
        """Return km/h at `density`; raise IndicatorError outside 0 to the jam density."""
        _check_density(density, self.jam_density)
        return self.free_speed * (1 - density / self.jam_density)

    def flow(self, density: float) -> float:
        """Return veh/h at `density`."""
        return density * self.speed(density)


@dataclass(frozen=True, slots=True)
class Triangular:
    """Flow rises with `free_speed` (km/h) up to the critical density and falls with `wave_speed` (km/h) to the jam."""

    free_speed: float
    wave_speed: float
    jam_density: float

    @property
    def critical_density(self) -> float:
        """Return the density in veh/km at which flow is highest."""
        return self.wave_speed * self.jam_density / (self.free_speed + self.wave_speed)

    @property
    def capacity(self) -> float:
        """Return the highest flow in veh/h."""
        return self.free_speed * self.critical_density

    def flow(self, density: float) -> float:
        """Return veh/h at `density`; raise IndicatorError outside 0 to the jam density."""
        _check_density(density, self.jam_density)
        return min(self.free_speed * density, self.wave_speed * (self.jam_density - density))

    def speed(self, density: float) -> float:
        """Return km/h at `density`: the free speed on an empty road."""
        return self.flow(density) / density if density else self.free_speed


def _check_density(density: float, jam_density: float) -> None:
    if not 0 <= density <= jam_density:
        raise IndicatorError(f"density {density} veh/km is not within 0 to the jam density {jam_density}")
