"""The engine over long histories: the same episodes as `engine.run`, found on whole arrays.

A rule is a state that two kinds of instants can change: those whose verdict is TRUE while it is inactive, and those
whose verdict is FALSE while it is active. Both are found for a whole series at once; what is left is to hop from
each raise to the next clear. A test compares this with the engine, series by series: it must never differ.

Times are int64 microseconds since 2000-01-01 UTC, as PostgreSQL sends them; results float64, NaN where missing.
Inside, an instant is twice that, and one more for a sample: silence due at the instant of a sample comes before it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from rules.conditions import (
    All,
    AnyOf,
    AtLeast,
    AtLevel,
    AtMost,
    Condition,
    Count,
    Crowd,
    Flat,
    Leaf,
    Neighbours,
    NoData,
    Not,
    Outside,
    RateOfChange,
)
from rules.engine import Watch
from rules.leaf import Memory
from rules.model import Episode, Verdict
from rules.trends import Crossing, Deviation

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FALSE, TRUE, UNKNOWN = 0, 2, 1  # ordered so that All is the least, AnyOf the greatest and Not the mirror

_CODES = {Verdict.FALSE: FALSE, Verdict.TRUE: TRUE, Verdict.UNKNOWN: UNKNOWN}

Times = npt.NDArray[np.int64]
Verdicts = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Column:
    """All that is stored of one datastream in a span, in time order; parallel arrays."""

    times: Times
    results: npt.NDArray[np.float64]
    quality: npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class _Heard:
    """The samples that count for one leaf: when, and what they are."""

    times: Times
    results: npt.NDArray[np.float64]


def micros(at: datetime) -> int:
    """Return the microseconds from 2000 to an instant."""
    return (at - EPOCH) // MICROSECOND


def instant(value: int) -> datetime:
    """Return the instant that is so many microseconds after 2000."""
    return EPOCH + timedelta(microseconds=value)


def count_column(counts: Sequence[tuple[datetime, float]]) -> Column:
    """Return how many devices met a condition as a column like any other."""
    times = np.array([micros(at) for at, _ in counts], np.int64)
    return Column(times, np.array([count for _, count in counts]), np.ones(len(counts), np.int16))


def scan(ready: Watch, columns: Mapping[str, Column], until: datetime | None = None) -> list[Episode]:
    """Return the episodes of one rule on one device, from knowing nothing, as `engine.run` does."""
    counts = [int(flag) for flag in ready.counts]
    heard = [_heard(name, columns, counts) for name in ready.properties]
    times = _instants(ready, heard, until)
    if not len(times):
        return []
    # An UNKNOWN moment breaks no timer: it is as if it had not been.
    ons = _judge(ready, heard, times, active=False)
    offs = _judge(ready, heard, times, active=True)
    raises = _ripe(times[ons != UNKNOWN], (ons == TRUE)[ons != UNKNOWN], ready.on_delay // MICROSECOND)
    clears = _ripe(times[offs != UNKNOWN], (offs == FALSE)[offs != UNKNOWN], ready.off_delay // MICROSECOND)
    return _hop(raises, clears)


def _heard(name: str | None, columns: Mapping[str, Column], counts: Sequence[int]) -> _Heard:
    if name is None:
        own = [each.times for key, each in columns.items() if "#" not in key]
        every = np.unique(np.concatenate(own or [np.empty(0, np.int64)]))
        return _Heard(2 * every + 1, np.zeros(len(every)))
    column = columns.get(name)
    if column is None:
        return _Heard(np.empty(0, np.int64), np.empty(0))
    counted = np.isin(column.quality, counts) & ~np.isnan(column.results)
    return _Heard(2 * column.times[counted] + 1, column.results[counted])


def _instants(ready: Watch, heard: Sequence[_Heard], until: datetime | None) -> Times:
    """Return every instant at which the engine judges: the samples that count, and the ends of patience."""
    parts = [each.times for each in heard]
    for leaf, each in zip(ready.leaves, heard, strict=True):
        if isinstance(leaf, NoData) and len(each.times):
            due = each.times - 1 + 2 * _patience(leaf, ready, each)
            end = max(int(part[-1]) for part in parts if len(part))
            last = max(end, 2 * micros(until)) if until is not None else end
            parts.append(due[np.append(due[:-1] <= each.times[1:], due[-1] <= last)])
    if len(parts) == 1:
        return parts[0]
    found: Times = np.unique(np.concatenate(parts))
    return found


def _judge(ready: Watch, heard: Sequence[_Heard], times: Times, *, active: bool) -> Verdicts:
    verdicts, _ = _verdicts(ready, ready.rule.condition, heard, 0, times, active)
    return verdicts


def _verdicts(
    ready: Watch, condition: Condition, heard: Sequence[_Heard], position: int, times: Times, active: bool
) -> tuple[Verdicts, int]:
    match condition:
        case All(parts) | AnyOf(parts):
            found = []
            for part in parts:
                verdicts, position = _verdicts(ready, part, heard, position, times, active)
                found.append(verdicts)
            combine = np.minimum if isinstance(condition, All) else np.maximum
            return combine.reduce(found), position
        case Not(part):
            verdicts, position = _verdicts(ready, part, heard, position, times, not active)
            return (TRUE - verdicts).astype(np.int8), position
        case leaf:
            return _leaf_verdicts(ready, leaf, heard[position], times, active), position + 1


def _leaf_verdicts(ready: Watch, leaf: Leaf, heard: _Heard, times: Times, active: bool) -> Verdicts:
    if not len(heard.times):
        return np.full(len(times), FALSE if isinstance(leaf, Crowd) else UNKNOWN, np.int8)
    if isinstance(leaf, NoData):
        newest = np.searchsorted(heard.times, times, side="right") - 1
        at = np.maximum(newest, 0)
        age = (times >> 1) - (heard.times[at] >> 1)
        patience = _patience(leaf, ready, heard)
        silent = np.where(age >= (patience if isinstance(patience, int) else patience[at]), TRUE, FALSE)
        return np.where(newest < 0, UNKNOWN, silent).astype(np.int8)
    own = _own_verdicts(leaf, heard, active)
    if heard.times is times:
        return own
    newest = np.searchsorted(heard.times, times, side="right") - 1
    at = np.maximum(newest, 0)
    if isinstance(leaf, Crowd):
        return np.where(newest < 0, FALSE, own[at]).astype(np.int8)
    stale = (newest < 0) | ((times >> 1) - (heard.times[at] >> 1) > ready.patience // MICROSECOND)
    return np.where(stale, UNKNOWN, own[at]).astype(np.int8)


def _own_verdicts(leaf: Leaf, heard: _Heard, active: bool) -> Verdicts:
    value = heard.results
    match leaf:
        case AtLevel(limit) | Count(limit) | Neighbours(limit):
            holds = value >= limit
        case Deviation() | Crossing():
            return _followed(leaf, heard, active)
        case AtLeast(limit, deadband):
            holds = value > limit - deadband if active and deadband else value >= limit
        case AtMost(limit, deadband):
            holds = value < limit + deadband if active and deadband else value <= limit
        case Outside(low, high, deadband):
            inset = deadband if active else 0.0
            holds = (value < low + inset) | (value > high - inset)
        case RateOfChange():
            return _rates(leaf, heard)
        case Flat():
            holds = _flat(leaf, heard)
        case _:
            raise AssertionError(leaf)
    return np.where(holds, TRUE, FALSE).astype(np.int8)


def _patience(leaf: NoData, ready: Watch, heard: _Heard) -> int | Times:
    """Return how long the device may be silent after each sample, in microseconds."""
    if not leaf.learned:
        return leaf.after(ready.interval, ()) // MICROSECOND
    found = []
    memory: Memory | None = None
    for at in (heard.times >> 1).tolist():
        memory = leaf.observe(memory, instant(at), 0.0)
        found.append(leaf.after(ready.interval, memory) // MICROSECOND)
    return np.array(found, np.int64)


def _followed(leaf: Deviation | Crossing, heard: _Heard, active: bool) -> Verdicts:
    """Follow a leaf whose memory hangs on all before, sample by sample, as the engine does."""
    found = []
    memory: Memory | None = None
    for at, value in zip((heard.times >> 1).tolist(), heard.results.tolist(), strict=True):
        when = instant(at)
        memory = leaf.observe(memory, when, value)
        found.append(_CODES[leaf.judge(memory, when, timedelta(), active=active)])
    return np.array(found, np.int8)


def _rates(leaf: RateOfChange, heard: _Heard) -> Verdicts:
    rate = np.diff(heard.results) / (np.diff(heard.times >> 1) / (leaf.per / MICROSECOND))
    signed = {"rise": rate, "fall": -rate, "either": np.abs(rate)}[leaf.direction]
    return np.append(np.int8(UNKNOWN), np.where(signed >= leaf.limit, TRUE, FALSE)).astype(np.int8)


def _flat(leaf: Flat, heard: _Heard) -> npt.NDArray[np.bool_]:
    """Follow the band sample by sample: where it starts anew depends on all before."""
    values = heard.results.tolist()
    starts, low, high, start = [], values[0], values[0], 0
    for n, value in enumerate(values):
        low, high = min(low, value), max(high, value)
        if high - low > leaf.tolerance:
            low = high = value
            start = n
        starts.append(start)
    found: npt.NDArray[np.bool_] = (heard.times >> 1) - (heard.times[starts] >> 1) >= leaf.window // MICROSECOND
    return found


def _ripe(times: Times, holds: npt.NDArray[np.bool_], delay: int) -> Times:
    """Return, for each unbroken run of `holds`, the first moment by which it has lasted `delay`, if there is one."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], holds, [False])).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    if not delay:
        return times[starts]
    ripe = np.searchsorted(times >> 1, (times[starts] >> 1) + delay, side="left")
    return times[ripe[ripe < ends]]


def _hop(raises: Times, clears: Times) -> list[Episode]:
    found: list[Episode] = []
    starts, ends = raises.tolist(), clears.tolist()
    first = after = 0
    while first < len(starts):
        raised = starts[first]
        after = bisect_right(ends, raised, after)
        if after == len(ends):
            return [*found, Episode(instant(raised >> 1))]
        found.append(Episode(instant(raised >> 1), instant(ends[after] >> 1)))
        first = bisect_right(starts, ends[after], first)
    return found
