"""Is there an incident between two detectors of a road? Minute by minute, from their occupancies. Pure.

California #7 calls, and counts once it has held for two minutes and, within these, the low-pass method spoke and a
queue had grown here while the road emptied there. The incident stays for as long as the occupancies differ. One method
alone calls far too often (`incident_detection`); two still do where traffic is thin or a road narrows each morning.
"""

from collections.abc import Sequence
from statistics import fmean

from indicators.incident_detection import California7, IncidentState, LowPass, confirmed

STEPS = 15  # minutes looked at
NEEDED = 12  # of them, with a value of both
PERSISTENCE = 2
AFTER, BEFORE = 3, 5  # minutes smoothed over, now and before
CALLS = (IncidentState.CONFIRMED, IncidentState.CONTINUING)
CONGESTED = 25.0  # percent: traffic is past the capacity of its road, whatever the road
CHANGE = 0.3  # fuller here and emptier there by this share: the third threshold of California #7, for smoothed values


def pair_incident(upstream: Sequence[float], downstream: Sequence[float], was: bool) -> bool:
    """Return whether there is an incident at the newest minute; `was` is the answer of the minute before.

    Mean occupancies (percent) of successive minutes, the newest last.
    """
    method = California7()
    if was:
        above, below = upstream[-1], downstream[-1]
        return above > 0 and (above - below) / above >= method.relative
    calls = [state in CALLS for state in method.states(upstream, downstream)]
    spread = LowPass(after=AFTER, before=BEFORE).alarms(upstream, downstream)
    queued = [_queue_and_gap(upstream[:end], downstream[:end]) for end in range(1, len(upstream) + 1)]
    both = [one and other for one, other in zip(spread, queued, strict=True)]
    return confirmed(calls, [both], PERSISTENCE)[-1]


def _queue_and_gap(upstream: Sequence[float], downstream: Sequence[float]) -> bool:
    """Return whether the road is congested and fuller than before at the one detector, and emptier at the other."""
    if len(upstream) < AFTER + BEFORE:
        return False
    here, there = ((fmean(each[-AFTER - BEFORE : -AFTER]), fmean(each[-AFTER:])) for each in (upstream, downstream))
    return here[1] >= max(CONGESTED, (1 + CHANGE) * here[0]) and there[1] <= (1 - CHANGE) * there[0]
