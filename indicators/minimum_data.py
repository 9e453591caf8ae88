"""How much must be there before a mean counts: hour, eight hours, day, daily maximum (Directive 2008/50/EC)."""

from collections.abc import Sequence
from typing import Any

from indicators.errors import IndicatorError
from indicators.exact import mean
from indicators.thresholds import table_for

WINDOW = 8
DAY = 24

Series = Sequence[float | None]


def hour_mean(values: Series, expected: int) -> float | None:
    """Return the mean of one hour's values; None when fewer than 75 % of the `expected` number are there.

    Of 60 one-minute values 45 make a valid hour, 44 do not.
    """
    present = [value for value in values if value is not None]
    return mean(present) if hour_is_valid(len(present), expected) and present else None


def hour_is_valid(values: int, expected: int) -> bool:
    """Return whether so many values make an hour, or another short period, that should have `expected`."""
    if expected < 1:
        raise IndicatorError(f"an hour cannot be expected to have {expected} values")
    return bool(values >= _rule("hour_share") * expected)


def eight_hour_mean(hours: Series) -> float | None:
    """Return the mean of eight clock hours; None when fewer than six are there."""
    if len(hours) != WINDOW:
        raise IndicatorError(f"an eight-hour mean takes {WINDOW} hours, None for a missing one, not {len(hours)}")
    return _mean_of(hours, _rule("eight_hours"))


def day_mean(hours: Series) -> float | None:
    """Return the mean of a day's 24 clock hours; None when fewer than 18 are there."""
    if len(hours) != DAY:
        raise IndicatorError(f"a day has {DAY} hours, None for a missing one, not {len(hours)}")
    return _mean_of(hours, _rule("day_hours"))


def daily_maximum_eu(hours: Series) -> float | None:
    """Return the day's highest eight-hour mean; None when fewer than 18 of its 24 windows are valid.

    `hours` are 31 clock hours: the last seven of the day before, then the day's 24. A window belongs to the day in
    which it ends.
    """
    return _daily_maximum(hours, "eu", WINDOW - 1 + DAY)


def daily_maximum_us(hours: Series) -> float | None:
    """Return the day's highest eight-hour mean of the 17 windows that start from 07 to 23 h; 13 must be valid.

    `hours` are the 24 clock hours from 07 h of the day to 06 h of the next, local standard time.
    """
    return _daily_maximum(hours, "us", DAY)


def _daily_maximum(hours: Series, authority: str, length: int) -> float | None:
    if len(hours) != length:
        raise IndicatorError(f"the daily maximum ({authority}) takes {length} hours, not {len(hours)}")
    rule = _rule("daily_maximum")[authority]
    means = [eight_hour_mean(hours[start : start + WINDOW]) for start in range(rule["windows"])]
    valid = [value for value in means if value is not None]
    return max(valid) if len(valid) >= rule["needed"] else None


def _mean_of(values: Series, needed: float) -> float | None:
    present = [value for value in values if value is not None]
    return mean(present) if len(present) >= needed else None


def _rule(key: str) -> Any:
    return table_for("minimum_data").section(key)
