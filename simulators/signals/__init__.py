"""What the city's sensors say at any moment: pure functions of the city's seed, the device and the time.

No state is carried from one reading to the next, so any moment can be asked for alone, in any order, in any process.
"""

from datetime import datetime

from simulators.city import AirTraits, BinTraits, City, GatewayTraits, RoadTraits, SimulatedDevice
from simulators.randomness import key_of
from simulators.signals.air import measure_air
from simulators.signals.influence import CALM, Influence
from simulators.signals.power import measure_gateway
from simulators.signals.traffic import measure_traffic
from simulators.signals.waste import measure_bin

Values = dict[str, float | None]

COUNTED_SECONDS = 60.0  # over which a road detector counts, however many counts it sends at once


def readings(city: City, device: SimulatedDevice, at: datetime, influence: Influence = CALM) -> Values:
    """Return every property the device observes at `at`, in catalogue units; None where it has nothing to say."""
    return readings_at(city.seed, device, at.timestamp(), influence)


def readings_at(seed: int, device: SimulatedDevice, seconds: float, influence: Influence = CALM) -> Values:
    """Return the same for seconds since 1970."""
    key = key_of("city", seed)
    match device.traits:
        case RoadTraits() as traits:
            return measure_traffic(key, device.key, traits, seconds, COUNTED_SECONDS, influence)
        case BinTraits() as traits:
            return measure_bin(key, device.key, traits, seconds, influence)
        case AirTraits() as traits:
            return measure_air(key, device.key, traits, seconds, influence)
        case GatewayTraits():
            return measure_gateway(device.key, seconds)
