"""Gross range: is the value possible at all, and is it likely (IOOS QARTOD test 4)."""

from devices.limits import GrossRange
from devices.model import QualityFlag
from ingest.quality.flags import FAIL, GOOD, SUSPECT


def judge_range(value: float, limits: GrossRange) -> QualityFlag:
    """Return FAIL outside the fail bounds, SUSPECT outside the suspect bounds; bounds are inclusive."""
    low, high = limits.fail
    if not low <= value <= high:
        return FAIL
    if limits.suspect is not None:
        low, high = limits.suspect
        if not low <= value <= high:
            return SUSPECT
    return GOOD
