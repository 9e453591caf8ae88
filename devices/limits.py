"""What a profile says about believable values: the parameters of the QARTOD tests, per observed property."""

from dataclasses import dataclass
from datetime import timedelta


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
class Limits:
    """Every limit of one property of one profile; a test without limits is not run."""

    gross_range: GrossRange
    spike: Step | None = None
    rate_of_change: Step | None = None
    flat_line: FlatLine | None = None
