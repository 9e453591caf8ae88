"""Air: what drifts in from the country, what traffic, industry and stoves add, and how well the air carries it off."""

import math
from functools import lru_cache

from simulators.city import AirTraits
from simulators.randomness import between, normal, smooth
from simulators.signals.calendar import moment
from simulators.signals.influence import CALM, Influence
from simulators.signals.traffic import share_of_peak
from simulators.signals.weather import weather


def measure_air(
    city_key: int, key: int, traits: AirTraits, seconds: float, influence: Influence = CALM
) -> dict[str, float | None]:
    """Return the minute's means: PM2.5, PM10, NO2, O3 in ug/m3, temperature in Cel, relative humidity in %."""
    now = moment(seconds)
    sky = weather(city_key, seconds)
    # Close to a road the air is that of the last hours, hardly diluted; over the roofs it is that of half a day.
    kerb = traits.traffic * recent_share(int(seconds // 60), 5) / sky.mixing**0.35 * influence.demand
    roofs = (0.3 + 0.7 * recent_share(int(seconds // 60), 12)) / sky.mixing
    local = 1 / sky.mixing
    stoves = traits.heating * max(0.0, min(1.0, (14.0 - sky.temperature) / 14.0)) * _stove_hours(now.hour) * local
    works = traits.industry * (0.5 if now.rest else 1.0) * (1.0 if 6 <= now.hour < 22 else 0.6) * local
    washed = 1 - 0.3 * min(1.0, sky.rain)
    here = math.exp(0.10 * smooth(key + 50, seconds, 5400.0) + 0.05 * smooth(key + 51, seconds, 600.0))
    country = 7.5 * math.exp(0.38 * smooth(city_key + 52, seconds, 28 * 3600.0)) * washed

    no2 = (2.0 + 26.0 * kerb + 15.0 * roofs + 1.5 * stoves + 2.5 * works) * here + influence.gases
    fine = (country * (0.7 + 0.4 * roofs) + (2.8 * kerb + 3.0 * stoves + 1.2 * works) * washed) * here
    fine += influence.particles
    dust = (5.0 + 5.0 * kerb + 2.0 * works + max(0.0, sky.wind - 6.0)) * washed
    # Ozone takes hours of sun to form: it peaks in the afternoon.
    sun = math.sin(math.pi * (now.hour - 8.0) / 15.0) if 8.0 < now.hour < 23.0 else 0.0
    ozone = 38.0 + (32.0 + 22.0 * now.season) * sun + 6.0 * smooth(city_key + 53, seconds, 20 * 3600.0) - 0.45 * no2

    step = int(seconds // 60)
    lean = between(key, 54, -0.4, 0.4)  # every instrument has its own
    return {
        "pm2_5": round(max(0.5, fine * (1 + 0.03 * normal(key + 55, step))), 1),
        "pm10": round(max(1.0, (1.15 * fine + dust) * (1 + 0.03 * normal(key + 56, step))), 1),
        "no2": round(max(0.5, no2 * (1 + 0.03 * normal(key + 57, step))), 1),
        "o3": round(max(1.0, ozone + 1.2 * normal(key + 58, step)), 1),
        "air_temperature": round(sky.temperature + lean + 0.08 * normal(key + 59, step), 1),
        "relative_humidity": round(min(100.0, max(0.0, sky.humidity + 0.4 * normal(key + 60, step))), 1),
    }


@lru_cache(maxsize=8192)
def recent_share(minute: int, hours: int) -> float:
    """Return the mean share of the busiest hour's traffic over the hours that end with a minute since 1970."""
    return sum(share_of_peak(moment(minute * 60.0 - back * 3600.0)) for back in range(hours)) / hours


def _stove_hours(hour: float) -> float:
    """Return how many stoves burn: most at ten in the evening, and some at seven in the morning."""
    from_evening = min(abs(hour - 22.0), 24 - abs(hour - 22.0))
    return 0.35 + math.exp(-(from_evening**2) / 20.0) + 0.2 * math.exp(-((hour - 7.0) ** 2) / 4.0)
