"""Quantiles with one definition for the whole package: linear interpolation (Hyndman and Fan's type 7); Student's t."""

from collections.abc import Sequence
from statistics import NormalDist

from indicators.errors import IndicatorError


def quantile(values: Sequence[float], share: float) -> float:
    """Return the `share` quantile (0 to 1) of `values`; raise IndicatorError on an empty series."""
    if not values:
        raise IndicatorError("no values to take a quantile of")
    if not 0 <= share <= 1:
        raise IndicatorError(f"a quantile's share lies within 0 to 1, not at {share}")
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def median(values: Sequence[float]) -> float:
    """Return the middle value, or the mean of the two middle ones."""
    return quantile(values, 0.5)


def student(share: float, freedom: float) -> float:
    """Return the two-sided Student quantile by the Cornish-Fisher series: right to 1 % from 5 degrees of freedom on."""
    if not 0 < share < 1:
        raise IndicatorError(f"an interval holds a share between 0 and 1, not {share}")
    z = NormalDist().inv_cdf((1 + share) / 2)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
