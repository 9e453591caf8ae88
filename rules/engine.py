"""One rule on one device, stepped through its samples in phenomenon-time order: pure, and the only engine there is.

Live, test, backtest and explain all come through `step` and `advance`. What holds:

- Inactive, the rule raises at the first sample at which its condition has been TRUE without a break for `on_delay`;
  active, it clears at the first at which it has been FALSE without a break for `off_delay`. With a delay of zero that
  is the first such sample. Deadbands are the condition's: a value between the limits contradicts neither state and so
  breaks both timers.
- A sample that counts for nothing (FAIL, MISSING, SUSPECT unless the rule counts it) does nothing at all.
- Delays scale with the rhythm: where a device reports less often than the delay, one reading decides. A gap between
  readings breaks no timer: a device that is slower than declared must not lose its alerts.
- Where a condition looks at several properties, one that was not heard of for `PATIENCE` expected intervals is UNKNOWN.
- Silence is judged at its own instant, `last heard + limit`, by whichever sample or clock gets past it first; so it
  does not matter when somebody looked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from devices.model import QualityFlag
from devices.properties import DERIVED
from rules.conditions import Composed, Count, Crowd, Leaf, NoData, judge, leaves
from rules.leaf import Memory
from rules.model import Episode, Rule, Sample, Subject, Verdict

PATIENCE = 3.0
_NOTHING = (None, QualityFlag.MISSING)
_COUNTS = frozenset({QualityFlag.GOOD, QualityFlag.NOT_EVALUATED})
_COUNTS_WITH_SUSPECT = _COUNTS | {QualityFlag.SUSPECT}


class Turn(Enum):
    """What a step may bring about."""

    RAISED = "raised"
    CLEARED = "cleared"
    ANNUNCIATED = "annunciated"  # raised silently on late readings, now confirmed by a timely one


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of a rule's state, at the event time it is true from."""

    turn: Turn
    at: datetime
    raised_at: datetime
    silent: bool = False


class Track(NamedTuple):
    """All that is kept between two samples; active while `raised_at` is set. Made anew at every step, so a tuple.

    `since` is the first of the unbroken samples that contradict the present state: the delay counts from it.
    """

    memories: tuple[Memory | None, ...]
    judged_at: datetime | None = None
    since: datetime | None = None
    raised_at: datetime | None = None
    silent: bool = False

    @property
    def episode(self) -> Episode | None:
        """Return the episode that stands."""
        return Episode(self.raised_at, None, self.silent) if self.raised_at else None


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """A rule made ready for the devices of one rhythm: its leaves, and its delays at that rhythm."""

    rule: Rule
    rule_id: str
    leaves: tuple[Leaf, ...]
    properties: tuple[str | None, ...]  # of each leaf; None: anything the device says
    interval: timedelta
    on_delay: timedelta
    off_delay: timedelta
    patience: timedelta
    counts: frozenset[QualityFlag]
    silences: tuple[tuple[int, NoData, timedelta | None], ...]  # leaves on silence: where, and its length if fixed
    hears_silence: bool
    anything: bool  # whether a leaf looks at whatever the device says
    names: frozenset[str]
    single: Leaf | None  # the leaf of a rule that is nothing but that: most are, and need no walk through a tree

    @property
    def learns(self) -> bool:
        """Return whether the length of a silence is learned from the gaps between readings."""
        return any(fixed is None for _, _, fixed in self.silences)

    @property
    def shortest_silence(self) -> timedelta:
        """Return how long the device is silent at least before this rule minds; nothing where that is learned."""
        return min((fixed or timedelta() for _, _, fixed in self.silences), default=timedelta())

    def start(self) -> Track:
        """Return the state before any sample."""
        return Track((None,) * len(self.leaves))

    def concerns(self, sample: Sample) -> bool:
        """Say whether the sample holds anything this rule looks at."""
        return self.anything or not self.names.isdisjoint(sample.values)

    def due(self, track: Track, until: datetime) -> set[datetime]:
        """Return the instants up to `until`, not yet judged, at which silence has lasted long enough."""
        found = set()
        for position, leaf, fixed in self.silences:
            memory = track.memories[position]
            if memory is not None:
                instant = memory[0] + (fixed or leaf.after(self.interval, memory))
                if instant <= until and (track.judged_at is None or instant > track.judged_at):
                    found.add(instant)
        return found


def scaled(delay: timedelta, interval: timedelta) -> timedelta:
    """Return the delay for a device that reports every `interval`: none where one reading takes longer anyway."""
    return timedelta() if interval > delay else delay


def watch(rule: Rule, subject: Subject) -> Watch | None:
    """Return the rule made ready for a device, or None where it has nothing to look at."""
    found = tuple(leaves(rule.condition))
    names = tuple(
        f"{rule.rule_id}#{position}" if isinstance(leaf, Crowd) else leaf.property or rule.selector.property
        for position, leaf in enumerate(found)
    )
    area = next((leaf.area for leaf in found if isinstance(leaf, Count)), None)
    if area != subject.area or (area is None and not rule.selector.matches(subject)):
        return None
    own = (name for leaf, name in zip(found, names, strict=True) if not isinstance(leaf, Crowd))
    if any(name and name not in subject.properties for name in own):
        return None
    interval = subject.expected_interval
    silences = tuple(
        (position, leaf, None if leaf.learned else leaf.after(interval, ()))
        for position, leaf in enumerate(found)
        if isinstance(leaf, NoData)
    )
    return Watch(
        rule=rule,
        rule_id=rule.rule_id,
        leaves=found,
        properties=names,
        interval=interval,
        # The delays of a count are those of the devices that it counts: see rules.crowd.
        on_delay=scaled(rule.on_delay, interval) if area is None else timedelta(),
        off_delay=scaled(rule.off_delay, interval) if area is None else timedelta(),
        patience=interval * PATIENCE,
        counts=_COUNTS_WITH_SUSPECT if rule.suspect_counts else _COUNTS,
        silences=silences,
        hears_silence=bool(silences),
        anything=None in names,
        names=frozenset(name for name in names if name),
        single=rule.condition if not isinstance(rule.condition, Composed | Crowd) else None,
    )


def step(ready: Watch, track: Track, sample: Sample, *, late: bool = False) -> tuple[Track, Sequence[Transition]]:
    """Fold in one sample, not older than those before it. `late`: what it brings about stays silent."""
    before: Sequence[Transition] = ()
    if ready.hears_silence:
        if late:
            # A report that came too late does not undo that nothing was heard.
            return track, ()
        track, before = advance(ready, track, sample.at)
    name = ready.properties[0]
    if ready.single is not None and name is not None:
        result, quality = sample.values.get(name, _NOTHING)
        if result is None or quality not in ready.counts:
            return track, before
        heard: tuple[Memory | None, ...] = (ready.single.observe(track.memories[0], sample.at, result),)
    else:
        memories = list(track.memories)
        if not _observe(ready, memories, sample):
            return track, before
        heard = tuple(memories)
    track, after = _judge(ready, track, heard, sample.at, late=late)
    return track, [*before, *after] if before else after


def _observe(ready: Watch, memories: list[Memory | None], sample: Sample) -> bool:
    heard = False
    for position, (leaf, name) in enumerate(zip(ready.leaves, ready.properties, strict=True)):
        if name is None:
            # What was worked out here, perhaps after the device fell silent, is no sign of life.
            if any(key not in DERIVED and "#" not in key for key in sample.values):
                memories[position] = leaf.observe(memories[position], sample.at, 0.0)
                heard = True
            continue
        result, quality = sample.values.get(name, _NOTHING)
        if result is not None and quality in ready.counts:
            memories[position] = leaf.observe(memories[position], sample.at, result)
            heard = True
    return heard


def prime(ready: Watch, samples: Iterable[Sample], heard_at: datetime | None, old: Track) -> Track:
    """Return a track that remembers `samples` and that the device was heard at `heard_at`, but has judged nothing.

    How many devices are counted now is known from `old`, the track of the version before.
    """
    memories: list[Memory | None] = [
        leaf.observe(None, heard_at, 0.0) if isinstance(leaf, NoData) and heard_at else None for leaf in ready.leaves
    ]
    for position, (leaf, memory) in enumerate(zip(ready.leaves, old.memories, strict=False)):
        if isinstance(leaf, Crowd) and memory is not None and len(memory) == 2:
            memories[position] = memory
    for sample in samples:
        _observe(ready, memories, sample)
    return Track(tuple(memories), heard_at)


def excuse(ready: Watch, track: Track, at: datetime) -> Track:
    """Return the track as if the device had been heard at `at`, where it was heard before that."""
    memories = tuple(
        (at, *memory[1:]) if isinstance(leaf, NoData) and memory is not None and memory[0] < at else memory
        for leaf, memory in zip(ready.leaves, track.memories, strict=True)
    )
    return track._replace(memories=memories)


def advance(ready: Watch, track: Track, until: datetime) -> tuple[Track, Sequence[Transition]]:
    """Let time pass up to `until` without a sample: only silence can change anything."""
    due = ready.due(track, until) if ready.hears_silence else None
    if not due:
        return track, ()
    happened: list[Transition] = []
    for instant in sorted(due):
        track, more = _judge(ready, track, track.memories, instant, late=False)
        happened += more
    return track, happened


def _judge(
    ready: Watch, track: Track, memories: tuple[Memory | None, ...], at: datetime, *, late: bool
) -> tuple[Track, Sequence[Transition]]:
    active = track.raised_at is not None
    memory = memories[0]
    if ready.single is not None and memory is not None and (memory[0] == at or ready.hears_silence):
        verdict = ready.single.judge(memory, at, ready.interval, active=active)
    else:
        verdict = judge(ready.rule.condition, memories, at, ready.interval, active=active, patience=ready.patience)
    if verdict is Verdict.UNKNOWN:
        return track._replace(memories=memories), ()
    if (verdict is Verdict.TRUE) == active:
        if active and track.silent and not late:
            assert track.raised_at is not None
            heard = Transition(Turn.ANNUNCIATED, at, track.raised_at)
            return Track(memories, at, None, track.raised_at, False), (heard,)
        return Track(memories, at, None, track.raised_at, track.silent), ()
    since = track.since or at
    if at - since < (ready.off_delay if active else ready.on_delay):
        return Track(memories, at, since, track.raised_at, track.silent), ()
    if track.raised_at is None:
        return Track(memories, at, None, at, late), (Transition(Turn.RAISED, at, at, late),)
    cleared = Transition(Turn.CLEARED, at, track.raised_at, track.silent)
    return Track(memories, at, None, None, False), (cleared,)


def run(
    ready: Watch, track: Track, samples: Iterable[Sample], until: datetime | None = None
) -> tuple[Track, list[Episode]]:
    """Step through `samples`, which are in order, then let time pass up to `until`; return the episodes met.

    An episode that stood at the start comes first; the last may still stand.
    """
    found = [track.episode] if track.episode else []
    for sample in samples:
        track, happened = step(ready, track, sample)
        found = extend(found, happened)
    if until is not None:
        track, happened = advance(ready, track, until)
        found = extend(found, happened)
    return track, found


def extend(known: list[Episode], transitions: Iterable[Transition]) -> list[Episode]:
    """Return the episodes after `transitions`; the last of `known` is the one that stands, if one does."""
    found = list(known)
    for transition in transitions:
        if transition.turn is Turn.RAISED:
            found.append(Episode(transition.at, None, transition.silent))
        elif transition.turn is Turn.CLEARED:
            found[-1] = replace(found[-1], cleared_at=transition.at)
        else:
            found[-1] = replace(found[-1], silent=False)
    return found
