"""Exact decimal arithmetic for index formulas whose last digit is law.

A float such as 9.1 is taken for the decimal number it prints as, so that a mean, a truncation and an exact half come
out as they do on paper. `round()` (half to even) and division in floats both give wrong indices at known points.
"""

import math
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from indicators.errors import IndicatorError


def exact(value: float) -> Fraction:
    """Return the decimal number that `value` prints as; raise IndicatorError unless it is a finite number."""
    return Fraction(_decimal(value))


def whole_steps(value: float, step: Decimal) -> int:
    """Return how many whole steps lie between 0 and `value`, towards 0: truncation of a measured concentration."""
    return int(_decimal(value) // step)


def truncate(value: Fraction, step: Fraction) -> Fraction:
    """Return the multiple of `step` at or next to `value` on the side of zero."""
    return math.trunc(value / step) * step


def mean(values: Iterable[float]) -> float:
    """Return the correctly rounded arithmetic mean; raise IndicatorError on an empty series."""
    terms = [exact(value) for value in values]
    if not terms:
        raise IndicatorError("no values to take a mean of")
    return float(sum(terms, Fraction(0)) / len(terms))


def _decimal(value: float) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise IndicatorError(f"{value!r} is not a finite number")
    return Decimal(repr(float(value)))
