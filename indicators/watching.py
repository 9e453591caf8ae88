"""Values that are rare for their place and hour, of the series that the city asks to have watched. Pure.

A device names the property with its tag `watch`. Each reading is judged once, by what was known when it came: one that
is older than the newest judged has none. A start feeds the detectors the readings of the last sixteen weeks again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import log10

from devices.model import QualityFlag
from indicators.derived import Value
from indicators.series_anomaly import KEPT_PER_SLOT, RARE, SeriesDetector

HISTORY = timedelta(weeks=KEPT_PER_SLOT)
CALLED = -log10(RARE)  # at this rarity and above the detector calls a value strange
MOST = 4.0


@dataclass(slots=True)
class Watched:
    """One series: its detector, and the time of the newest value in it."""

    detector: SeriesDetector = field(default_factory=SeriesDetector)
    newest: datetime | None = None

    def feed(self, readings: Iterable[tuple[datetime, float | None]]) -> None:
        """Take in history."""
        for at, value in readings:
            self.judge(at, value)

    def judge(self, at: datetime, value: float | None) -> Value | None:
        """Return how rare a value is, in powers of ten (2.3: one in two hundred); None where that is not known.

        What is called though the memory is short, a record, has the rarity at which a value is called.
        """
        if value is None or (self.newest is not None and at <= self.newest):
            return None
        self.newest = at
        verdict = self.detector.judge(at, value)
        if verdict.rarity is None:
            return None
        powers = -log10(verdict.rarity)
        return Value(round(min(max(powers, CALLED) if verdict.anomalous else powers, MOST), 4), QualityFlag.GOOD)
