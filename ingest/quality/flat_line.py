"""Flat line: has the value stayed within a tolerance for too long (IOOS QARTOD test 8), on real elapsed time.

ioos_qc turns the duration into a count by the median interval. Here the time itself is measured, and a silence breaks
the line: what the value did meanwhile nobody saw. On evenly spaced readings both say the same.
"""

from collections import deque
from datetime import datetime, timedelta

from devices.limits import FlatLine
from devices.model import QualityFlag
from ingest.quality.flags import FAIL, GOOD, SUSPECT

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
    """The longest stretch up to now whose values stay within the tolerance. A few numbers, however long it is.

    Most values move, and the stretch is the newest of them alone: then that value is all there is, without extremes.
    """

    __slots__ = ("_alone", "_highs", "_lows", "last", "pause", "start")

    def __init__(self) -> None:
        self._highs: deque[Extreme] = deque()
        self._lows: deque[Extreme] = deque()
        self._alone: float | None = None
        self.start: datetime | None = None
        self.last: datetime | None = None
        self.pause = timedelta(0)

    def seed(self, start: datetime, last: datetime, low: Extreme, high: Extreme, pause: timedelta) -> None:
        """Begin with a stretch known from the store."""
        self._highs, self._lows, self._alone = deque([high]), deque([low]), None
        self.start, self.last, self.pause = start, last, pause

    def add(self, value: float | None, time: datetime, interval: timedelta, tolerance: float) -> None:
        """Take in the next sample; a missing one passes time and says nothing. `interval` is the expected one."""
        last, alone = self.last, self._alone
        self.last = time
        if last is not None:
            longest, self.pause = self.pause, time - last
            # The first comparison settles nearly all of them.
            if self.pause > interval and self.pause > SILENCE * max(interval, longest):
                self._highs.clear()
                self._lows.clear()
                self._alone = self.start = None
            elif alone is None:
                self._follow(time)
            elif value is not None and not -tolerance < value - alone < tolerance:
                self._alone, self.start = value, time
                return
            else:
                extreme = Extreme(alone, last)
                extreme.following = time
                self._highs.append(extreme)
                self._lows.append(extreme)
                self._alone = None
        if self.start is None:
            self.start = time
        if value is None:
            return
        if self._highs:
            self._stretch(Extreme(value, time), tolerance)
        else:
            self._alone = value

    def _follow(self, time: datetime) -> None:
        for extremes in (self._highs, self._lows):
            if extremes and extremes[-1].following is None:
                extremes[-1].following = time

    def _stretch(self, newest: Extreme, tolerance: float) -> None:
        """Take in a value beside those there are, and drop the oldest until all are within the tolerance."""
        highs, lows = self._highs, self._lows
        while highs and highs[-1].value <= newest.value:
            highs.pop()
        while lows and lows[-1].value >= newest.value:
            lows.pop()
        highs.append(newest)
        lows.append(newest)
        while highs[0].value - lows[0].value >= tolerance and highs[0] is not lows[0]:
            # The stretch begins after whichever of the two extremes is older.
            older = highs if highs[0].time < lows[0].time else lows
            self.start = older.popleft().following or newest.time
            for extremes in (highs, lows):
                while extremes[0].time < self.start:
                    extremes.popleft()
        if self.start == newest.time:
            highs.clear()
            lows.clear()
            self._alone = newest.value

    def judge(self, limits: FlatLine, interval: timedelta) -> QualityFlag:
        """Return the verdict on the newest value.

        n intervals fit into a duration when n + 1 readings have been equal: hence the interval added.
        """
        if self.start is None or self.last is None or limits.tolerance <= 0:
            return GOOD
        lasted = self.last - self.start + (self.pause if self.pause and self.pause < interval else interval)
        if limits.fail_after is not None and lasted > limits.fail_after:
            return FAIL
        if limits.suspect_after is not None and lasted > limits.suspect_after:
            return SUSPECT
        return GOOD
