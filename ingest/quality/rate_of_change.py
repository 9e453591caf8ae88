"""Rate of change: how fast did the value move since the one before (IOOS QARTOD test 7)."""

from devices.limits import Step
from devices.model import QualityFlag
from ingest.quality.flags import GOOD
from ingest.quality.spike import judge_step


def judge_rate(before: float | None, value: float, seconds: float, limits: Step) -> QualityFlag:
    """Return the verdict on a step over `seconds` (> 0); limits are per second. A first value passes."""
    if before is None:
        return GOOD
    return judge_step(abs(value - before) / seconds, limits)
