"""What the simulated city consists of: districts, sites and devices with their traits."""

from dataclasses import dataclass
from datetime import timedelta

from simulators.geography import Ground, Position

# Directions in which the position along a corridor grows.
ALONG = ("clockwise", "northbound", "eastbound", "outbound")


@dataclass(frozen=True, slots=True)
class RoadTraits:
    """A detector on one direction of a corridor. `position` is metres along it; `tide` 1 inbound, -1 outbound, 0 ring.

    `peak` is the demand of a busy hour and `capacity` what the road can pass, both vehicles/h a lane; km/h.
    """

    corridor_id: str
    direction: str
    position: float
    lanes: int
    free_speed: float
    peak: float
    capacity: float
    tide: float


@dataclass(frozen=True, slots=True)
class BinTraits:
    """A bin. It gains `daily_fill` percent on a mean day and is emptied each `round_days` days at `round_hour`."""

    place: str
    fraction: str
    litres: int
    daily_fill: float
    round_days: int
    round_phase: int
    round_hour: float


@dataclass(frozen=True, slots=True)
class AirTraits:
    """An air station: how much of traffic, industry and heating reaches it, 0..1 each."""

    setting: str
    traffic: float
    industry: float
    heating: float


@dataclass(frozen=True, slots=True)
class GatewayTraits:
    """A radio gateway that speaks for the devices around it."""

    covers: int


@dataclass(frozen=True, slots=True)
class Site:
    """A place where devices stand."""

    site_id: str
    name: str
    district_id: str
    longitude: float
    latitude: float


@dataclass(frozen=True, slots=True)
class District:
    """A district with its closed ring of longitudes and latitudes."""

    district_id: str
    name: str
    use: str
    population: int
    ring: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class SimulatedDevice:
    """One device: who it is, where it stands, how often it speaks (`interval`, `phase` into it), and its `key`.

    `dialect` is how it speaks, a name of `simulators.dialects`.
    """

    device_id: str
    profile: str
    domain: str
    name: str
    site: Site
    interval: timedelta
    phase: float
    key: int
    gateway_id: str
    use: str
    traits: RoadTraits | BinTraits | AirTraits | GatewayTraits
    dialect: str = "native"


@dataclass(frozen=True, slots=True)
class City:
    """The whole city; `devices` counts gateways too."""

    seed: int
    ground: Ground
    districts: tuple[District, ...]
    devices: tuple[SimulatedDevice, ...]

    @property
    def sites(self) -> list[Site]:
        """Return every site once, in the order of its first device."""
        return list({device.site.site_id: device.site for device in self.devices}.values())
