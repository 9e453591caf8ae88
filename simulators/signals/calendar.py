"""Local time as the city lives it: hour, weekday, day; right across the change of clocks."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from simulators.geography import TIME_ZONE

_ZONE = ZoneInfo(TIME_ZONE)
# Month and day of days on which the city rests whatever the weekday.
HOLIDAYS = frozenset({(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)})


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment in local time. `hour` 0..24 with fraction, `weekday` 0 Monday, `day` days since 1970, `season` -1..1.

    `season` is -1 in mid-January and 1 in mid-July. `rest` marks weekends and holidays.
    """

    hour: float
    weekday: int
    day: int
    season: float
    rest: bool


@lru_cache(maxsize=4096)
def _offset(quarter: int) -> int:
    """Return seconds east of UTC in a quarter of an hour: no zone changes its clock within one."""
    offset = datetime.fromtimestamp(quarter * 900, UTC).astimezone(_ZONE).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


@lru_cache(maxsize=512)
def _day(day: int) -> tuple[int, float, bool]:
    date = datetime.fromtimestamp(day * 86400, UTC)
    weekday = date.weekday()
    season = -math.cos(2 * math.pi * (date.timetuple().tm_yday - 15) / 365.25)
    return weekday, season, weekday >= 5 or (date.month, date.day) in HOLIDAYS


def local_seconds(seconds: float) -> float:
    """Return the local clock's reading as if it were seconds since 1970."""
    return seconds + _offset(int(seconds // 900))


def utc_seconds(local: float) -> float:
    """Return when the local clock shows `local`; in the hour that it shows twice, the first time."""
    guess = local - _offset(int((local - 7200) // 900))
    return guess if local_seconds(guess) == local else local - _offset(int(local // 900))


def moment(seconds: float) -> Moment:
    """Return local time at seconds since 1970."""
    local = local_seconds(seconds)
    day = int(local // 86400)
    weekday, season, rest = _day(day)
    return Moment((local - day * 86400) / 3600.0, weekday, day, season, rest)
