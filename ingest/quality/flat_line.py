"""Flat line: has the value stayed within a tolerance for too long (IOOS QARTOD test 8), on real elapsed time.

ioos_qc turns the duration into a count by the median interval. Here the time itself is measured, and a silence breaks
the line: what the value did meanwhile nobody saw. On evenly spaced readings both say the same.
"""

from collections import deque
from datetime import datetime, timedelta

from devices.limits import FlatLine
from devices.model import QualityFlag

# A pause of more than so many intervals is a silence.
SILENCE = 3


class Extreme:
    """A value that is the highest, or the lowest, from its own time until now; `following` is the next sample's."""

    __slots__ = ("following", "time", "value")

    def __init__(self, value: float, time: datetime) -> None:
        self.value = value
        self.time = time
        self.following: datetime | None = None


class FlatRun:
    """The longest stretch up to now whose values stay within the tolerance. A few numbers, however long it is."""

    __slots__ = ("_highs", "_lows", "last", "pause", "start")

    def __init__(self) -> None:
        self._highs: deque[Extreme] = deque()
        self._lows: deque[Extreme] = deque()
        self.start: datetime | None = None
        self.last: datetime | None = None
        self.pause = timedelta(0)

    def seed(self, start: datetime, last: datetime, low: Extreme, high: Extreme, pause: timedelta) -> None:
        """Begin with a stretch known from the store."""
        self._highs, self._lows = deque([high]), deque([low])
        self.start, self.last, self.pause = start, last, pause

    def add(self, value: float | None, time: datetime, interval: timedelta, tolerance: float) -> None:
        """Take in the next sample; a missing one passes time and says nothing. `interval` is the expected one."""
        highs, lows = self._highs, self._lows
        if self.last is not None:
            pause = time - self.last
            if pause > SILENCE * max(interval, self.pause):
                highs.clear()
                lows.clear()
                self.start = None
            else:
                if highs and highs[-1].following is None:
                    highs[-1].following = time
                if lows and lows[-1].following is None:
                    lows[-1].following = time
            self.pause = pause
        self.last = time
        if self.start is None:
            self.start = time
        if value is None:
            return
        while highs and highs[-1].value <= value:
            highs.pop()
        while lows and lows[-1].value >= value:
            lows.pop()
        extreme = Extreme(value, time)
        highs.append(extreme)
        lows.append(extreme)
        while highs[0].value - lows[0].value >= tolerance and highs[0] is not lows[0]:
            # The stretch begins after whichever of the two extremes is older.
            older = highs if highs[0].time < lows[0].time else lows
            self.start = older.popleft().following or time
            for extremes in (highs, lows):
                while extremes[0].time < self.start:
                    extremes.popleft()

    def judge(self, limits: FlatLine, interval: timedelta) -> QualityFlag:
        """Return the verdict on the newest value.

        n intervals fit into a duration when n + 1 readings have been equal: hence the interval taken off.
        """
        if self.start is None or self.last is None or limits.tolerance <= 0:
            return QualityFlag.GOOD
        lasted = self.last - self.start
        step = min(interval, self.pause) if self.pause else interval
        if limits.fail_after is not None and lasted > limits.fail_after - step:
            return QualityFlag.FAIL
        if limits.suspect_after is not None and lasted > limits.suspect_after - step:
            return QualityFlag.SUSPECT
        return QualityFlag.GOOD
