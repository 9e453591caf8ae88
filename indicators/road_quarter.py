"""Level of service and travel-time index of one road detector over 15 minutes, against its own free-flow speed."""

from collections.abc import Sequence

from devices.model import QualityFlag
from indicators.derived import DAY, NO_VALUE, QUARTER, Value, flag
from indicators.level_of_service import LEVELS, urban_street_level
from indicators.minimum_data import hour_is_valid
from indicators.quantiles import median
from indicators.traffic import space_mean_speed
from indicators.travel_time import free_flow_speed

STANDING = 1.0  # km/h: the least a queue is taken to move at, since at 0 a trip would never end
NEEDED_QUARTERS = 3 * (DAY // QUARTER) // 4  # three quarters of a day, as for a daily mean

# Mean speed (km/h) of a past quarter of an hour, and its mean flow where the detector counts.
PastQuarter = tuple[float, float | None]


def own_free_flow(past: Sequence[PastQuarter]) -> float | None:
    """Return the free-flow speed (km/h) of a detector from its past quarters; None before three quarters of a day.

    Off-peak is what the detector itself finds quiet: flow at or below its median. That needs no calendar and no zone.
    """
    if len(past) < NEEDED_QUARTERS:
        return None
    flows = [flow for _, flow in past if flow is not None]
    if not flows:
        return free_flow_speed([speed for speed, _ in past])
    busy = median(flows)
    return free_flow_speed([speed for speed, flow in past if flow is not None and flow <= busy])


def road_quarter(speeds: Sequence[float], trusted: int, expected: int, free_speed: float | None) -> dict[str, Value]:
    """Return level_of_service (1 = A to 6 = F) and travel_time_index of a quarter.

    `speeds` are its usable speeds (km/h), `trusted` of them GOOD, `expected` how many there should be; none of both
    below 75 % of that, or while the free-flow speed is not known.
    """
    if free_speed is None or free_speed <= 0 or not hour_is_valid(len(speeds), expected):
        return {"level_of_service": NO_VALUE, "travel_time_index": NO_VALUE}
    speed = space_mean_speed([max(each, STANDING) for each in speeds])
    assert speed is not None, "a valid quarter has at least one speed"
    quality: QualityFlag = flag(trusted, len(speeds))
    level = LEVELS.index(urban_street_level(speed, free_speed).level) + 1
    return {
        "level_of_service": Value(float(level), quality),
        "travel_time_index": Value(round(free_speed / speed, 4), quality),
    }
