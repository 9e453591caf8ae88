"""Bins: they fill as people use the place they stand at, and a crew empties them on its rounds."""

import math
from functools import cache

from simulators.city import BinTraits
from simulators.randomness import between, normal, smooth
from simulators.signals.calendar import local_seconds, moment, utc_seconds
from simulators.signals.influence import CALM, Influence
from simulators.signals.power import battery_level
from simulators.signals.weather import weather

# weight of each hour, working day and day of rest, by place
_OFFICE = (1, 1, 1, 1, 1, 1, 2, 5, 6, 6, 6, 7, 9, 9, 7, 6, 6, 6, 4, 3, 2, 2, 1, 1)
_HOME = (1, 1, 0, 0, 0, 1, 3, 5, 5, 4, 4, 4, 5, 5, 4, 4, 5, 7, 8, 8, 7, 5, 3, 2)
_LEISURE = (1, 1, 0, 0, 0, 0, 1, 2, 2, 3, 5, 6, 8, 8, 8, 8, 8, 8, 7, 6, 5, 4, 3, 2)
_SHOPS = (0, 0, 0, 0, 0, 1, 2, 4, 6, 8, 9, 9, 9, 8, 8, 8, 9, 9, 7, 4, 2, 1, 1, 0)
HOURS = {
    "market": (_SHOPS, _SHOPS),
    "street": (_OFFICE, _LEISURE),
    "station": (_OFFICE, _LEISURE),
    "park": (_LEISURE, _LEISURE),
    "school": (_OFFICE, _LEISURE),
    "depot": (_OFFICE, _OFFICE),
    "estate": (_HOME, _HOME),
}
# what a day brings, Monday to Sunday, in mean days
DAYS = {
    "market": (0.8, 0.8, 1.0, 0.9, 1.2, 1.6, 0.4),
    "street": (0.9, 0.9, 0.9, 1.0, 1.2, 1.3, 0.9),
    "station": (1.0, 1.0, 1.0, 1.0, 1.2, 0.9, 0.8),
    "park": (0.7, 0.7, 0.8, 0.8, 1.0, 1.5, 1.5),
    "school": (1.3, 1.3, 1.3, 1.3, 1.2, 0.3, 0.2),
    "depot": (1.3, 1.3, 1.3, 1.3, 1.2, 0.4, 0.2),
    "estate": (1.0, 0.9, 0.9, 0.9, 1.0, 1.2, 1.2),
}
DAY_SPREAD = 0.35  # no two days bring the same
CROWDED_FROM, CROWDED_TO = 66.0, 86.0
# how much more is thrown away in high summer than on average
SUMMER = {"park": 0.20, "street": 0.07, "market": 0.05}


@cache
def _until(place: str, rest: bool) -> tuple[float, ...]:
    """Return the share of a day's waste that has come by each full hour, 25 values."""
    hours = HOURS[place][1 if rest else 0]
    total, so_far, shares = sum(hours), 0.0, [0.0]
    for weight in hours:
        so_far += weight / total
        shares.append(so_far)
    return tuple(shares)


@cache
def busiest(place: str, days: int) -> float:
    """Return what the busiest `days` days in a row bring, in mean days."""
    week = DAYS[place]
    return max(sum(week[(start + at) % 7] for at in range(days)) for start in range(7))


def last_round(traits: BinTraits, seconds: float) -> float:
    """Return when the crew last came, seconds since 1970."""
    day = int(local_seconds(seconds) // 86400)
    day -= (day - traits.round_phase) % traits.round_days
    while True:
        at = utc_seconds(day * 86400 + traits.round_hour * 3600)
        if at <= seconds:
            return at
        day -= traits.round_days


def fill_level(key: int, traits: BinTraits, seconds: float) -> float:
    """Return the undisturbed fill level in percent."""
    since = last_round(traits, seconds)
    start, end = moment(since), moment(seconds)
    level = 0.0
    for day in range(start.day, end.day + 1):
        weekday = (day + 3) % 7  # 1 January 1970 was a Thursday
        shares = _until(traits.place, weekday >= 5)
        low = start.hour if day == start.day else 0.0
        high = end.hour if day == end.day else 24.0
        luck = math.exp(DAY_SPREAD * max(-2.5, min(normal(key + 40, day), 2.5)))
        level += DAYS[traits.place][weekday] * luck * (_at(shares, high) - _at(shares, low))
    season = 1 + SUMMER.get(traits.place, 0.0) * end.season
    left_over = between(key + 41, int(since // 3600), 0.0, 3.0)
    return _crowded(left_over + traits.daily_fill * level * season)


def _crowded(level: float) -> float:
    """Return the level of a bin that people leave alone as it gets full: it nears 86 % and overflows only by force."""
    room = CROWDED_TO - CROWDED_FROM
    return level if level <= CROWDED_FROM else CROWDED_TO - room * math.exp((CROWDED_FROM - level) / room)


def _at(shares: tuple[float, ...], hour: float) -> float:
    whole = min(int(hour), 23)
    return shares[whole] + (hour - whole) * (shares[whole + 1] - shares[whole])


def measure_bin(
    city_key: int, key: int, traits: BinTraits, seconds: float, influence: Influence = CALM
) -> dict[str, float | None]:
    """Return what the sensor in the lid says: fill level in percent, temperature in the bin, battery."""
    level = fill_level(key, traits, seconds)
    level += influence.fill * (influence.fill_to - level)
    level += 0.5 * normal(key + 42, int(seconds))  # echo
    sky = weather(city_key, seconds)
    sunny = max(0.0, math.cos(2 * math.pi * (moment(seconds).hour - 14) / 24))
    warm = sky.temperature + 3.5 * sunny + 0.6 * smooth(key + 43, seconds, 3600.0) + influence.heat
    return {
        "fill_level": float(round(min(100.0, max(0.0, level)))),
        "bin_temperature": round(warm, 1),
        "battery": battery_level(key, seconds),
    }
