"""The indices of one air station for one clock hour, from its hourly sums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from indicators.air_units import to_volume_parts
from indicators.derived import NO_VALUE, Value, flag
from indicators.european_aqi import european_aqi
from indicators.minimum_data import DAY, WINDOW, day_mean, eight_hour_mean, hour_is_valid
from indicators.nowcast import HOURS, nowcast_o3, nowcast_pm
from indicators.us_aqi import us_aqi

# The store keeps gases in mass per volume at this authority's reference conditions (devices.units).
STORED_AS = "eu"
# Sums of doubles carry noise in the fifteenth digit, and truncation at 9.1 would make 9.0 of 9.099999999999999.
DIGITS = 9
# One hour of sulphur dioxide tells of an index up to 200; from this on, in ppb, the day tells more (40 CFR 58 App. G).
SO2_BY_THE_DAY = 305


@dataclass(frozen=True, slots=True)
class HourSum:
    """One datastream's readings of one clock hour: usable ones, how many of them are GOOD, and their sum."""

    n: int
    n_good: int
    total: float


Hours = Sequence[HourSum | None]


def air_hour(series: Mapping[str, Hours], expected: int) -> dict[str, Value]:
    """Return us_aqi, european_aqi and nowcast_pm2_5 for the newest hour of `series`.

    `series` has the clock hours of each pollutant, newest first, None for one without readings: twelve count, of SO2 a
    day; particles, O3, NO2 and SO2 in ug/m3, CO in mg/m3, gases at 20 Cel. An hour counts with 75 % of its `expected`
    readings.
    """
    hours = {name: _means(each[:HOURS], expected, HOURS) for name, each in series.items()}
    used = [each for those in series.values() for each in those[:HOURS] if each is not None]
    quality = flag(sum(each.n_good for each in used), sum(each.n for each in used))

    def value(result: float | None) -> Value:
        return NO_VALUE if result is None else Value(float(result), quality)

    quantities = _us_quantities(hours)
    if quantities.get("so2_1h", 0) >= SO2_BY_THE_DAY:
        day = _parts("so2", day_mean(_means(series["so2"][:DAY], expected, DAY)))
        quantities |= {} if day is None else {"so2_24h": day}
    nowcast = nowcast_pm(hours["pm2_5"], "pm2_5") if "pm2_5" in hours else None
    newest = {name: means[0] for name, means in hours.items()}
    level = european_aqi({name: mean for name, mean in newest.items() if mean is not None and name != "co"})
    return {
        "us_aqi": value(us_aqi(quantities).value),
        "european_aqi": value(level.value),
        "nowcast_pm2_5": value(None if nowcast is None else nowcast.reported),
    }


def _means(hours: Hours, expected: int, length: int) -> list[float | None]:
    means = [
        round(each.total / each.n, DIGITS) if each is not None and hour_is_valid(each.n, expected) else None
        for each in hours
    ]
    return means + [None] * (length - len(means))


def _us_quantities(hours: Mapping[str, Sequence[float | None]]) -> dict[str, float]:
    """Return what the US index asks for: NowCast of particles and ozone, hourly NO2 and SO2, 8-hour CO."""
    found: dict[str, float | None] = {}
    for name in ("pm2_5", "pm10"):
        particles = nowcast_pm(hours[name], name) if name in hours else None
        found[name] = None if particles is None else particles.reported
    ozone = [_parts("o3", mean) for mean in hours.get("o3", ())]
    nowcast = nowcast_o3(ozone)
    found["o3_8h"] = None if nowcast is None else nowcast.reported / 1000
    found["o3_1h"] = None if not ozone or ozone[0] is None else ozone[0] / 1000
    for name in ("no2", "so2"):
        found[f"{name}_1h"] = _parts(name, hours[name][0]) if name in hours else None
    found["co_8h"] = _parts("co", eight_hour_mean(hours["co"][:WINDOW])) if "co" in hours else None
    return {name: value for name, value in found.items() if value is not None}


def _parts(gas: str, mass: float | None) -> float | None:
    """Return ppb for ug/m3, ppm for mg/m3: the mixing ratio is the same by every authority's conditions."""
    return None if mass is None else round(to_volume_parts(gas, mass, STORED_AS), DIGITS)
