"""Token buckets: so many at once, then so many a second, for each key; bounded in memory."""

import time
from collections import OrderedDict
from collections.abc import Callable

MOST = 10_000  # keys remembered; the one not seen for longest is forgotten


class Buckets:
    """`burst` at once, then `rate` per second. In the memory of one process."""

    def __init__(self, *, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float | None:
        """Take one for `key` and return None, or return the seconds until there is one again."""
        now = self._clock()
        level, at = self._levels.pop(key, (float(self._burst), now))
        level = min(level + (now - at) * self._rate, float(self._burst))
        taken = level >= 1
        self._levels[key] = (level - 1 if taken else level), now
        while len(self._levels) > MOST:
            self._levels.popitem(last=False)
        return None if taken else (1 - level) / self._rate
