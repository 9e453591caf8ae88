"""What else a bin tells: fire, tilt, hours of overflow, and how well collection is planned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from itertools import pairwise

from indicators.emptying import Emptying, Standing
from indicators.errors import IndicatorError
from indicators.fill import FillReading
from indicators.thresholds import table_for

# One sample of a sensor in the bin: when, and temperature in Cel or angle in degrees.
Sample = tuple[datetime, float]


class FireSign(StrEnum):
    """Why fire is suspected."""

    HOT = "hot"
    RISING = "rising"
    CARBON_MONOXIDE = "carbon_monoxide"


class CollectionNeed(IntEnum):
    """How much a bin needs a visit."""

    NONE = 0
    PLAN = 1
    URGENT = 2
    OVERFLOW = 3


def collection_need(
    level: float, urgent_at: datetime | None = None, next_visit: datetime | None = None
) -> CollectionNeed:
    """Return the need of a bin at `level` percent.

    80 % is to be planned, 90 % urgent, 100 % overflows. A forecast that it passes 90 % (at `urgent_at`) before the next
    planned visit is reason enough to plan another: a better trigger than any level.
    """
    levels = table_for("waste").section("levels")
    if level >= levels["overflow"]:
        return CollectionNeed.OVERFLOW
    if level >= levels["urgent"]:
        return CollectionNeed.URGENT
    too_late = urgent_at is not None and next_visit is not None and urgent_at < next_visit
    return CollectionNeed.PLAN if level >= levels["plan"] or too_late else CollectionNeed.NONE


def fire_sign(temperatures: Sequence[Sample], carbon_monoxide: bool = False) -> FireSign | None:
    """Return the sign of fire at the newest of `temperatures` (Cel, in time order), without any delay; None if none.

    60 Cel and above, a rise of 5 K/min and more held for 2 minutes, or carbon monoxide where the bin has a sensor.
    """
    rule = table_for("waste").section("fire")
    if temperatures and temperatures[-1][1] >= rule["temperature"]:
        return FireSign.HOT
    rising = _held(
        [
            (after[0] - before[0], (after[1] - before[1]) / ((after[0] - before[0]) / timedelta(minutes=1)))
            for before, after in pairwise(temperatures)
        ],
        at_least=rule["rise"],
    )
    if rising >= timedelta(minutes=rule["rise_minutes"]):
        return FireSign.RISING
    return FireSign.CARBON_MONOXIDE if carbon_monoxide else None


def tilted(angles: Sequence[Sample]) -> bool:
    """Return whether the newest `angles` (degrees from upright) have been above 45 for 60 s and more."""
    rule = table_for("waste").section("tilt")
    since = None
    for time, angle in reversed(angles):
        if angle <= rule["angle"]:
            break
        since = time
    return since is not None and angles[-1][0] - since >= timedelta(seconds=rule["seconds"])


def overflow_time(readings: Sequence[FillReading], until: datetime) -> timedelta:
    """Return how long the bin was full to overflowing: from each reading at 100 % to the next one, or to `until`."""
    full = table_for("waste").section("levels")["overflow"]
    ends = [*[reading.time for reading in readings], until][1:]
    spans = [end - reading.time for reading, end in zip(readings, ends, strict=True) if reading.level >= full]
    return sum(spans, timedelta(0))


@dataclass(frozen=True, slots=True)
class CollectionQuality:
    """How well visits met need. Shares of certain emptyings; hours of overflow per bin and week."""

    collections: int
    wasted_share: float | None
    overflowing_share: float | None
    overflow_hours_per_bin_week: float


def collection_quality(
    emptied: Sequence[Emptying], overflow: timedelta, bins: int, period: timedelta
) -> CollectionQuality:
    """Return the measures over `period` for `bins` bins with these emptyings and this total overflow time.

    A visit below 50 % is wasted; one at 100 % came too late. Uncertain emptyings are left out.
    """
    if bins < 1 or period <= timedelta(0):
        raise IndicatorError(f"{bins} bins over {period} have no weekly figure")
    table = table_for("waste")
    levels = [each.before for each in emptied if each.standing is Standing.CONFIRMED]
    wasted = sum(level < table.section("wasted_visit_below") for level in levels)
    late = sum(level >= table.section("levels")["overflow"] for level in levels)
    weeks = bins * (period / timedelta(weeks=1))
    return CollectionQuality(
        collections=len(levels),
        wasted_share=wasted / len(levels) if levels else None,
        overflowing_share=late / len(levels) if levels else None,
        overflow_hours_per_bin_week=overflow / timedelta(hours=1) / weeks,
    )


def _held(steps: Sequence[tuple[timedelta, float]], at_least: float) -> timedelta:
    """Return over how long the newest steps (length and value, oldest first) are all `at_least` that value."""
    held = timedelta(0)
    for span, value in reversed(steps):
        if value < at_least:
            break
        held += span
    return held
