"""Level of service A to F after the Highway Capacity Manual: a planning measure, to show and not to alarm on."""

from dataclasses import dataclass
from datetime import date, timedelta

from indicators.errors import IndicatorError
from indicators.thresholds import Table, table_for

LEVELS = "ABCDEF"


@dataclass(frozen=True, slots=True)
class LevelOfService:
    """One level with the edition that defines it."""

    level: str
    edition: str


def freeway_level(
    density: float, units: str = "us", volume_to_capacity: float | None = None, on: date | None = None
) -> LevelOfService:
    """Return the level of a freeway segment from its density in passenger cars.

    `units` us takes pc/mi/ln, metric takes pc/km/ln. Bounds belong to the better level (11.0 is A); more volume than
    capacity is F whatever the density.
    """
    table = table_for("level_of_service", on)
    scales = table.section("freeway")
    if units not in scales:
        raise IndicatorError(f"no freeway densities in {units!r} units; there are {', '.join(scales)}")
    if density < 0:
        raise IndicatorError(f"density {density} is below 0")
    passed = sum(density > bound for bound in scales[units]["bounds"])
    return _level(passed, volume_to_capacity, table)


def urban_street_level(
    speed: float, free_speed: float, volume_to_capacity: float | None = None, on: date | None = None
) -> LevelOfService:
    """Return the level of an urban street from its travel speed and base free-flow speed, both in the same unit.

    The share must lie above a bound to reach its level: 80 % exactly is B. Volume above capacity is F.
    """
    if free_speed <= 0 or speed < 0:
        raise IndicatorError(f"speed {speed} against a free-flow speed of {free_speed} gives no level")
    table = table_for("level_of_service", on)
    passed = sum(100 * speed <= bound * free_speed for bound in table.section("urban_street"))
    return _level(passed, volume_to_capacity, table)


def long_enough(period: timedelta) -> bool:
    """Return whether a level of service may be stated for `period`: 15 minutes and more."""
    return period >= timedelta(minutes=table_for("level_of_service").section("minimum_period_minutes"))


def _level(passed: int, volume_to_capacity: float | None, table: Table) -> LevelOfService:
    over_capacity = volume_to_capacity is not None and volume_to_capacity > 1
    return LevelOfService("F" if over_capacity else LEVELS[passed], table.edition)
