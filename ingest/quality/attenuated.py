"""Attenuated signal: has the value all but stopped moving over a period (IOOS QARTOD test 12)."""

from collections import deque
from datetime import datetime
from math import sqrt

from devices.limits import Attenuated
from devices.model import QualityFlag
from ingest.quality.flags import FAIL, GOOD, NOT_EVALUATED, SUSPECT


class SignalWindow:
    """The values of the last period, of which the spread is judged."""

    __slots__ = ("_samples",)

    def __init__(self) -> None:
        self._samples: deque[tuple[datetime, float]] = deque()

    def add(self, value: float | None, time: datetime, limits: Attenuated) -> None:
        """Take in the next sample and drop what has left the period, its far end excluded."""
        samples = self._samples
        if value is not None:
            samples.append((time, value))
        if limits.period is not None:
            begin = time - limits.period
            while samples and samples[0][0] <= begin:
                samples.popleft()
        while len(samples) > limits.most:
            samples.popleft()

    def judge(self, limits: Attenuated) -> QualityFlag:
        """Return the verdict on the newest value; NOT_EVALUATED below the least number of values."""
        samples = self._samples
        if len(samples) < max(1, limits.least):
            return NOT_EVALUATED
        spread = self._range() if limits.spread == "range" else self._deviation()
        if limits.fail_below is not None and spread < limits.fail_below:
            return FAIL
        if limits.suspect_below is not None and spread < limits.suspect_below:
            return SUSPECT
        return GOOD

    def _range(self) -> float:
        values = [value for _, value in self._samples]
        return max(values) - min(values)

    def _deviation(self) -> float:
        values = [value for _, value in self._samples]
        mean = sum(values) / len(values)
        return sqrt(sum((value - mean) ** 2 for value in values) / len(values))
