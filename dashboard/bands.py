"""How a value is called: the European Air Quality Index and the level of service, each with its edition.

They name what is on screen. What is acted upon is a rule's limit; index values as observations of their own come
from the indicators.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboard.texts import mark

# European Air Quality Index as revised: ETC HE Report 2024/17, table 5.2. Hourly means; upper bounds, inclusive, ug/m3.
EAQI_EDITION = mark("European Air Quality Index, EEA 2024 (ETC HE Report 2024/17), hourly means")
EAQI_BOUNDS: dict[str, tuple[float, ...]] = {
    "pm2_5": (5, 15, 50, 90, 140),
    "pm10": (15, 45, 120, 195, 270),
    "no2": (10, 25, 60, 100, 150),
    "o3": (60, 100, 120, 160, 180),
}
EAQI_NAMES = (
    mark("Good"),
    mark("Fair"),
    mark("Moderate"),
    mark("Poor"),
    mark("Very poor"),
    mark("Extremely poor"),
)

# Urban streets, HCM 6th edition; the derived property `level_of_service` has them as 1 to 6.
SERVICE_EDITION = mark(
    "Level of service of a quarter of an hour: its mean speed against the detector's own free-flow speed of four weeks,"
    " HCM 6th edition, urban streets; none where readings are missing or the free-flow speed is not known yet"
)
SERVICE_LEVELS = "ABCDEF"


@dataclass(frozen=True, slots=True)
class Band:
    """A level from 1 (best), its name, and the property that is responsible for it."""

    level: int
    name: str
    responsible: str


def air_band(values: Mapping[str, float | None]) -> Band | None:
    """Return the band of the worst pollutant; None where none of them is there."""
    worst: Band | None = None
    for name, bounds in EAQI_BOUNDS.items():
        value = values.get(name)
        if value is None:
            continue
        level = 1 + sum(value > bound for bound in bounds)
        if worst is None or level > worst.level:
            worst = Band(level, EAQI_NAMES[level - 1], name)
    return worst


def service_level(level: float | None) -> str | None:
    """Return the letter of a level of service from 1 to 6; None where there is none."""
    return None if level is None else SERVICE_LEVELS[round(level) - 1]


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the percentile by linear interpolation (type 7); None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (position - low) * (ordered[high] - ordered[low])
