"""What a profile says about believable values: the parameters of the QARTOD tests, per observed property."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True, slots=True)
class GrossRange:
    """Outside `fail` the value cannot be; outside `suspect` it is doubtful. Bounds are inclusive."""

    fail: tuple[float, float]
    suspect: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Limits of a spike (in the property's unit) or of a rate of change (unit per second); strictly above counts."""

    suspect: float | None = None
    fail: float | None = None


@dataclass(frozen=True, slots=True)
class FlatLine:
    """A value that stays within `tolerance` for so long is stuck."""

    tolerance: float
    suspect_after: timedelta | None = None
    fail_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Attenuated:
    """A signal whose spread over `period` is below a limit has all but stopped; None: over everything there was.

    `spread` is the population standard deviation or the range; fewer than `least` values are not judged, and no more
    than the newest `most` are remembered.
    """

    period: timedelta | None
    suspect_below: float | None = None
    fail_below: float | None = None
    spread: Literal["std", "range"] = "std"
    least: int = 3
    most: int = 2000


@dataclass(frozen=True, slots=True)
class Gap:
    """A reading after a silence longer than this is doubtful (a counter that was reset), or cannot stand."""

    suspect_after: timedelta | None = None
    fail_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit of one property of one profile; a test without limits is not run."""

    gross_range: GrossRange
    spike: Step | None = None
    rate_of_change: Step | None = None
    flat_line: FlatLine | None = None
    attenuated_signal: Attenuated | None = None
    gap: Gap | None = None
