"""Readings that change nothing, for many rules at once. Pure.

Most rules look only at the present value of one property, and perhaps at silence; and most readings say "all is well".
The limits of such rules cut the line of values into intervals, and inside one of them a rule says the same of every
value. So those that stay calm there need not be stepped one by one: what `engine.step` would make of each of their
tracks is the same, and is written down at once. Whatever is not that simple is handed back to be stepped.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Self

from devices.model import QualityFlag
from rules.conditions import AtLeast, AtLevel, AtMost, Leaf, NoData, Outside, judge
from rules.engine import Track, Watch
from rules.model import Sample, Verdict

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
Kinds = tuple[bool, ...]  # of each leaf: whether it remembers the value, or only that something was heard
Calm = tuple[Kinds, tuple[Watch, ...]]  # rules whose tracks become the same


@dataclass(frozen=True, slots=True)
class Gauge:
    """The rules that look at nothing but one property: `calm` and `loud` hold them for each interval of its values."""

    name: str
    counts: frozenset[QualityFlag]
    watches: tuple[Watch, ...]
    limits: tuple[float, ...]
    calm: tuple[tuple[Calm, ...], ...]
    loud: tuple[tuple[Watch, ...], ...]

    def take(self, tracks: dict[str, Track], sample: Sample) -> Sequence[Watch]:
        """Bring `tracks` up to a sample newer than they are; return the rules that must be stepped instead."""
        result, quality = sample.values[self.name]
        if result is None or quality not in self.counts or math.isnan(result):
            return self.watches
        place = bisect_left(self.limits, result)
        if place < len(self.limits) and self.limits[place] == result:
            return self.watches
        loud, at = self.loud[place], sample.at
        for kinds, watches in self.calm[place]:
            after = Track(tuple((at, result) if each else (at,) for each in kinds), at)
            for ready in watches:
                before = tracks.get(ready.rule_id)
                if before is None or (
                    before.raised_at is None and not (ready.hears_silence and _silence_met(ready, before, at))
                ):
                    tracks[ready.rule_id] = after
                else:
                    loud = (*loud, ready)
        return loud


@dataclass(frozen=True, slots=True)
class Panel:
    """All rules of one device: those on its gauges, and the `rest`, which are stepped whatever comes."""

    watches: tuple[Watch, ...] = ()
    gauges: tuple[Gauge, ...] = ()
    rest: tuple[Watch, ...] = ()
    silent: tuple[Watch, ...] = ()  # of all those that hear silence
    shortest_silence: timedelta = timedelta()  # that one of them minds

    @classmethod
    def of(cls, watches: Iterable[Watch]) -> Self:
        """Sort out which rules can be read off a gauge."""
        every = tuple(watches)
        kinds: defaultdict[tuple[str, frozenset[QualityFlag]], list[Watch]] = defaultdict(list)
        for ready in every:
            if _is_plain(ready):
                kinds[next(iter(ready.names)), ready.counts].append(ready)
        gauges = tuple(_gauge(name, counts, each) for (name, counts), each in kinds.items())
        gauged = {ready.rule_id for gauge in gauges for ready in gauge.watches}
        rest = tuple(ready for ready in every if ready.rule_id not in gauged)
        silent = tuple(ready for ready in every if ready.hears_silence)
        return cls(every, gauges, rest, silent, min((ready.shortest_silence for ready in silent), default=timedelta()))

    def take(self, tracks: dict[str, Track], sample: Sample) -> Sequence[Watch]:
        """Bring `tracks` up to a sample newer than they are; return the rules that it must be stepped through."""
        left = [ready for ready in self.rest if ready.concerns(sample)]
        for gauge in self.gauges:
            if gauge.name in sample.values:
                left += gauge.take(tracks, sample)
        return left


def _is_plain(ready: Watch) -> bool:
    """Say whether a rule's leaves see one property's value, and its silence, only."""
    return (
        len(ready.names) == 1
        and not ready.anything
        and all(isinstance(leaf, AtLeast | AtMost | Outside | AtLevel) or _is_fixed(leaf) for leaf in ready.leaves)
    )


def _is_fixed(leaf: Leaf) -> bool:
    return isinstance(leaf, NoData) and not leaf.learned


def _gauge(name: str, counts: frozenset[QualityFlag], watches: Sequence[Watch]) -> Gauge:
    limits = tuple(sorted({limit for ready in watches for leaf in ready.leaves for limit in _limits(leaf)}))
    edges = (-math.inf, *limits, math.inf)
    calm, loud = [], []
    for low, high in pairwise(edges):
        within = low if math.isinf(low) else high if math.isinf(high) else (low + high) / 2
        quiet = [ready for ready in watches if _verdict(ready, within) is Verdict.FALSE]
        alike: defaultdict[Kinds, list[Watch]] = defaultdict(list)
        for ready in quiet:
            alike[tuple(not isinstance(leaf, NoData) for leaf in ready.leaves)].append(ready)
        calm.append(tuple((kinds, tuple(each)) for kinds, each in alike.items()))
        loud.append(tuple(ready for ready in watches if ready not in quiet))
    return Gauge(name, counts, tuple(watches), limits, tuple(calm), tuple(loud))


def _limits(leaf: Leaf) -> tuple[float, ...]:
    """Return where the leaf may change its mind, with and without its alert: the very sums that it compares with."""
    match leaf:
        case AtLeast(limit, deadband):
            return limit, limit - deadband
        case AtMost(limit, deadband):
            return limit, limit + deadband
        case Outside(low, high, deadband):
            return low, high, low + deadband, high - deadband
        case AtLevel(limit):
            return (limit,)
        case _:
            return ()


def _verdict(ready: Watch, value: float) -> Verdict:
    """Return what the rule says of a value that was just heard, while it has no alert."""
    memories = [(_ANY_TIME,) if isinstance(leaf, NoData) else (_ANY_TIME, value) for leaf in ready.leaves]
    return judge(ready.rule.condition, memories, _ANY_TIME, ready.interval, active=False, patience=ready.patience)


def _silence_met(ready: Watch, before: Track, at: datetime) -> bool:
    """Say whether the clock has gone past `at` already, or a silence came due before it."""
    return (before.judged_at is not None and at <= before.judged_at) or bool(ready.due(before, at))
