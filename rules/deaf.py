"""Times in which nothing could be heard, by a fault of ours: no silence is judged over them. Pure.

An outage begins when the last live reading was written, and ends when all that waited meanwhile is in. What is silent
before it begins is silent. Whatever else would have fallen silent counts as heard at its end: its readings may have
waited at the broker and bear the time at which they were let in, if the device does not time them itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from rules.engine import Track, Transition, Watch, advance, excuse, step
from rules.model import Sample

Outage = tuple[datetime, datetime]


def through(
    ready: Watch, track: Track, samples: Iterable[Sample], outages: Sequence[Outage], until: datetime | None = None
) -> tuple[Track, list[Transition]]:
    """Step through `samples`, in order, and over the outages among and after them; then let time pass to `until`."""
    happened: list[Transition] = []
    ahead = list(outages) if ready.hears_silence else []
    heard_at: datetime | None = None  # as what whatever was heard until now counts
    for sample in samples:
        while ahead and ahead[0][0] <= sample.at:
            since, heard_at = ahead.pop(0)
            track = _outlast(ready, track, since, heard_at, happened)
        track, told = step(ready, track, sample)
        happened += told
        if heard_at is not None and sample.at < heard_at:
            track = excuse(ready, track, heard_at)
    for since, at in ahead:
        track = _outlast(ready, track, since, at, happened)
    if until is not None:
        track, told = advance(ready, track, until)
        happened += told
    return track, happened


def _outlast(ready: Watch, track: Track, since: datetime, at: datetime, happened: list[Transition]) -> Track:
    track, told = advance(ready, track, since)
    happened += told
    return excuse(ready, track, at)
