"""Gap: how long was nothing heard before this reading (IOOS QARTOD test 1, timing and gap)."""

from datetime import timedelta

from devices.limits import Gap
from devices.model import QualityFlag
from ingest.quality.flags import FAIL, GOOD, SUSPECT


def judge_gap(silence: timedelta, limits: Gap) -> QualityFlag:
    """Return the verdict on a reading that came after `silence`; strictly longer than a limit counts."""
    if limits.fail_after is not None and silence > limits.fail_after:
        return FAIL
    if limits.suspect_after is not None and silence > limits.suspect_after:
        return SUSPECT
    return GOOD
