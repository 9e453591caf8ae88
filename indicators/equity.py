"""Is every district served alike? Coverage, response, parity, Gini and Theil, weighted by residents.

Parity is flagged below 0.8 (the four-fifths rule of thumb); n stands beside every figure, because few devices or cases
make any ratio. Complaint-driven service favours the vocal: feed sensor- and complaint-triggered work in apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import log

from indicators.errors import IndicatorError
from indicators.quantiles import quantile

RESIDENTS = 10_000
FOUR_FIFTHS = 0.8


@dataclass(frozen=True, slots=True)
class District:
    """One district's residents and what it is served with (devices, or any count)."""

    name: str
    residents: int
    served: float

    @property
    def per_ten_thousand(self) -> float:
        """Return what serves 10,000 residents."""
        return self.served / self.residents * RESIDENTS


@dataclass(frozen=True, slots=True)
class Equity:
    """How evenly districts are covered. `coverage` is per 10,000 residents; 0 is equal for `gini` and `theil`."""

    coverage: Mapping[str, float]
    parity: float | None
    flagged: bool
    gini: float
    theil: float
    n: int


def equity(districts: Sequence[District]) -> Equity:
    """Return coverage and its inequality over `districts`; raise IndicatorError for a district without residents."""
    if not districts:
        raise IndicatorError("no districts to compare")
    for district in districts:
        if district.residents <= 0 or district.served < 0:
            raise IndicatorError(
                f"district {district.name} has {district.residents} residents, {district.served} served"
            )
    coverage = {district.name: district.per_ten_thousand for district in districts}
    ratio = parity(list(coverage.values()))
    weights = [float(district.residents) for district in districts]
    values = list(coverage.values())
    return Equity(
        coverage=coverage,
        parity=ratio,
        flagged=ratio is not None and ratio < FOUR_FIFTHS,
        gini=gini(values, weights),
        theil=theil(values, weights),
        n=len(districts),
    )


def parity(values: Sequence[float]) -> float | None:
    """Return the smallest of `values` over the largest; None where all are 0."""
    return min(values) / max(values) if max(values, default=0) > 0 else None


def gini(values: Sequence[float], weights: Sequence[float]) -> float:
    """Return the weighted Gini coefficient: half the mean absolute difference between any two, over the mean."""
    total, mean = _total_and_mean(values, weights)
    if mean == 0:
        return 0.0
    pairs = list(zip(values, weights, strict=True))
    difference = sum(w1 * w2 * abs(x1 - x2) for x1, w1 in pairs for x2, w2 in pairs)
    return difference / (2 * mean * total**2)


def theil(values: Sequence[float], weights: Sequence[float]) -> float:
    """Return the weighted Theil index T; 0 where nobody is served."""
    total, mean = _total_and_mean(values, weights)
    if mean == 0:
        return 0.0
    return sum(w / total * (x / mean) * log(x / mean) for x, w in zip(values, weights, strict=True) if x > 0)


@dataclass(frozen=True, slots=True)
class ResponseTimes:
    """Median and 90th percentile of how long a district waited, and over how many cases."""

    median: timedelta
    p90: timedelta
    n: int


def response_times(waits: Sequence[timedelta]) -> ResponseTimes | None:
    """Return median and 90th percentile of `waits` (alarm to acknowledgement, or to resolution); None without cases."""
    if not waits:
        return None
    seconds = [wait.total_seconds() for wait in waits]
    middle, slow = (timedelta(seconds=quantile(seconds, share)) for share in (0.5, 0.9))
    return ResponseTimes(middle, slow, len(waits))


def _total_and_mean(values: Sequence[float], weights: Sequence[float]) -> tuple[float, float]:
    total = sum(weights)
    if total <= 0:
        raise IndicatorError("weights must add up to more than 0")
    return total, sum(x * w for x, w in zip(values, weights, strict=True)) / total
