"""The weather over the whole city: seasons, days, fronts that pass in a few days, showers."""

import math
from dataclasses import dataclass
from functools import lru_cache

from simulators.randomness import smooth
from simulators.signals.calendar import moment

_HOUR, _DAY = 3600.0, 86400.0


@dataclass(frozen=True, slots=True)
class Weather:
    """Cel, m/s, %, mm/h; `mixing` is how well the air mixes upwards, about 1, low on still nights."""

    temperature: float
    wind: float
    humidity: float
    rain: float
    mixing: float


@lru_cache(maxsize=8192)
def _weather(key: int, minute: int) -> Weather:
    seconds = minute * 60.0
    now = moment(seconds)
    sun = math.cos(2 * math.pi * (now.hour - 14.5) / 24)  # 1 in the early afternoon
    front = smooth(key + 1, seconds, 3.5 * _DAY)
    temperature = 10.0 + 9.0 * now.season + (3.2 + 1.3 * now.season) * sun + 3.2 * front
    temperature += 0.7 * smooth(key + 2, seconds, 5 * _HOUR)
    wind = 3.0 * math.exp(0.45 * smooth(key + 3, seconds, 16 * _HOUR) + 0.12 * sun)
    wetness = smooth(key + 4, seconds, 11 * _HOUR) + 0.5 * smooth(key + 5, seconds, 1.7 * _HOUR)
    rain = max(0.0, wetness - 1.55) * 2.5
    humidity = 74.0 - 11.0 * sun - 5.0 * now.season + 9.0 * smooth(key + 6, seconds, 1.2 * _DAY)
    humidity = min(99.0, max(28.0, humidity + 12.0 * min(rain, 1.0)))
    # The mixed layer is shallow at night, grows from eight o'clock as the ground warms, and collapses in the evening.
    warmed = math.sin(math.pi * (now.hour - 8) / 12) if 8 < now.hour < 20 else 0.0
    mixing = (0.7 + 0.8 * warmed) * (0.55 + wind / 6.0)
    return Weather(temperature, wind, humidity, rain, max(0.32, mixing))


def weather(key: int, seconds: float) -> Weather:
    """Return the weather of a city at a moment, resolved to the minute."""
    return _weather(key, int(seconds // 60))
