"""Fill level of a bin from the distance its sensor measures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from devices.model import QualityFlag
from indicators.errors import IndicatorError
from indicators.quantiles import median
from indicators.thresholds import table_for

# Speed of sound in air, m/s: at 0 Cel, per kelvin, and at the 20 Cel that simple sensors assume.
SOUND_AT_ZERO, SOUND_PER_KELVIN, SOUND_ASSUMED = 331.3, 0.606, 343.42


@dataclass(frozen=True, slots=True)
class FillReading:
    """The fill level of one bin at one time, in percent."""

    time: datetime
    level: float


def fill_level(distance: float, empty: float, full: float) -> float:
    """Return percent, 0 to 100, from the distance to the content and the distances when empty and full (all cm)."""
    if not 0 <= full < empty:
        raise IndicatorError(f"a bin cannot be full at {full} cm and empty at {empty} cm")
    return min(100.0, max(0.0, 100 * (empty - distance) / (empty - full)))


def compensated_distance(distance: float, temperature: float) -> float:
    """Return the true distance (cm) at `temperature` (Cel) of a sensor that assumes 20 Cel.

    Only for ultrasonic devices that do not compensate themselves: 25 K are 3 to 5 points of fill in a common bin.
    """
    return distance * (SOUND_AT_ZERO + SOUND_PER_KELVIN * temperature) / SOUND_ASSUMED


def median_shot(distances: Sequence[float]) -> float:
    """Return the median of several shots (cm): single echoes are outlier-prone, so take three to five."""
    return median(distances)


def distance_flag(distance: float, empty: float) -> QualityFlag:
    """Return SUSPECT for a distance (cm) clearly beyond the bottom: lid open, tilted, or echo lost."""
    margin = table_for("waste").section("fill")["lid_margin"]
    return QualityFlag.SUSPECT if distance > empty + margin else QualityFlag.GOOD
