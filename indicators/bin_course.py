"""How a bin has filled since its last emptying, and what that says of the way ahead: the one law of every forecast.

A bin fills by day and rests at night: the line through a morning calls it full by the evening, wrongly. So the way
ahead is the bin's own usual day, at the pace that this cycle has kept so far; few readings do not make a pace.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from indicators.derived import HOUR
from indicators.emptying import Standing, emptyings
from indicators.fill import FillReading
from indicators.fill_rate import FORECAST_WEEKS, WEEK_HOURS, RateProfile, rate_profile

DAY_HOURS = 24
PROFILE_AFTER = timedelta(days=3)
USUAL_WEIGHT = 24  # readings that the usual pace is worth (chosen on the first eight Wyndham bins)
OVERDUE = 1.5  # times full: a bin that should have been that full by now follows another law
CLASS_WIDTH = 25.0  # points: quartiles are what coarse sensors can be trusted with
CLASSES = 4


@dataclass(frozen=True, slots=True)
class Course:
    """The readings of a bin since its last emptying, and its usual day; None where that is not known yet."""

    cycle: Sequence[FillReading]
    usual: RateProfile | None

    @property
    def newest(self) -> FillReading:
        """Return the reading that the way ahead starts from."""
        return self.cycle[-1]

    def hours_to(self, level: float) -> float | None:
        """Return the hours until the bin reaches `level` percent; None if not within eight weeks, or not known."""
        if self.usual is None:
            return None
        when = self.usual.times(self._pace(self.usual)).time_of(level, self.newest)
        if when is None:
            return None
        hours = (when - self.newest.time) / HOUR
        return hours if hours <= FORECAST_WEEKS * WEEK_HOURS else None

    def situation(self, full: float) -> int:
        """Return what is comparable: the quartile of the level, 0 to 3, and 4 more where the bin is long overdue.

        `full` is the level (percent) that counts as full.
        """
        quartile = min(int(self.newest.level // CLASS_WIDTH), CLASSES - 1)
        expected = self.usual.rise(self.cycle[0].time, self.newest.time) if self.usual else 0.0
        return quartile + (CLASSES if expected > OVERDUE * full else 0)

    def _pace(self, usual: RateProfile) -> float:
        """Return the pace of this cycle, times the usual, drawn towards the usual while it rests on few readings."""
        expected = usual.rise(self.cycle[0].time, self.newest.time)
        if expected <= 0:
            return 1.0
        seen = max(self.newest.level - self.cycle[0].level, 0.0) / expected
        behind = len(self.cycle) - 1
        return (behind * seen + USUAL_WEIGHT) / (behind + USUAL_WEIGHT)


def course(readings: Sequence[FillReading]) -> Course | None:
    """Return the course of a bin at the newest of `readings`, in time order, one an hour at most before that.

    None while the newest is a drop that no later reading has confirmed. A low reading that is perhaps a spike neither
    starts the cycle anew nor is part of it.
    """
    found = emptyings(readings)
    if found and found[-1].standing is Standing.PENDING:
        return None
    doubtful = {each.time for each in found if each.standing is Standing.UNCERTAIN}
    start = max((each.time for each in found if each.standing is Standing.CONFIRMED), default=readings[0].time)
    known = [each for each in readings if each.time not in doubtful]
    cycle = [each for each in known if each.time >= start]
    return Course(cycle, rate_profile(known, DAY_HOURS, PROFILE_AFTER)) if cycle else None
