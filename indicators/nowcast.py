"""NowCast: an estimate of now on a 24-hour (particles) or 8-hour (ozone) scale from the last hours.

Particles: US EPA "PM NowCast" (method of 2013). Ozone: the surrogate of EPA's O3 NowCast (2019), which EPA uses when
too little history is there for the partial least squares fit; results carry the word `surrogate`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from indicators.errors import IndicatorError
from indicators.exact import exact, truncate
from indicators.thresholds import table_for
from indicators.us_aqi import scales

HOURS = 12
RECENT_HOURS = 3
RECENT_NEEDED = 2
SMALLEST_WEIGHT = Fraction(1, 2)

SURROGATE_SLOPE = Fraction(85, 100)
SURROGATE_OFFSET = Fraction(45, 10)  # [ppb]


@dataclass(frozen=True, slots=True)
class NowCast:
    """`value` as computed, `reported` as truncated for the index table, `weight` of an hour against the next newer."""

    value: float
    reported: float
    weight: float
    method: str


def nowcast_pm(hours: Sequence[float | None], quantity: str) -> NowCast | None:
    """Return the NowCast of `quantity` (pm2_5 or pm10, ug/m3); None when fewer than 2 of the newest 3 hours are there.

    `hours` are clock-hour means, newest first, None for a missing one; hours beyond the twelfth are not used. A missing
    hour keeps its place: the weights of the older ones do not move up.
    """
    if quantity not in ("pm2_5", "pm10"):
        raise IndicatorError(f"there is no particle NowCast of {quantity!r}; take pm2_5 or pm10")
    if sum(value is not None for value in hours[:RECENT_HOURS]) < RECENT_NEEDED:
        return None
    present = [(age, exact(value)) for age, value in enumerate(hours[:HOURS]) if value is not None]
    highest = max(value for _, value in present)
    if highest <= 0:
        return NowCast(0.0, 0.0, 1.0, "nowcast")
    weight = max(min(value for _, value in present) / highest, SMALLEST_WEIGHT)
    value = _weighted_mean(present, weight)
    step = Fraction(scales(table_for("us_aqi"))[quantity].step)
    return NowCast(float(value), float(truncate(value, step)), float(weight), "nowcast")


def _weighted_mean(present: Sequence[tuple[int, Fraction]], weight: Fraction) -> Fraction:
    """Return sum(w^age c) / sum(w^age) in whole numbers over one denominator: exact, and ten times as fast."""
    denominator = lcm(*(value.denominator for _, value in present))
    up, down = weight.numerator, weight.denominator
    shares = [up**age * down ** (HOURS - age) for age, _ in present]
    total = sum(
        share * value.numerator * (denominator // value.denominator)
        for share, (_, value) in zip(shares, present, strict=True)
    )
    return Fraction(total, sum(shares) * denominator)


def nowcast_o3(hours: Sequence[float | None]) -> NowCast | None:
    """Return the surrogate ozone NowCast in ppb, on the 8-hour scale; None when the newest 3 hours are all missing.

    `hours` are clock-hour means in ppb, newest first, None for a missing one. The newest of the last three hours
    counts: with this hour missing, EPA reuses the NowCast of one or two hours ago. All zero gives 0, below 0 gives 0.
    """
    newest = next((value for value in hours[:RECENT_HOURS] if value is not None), None)
    if newest is None:
        return None
    if all(value == 0 for value in hours if value is not None):
        return NowCast(0.0, 0.0, 1.0, "surrogate")
    value = max(SURROGATE_SLOPE * exact(newest) + SURROGATE_OFFSET, Fraction(0))
    return NowCast(float(value), float(truncate(value, Fraction(1))), 1.0, "surrogate")
