"""Quantiles with one definition for the whole package: linear interpolation (Hyndman and Fan's type 7)."""

from collections.abc import Sequence

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
