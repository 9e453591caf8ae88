"""Air: what drifts in from the country, what traffic, industry and stoves add, and how well the air carries it off."""

import math

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
    traffic = traits.traffic * share_of_peak(now) * influence.demand
    stoves = traits.heating * max(0.0, min(1.0, (14.0 - sky.temperature) / 14.0)) * _stove_hours(now.hour)
    works = traits.industry * (0.5 if now.rest else 1.0) * (1.0 if 6 <= now.hour < 22 else 0.6)
    local = 1 / sky.mixing
    washed = 1 - 0.3 * min(1.0, sky.rain)
    here = math.exp(0.10 * smooth(key + 50, seconds, 5400.0) + 0.05 * smooth(key + 51, seconds, 600.0))
    country = 7.5 * math.exp(0.38 * smooth(city_key + 52, seconds, 28 * 3600.0)) * washed

    no2 = (5.0 + (21.0 * traffic + 5.0 * stoves + 4.0 * works) * local) * here + influence.gases
    fine = (country + (3.4 * traffic + 7.0 * stoves + 2.0 * works) * local * washed) * here + influence.particles
    dust = (5.0 + 5.0 * traffic + 2.0 * works + max(0.0, sky.wind - 6.0)) * washed
    sun = max(0.0, math.sin(math.pi * (now.hour - 5.5) / 15.0)) if 5.5 < now.hour < 20.5 else 0.0
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


def _stove_hours(hour: float) -> float:
    """Return how many stoves burn: most at half past eight in the evening, half as many at seven in the morning."""
    from_evening = min(abs(hour - 20.5), 24 - abs(hour - 20.5))
    return 0.25 + math.exp(-(from_evening**2) / 14.0) + 0.5 * math.exp(-((hour - 7.0) ** 2) / 4.0)
