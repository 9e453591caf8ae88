"""Spike: does a value stand out from both its neighbours (IOOS QARTOD test 6). Known only when the successor is."""

from typing import Literal

from devices.limits import Step
from devices.model import QualityFlag
from ingest.quality.flags import FAIL, GOOD, NOT_EVALUATED, SUSPECT

Method = Literal["average", "differential"]


def judge_spike(
    before: float | None, value: float, after: float | None, limits: Step, method: Method = "average"
) -> QualityFlag:
    """Return the verdict on `value`; NOT_EVALUATED next to a missing value. Strictly above a limit counts.

    `average` compares with the mean of both neighbours, so that the neighbours of a spike are flagged too;
    `differential` takes the smaller of the two steps, where they go opposite ways.
    """
    if before is None or after is None:
        return NOT_EVALUATED
    if method == "average":
        height = abs(value - (before + after) / 2)
    else:
        up, down = value - before, after - value
        height = min(abs(up), abs(down)) if up * down < 0 else 0.0
    return judge_step(height, limits)


def judge_step(size: float, limits: Step) -> QualityFlag:
    """Return FAIL or SUSPECT where `size` is strictly above that limit."""
    if limits.fail is not None and size > limits.fail:
        return FAIL
    if limits.suspect is not None and size > limits.suspect:
        return SUSPECT
    return GOOD
