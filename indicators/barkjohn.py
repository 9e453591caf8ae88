"""Correction of low-cost optical PM2.5 counters after Barkjohn et al. (AMT 2021; Sensors 2022, 22, 9669).

For the mean of a sensor's two "cf_1" channels, hourly or daily. The "EPA 2021" formula in five pieces that is copied
around the web is another correction, for "cf_atm" data.
"""

from indicators.errors import IndicatorError

SMOKE_FROM, SMOKE_FULL = 570.0, 611.0  # ug/m3: between them the two fits are blended
BLEND_SLOPE, BLEND_OFFSET = 0.0244, -13.9

# The two channels disagree when both are reached: two standard deviations in the authors' data.
CHANNEL_DIFFERENCE = 5.0  # ug/m3
CHANNEL_SHARE = 0.61  # of their mean


def corrected_pm2_5(channel_mean: float, relative_humidity: float) -> float:
    """Return PM2.5 in ug/m3, never below 0, from the raw channel mean (ug/m3) and relative humidity (percent)."""
    if not 0 <= relative_humidity <= 100:
        raise IndicatorError(f"relative humidity {relative_humidity} is not within 0 to 100 percent")
    return max(0.0, barkjohn(channel_mean, relative_humidity))


def barkjohn(raw: float, relative_humidity: float) -> float:
    """Return the formula's bare result in ug/m3; it may fall slightly below 0."""
    ambient = 0.524 * raw - 0.0862 * relative_humidity + 5.75
    smoke = 4.21e-4 * raw**2 + 0.392 * raw + 3.44
    if raw < SMOKE_FROM:
        return ambient
    if raw >= SMOKE_FULL:
        return smoke
    share = BLEND_SLOPE * raw + BLEND_OFFSET
    return share * smoke + (1 - share) * ambient


def channel_mean(channel_a: float, channel_b: float) -> float | None:
    """Return the mean of both channels (ug/m3), or None where they disagree so far that the hour is dropped."""
    mean = (channel_a + channel_b) / 2
    difference = abs(channel_a - channel_b)
    if difference >= CHANNEL_DIFFERENCE and difference >= CHANNEL_SHARE * mean:
        return None
    return mean
