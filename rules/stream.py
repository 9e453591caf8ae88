"""Event time: what rules know of one device, so that the order in which readings arrive does not show.

The semantics, exactly (see docs/adr/0005-event-time.md):

1. Every reading arrives at a `now` of its source. It is *timely* if it is no older than `now - allowance`, else *late*.
   The horizon is the greatest `now` so far less the allowance; it never goes back.
2. What lies before the horizon is *settled*: one `Track` per rule, which timely readings cannot change any more. What
   lies at or after it is kept in time order in `recent`.
3. A reading is judged the moment it arrives. If it is the newest of its device, that is one step. If not, the rule is
   stepped again from the settled track through all of `recent`, and what comes out is compared with what was said:
   the difference is told as RAISED, CLEARED, MOVED, REOPENED or RETRACTED.
4. So after any arrival, what has been said equals what stepping all timely readings in time order says. The *journal*
   is that: which episodes there were, from when to when. It depends on the set of timely readings and on the last
   `now` only, not on order, repetition or delay. Corrections on the way to it are recorded, but are not part of it.
5. Of two readings for one property and instant the first counts (the store keeps no second one).
6. A late reading that is newer than everything settled is stepped at once, and what it raises is *silent* until a
   timely reading confirms it. An older one cannot be stepped here: `apply` returns it, for the history to be judged
   from the store. Nothing late ever undoes a silence that was noticed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from rules.calm import Panel
from rules.deaf import Outage, through
from rules.difference import Change, Evidence, Kind, differ
from rules.engine import Track, Watch, advance, excuse, extend, prime, step
from rules.model import Episode, Sample

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(1000, 1, 1, tzinfo=UTC)
EVIDENCE = 64  # samples kept with an alert at most; what went before is in the track they start from


@dataclass(slots=True)
class Stream:
    """What rules know of one device. `said` holds, for each rule, the episodes that may still change.

    `versions` names the rule versions that it was judged by; `floors`, for a rule that came or changed while the device
    was watched, the newest sample before that, since it judges what comes after. `crowds` holds, for rules that look at
    other devices, what is known of those: by part and device the episodes that may still change (see rules.crowd).
    `outages` are those of ours that may still matter, in order.
    """

    settled: dict[str, Track] = field(default_factory=dict)
    tip: dict[str, Track] = field(default_factory=dict)
    said: dict[str, list[Episode]] = field(default_factory=dict)
    recent: list[Sample] = field(default_factory=list)
    horizon: datetime = BEGINNING
    versions: dict[str, int] = field(default_factory=dict)
    floors: dict[str, datetime] = field(default_factory=dict)
    crowds: dict[str, dict[str, list[Episode]]] = field(default_factory=dict)
    outages: list[Outage] = field(default_factory=list)

    def steps(self, ready: Watch, sample: Sample) -> bool:
        """Say whether a rule judges a sample: whether it looks at it, and was there at the time."""
        floor = self.floors.get(ready.rule_id)
        return ready.concerns(sample) and (floor is None or sample.at > floor)


@dataclass(slots=True)
class Applied:
    """What came of some readings: changes in the order to tell them, and readings too old to be stepped here."""

    changes: list[Change] = field(default_factory=list)
    history: list[Sample] = field(default_factory=list)


def apply(
    panel: Panel,
    stream: Stream,
    samples: Iterable[Sample],
    arrived_at: datetime,
    allowance: timedelta,
) -> Applied:
    """Fold `samples`, which arrived together at their source's `arrived_at`, into `stream`."""
    settle(panel, stream, arrived_at - allowance)
    watches, result = panel.watches, Applied()
    newest_floor = max(stream.floors.values(), default=BEGINNING)
    outage_since, outage_until = stream.outages[-1] if stream.outages else (LONG_AGO, LONG_AGO)
    again: dict[str, list[Sample]] = {}  # rules to derive anew, with the late samples to settle first
    for sample in sorted(samples, key=lambda each: each.at):
        if sample.at < stream.horizon:
            _sort_late(watches, stream, sample, again, result)
        elif not stream.recent or sample.at > stream.recent[-1].at:
            stream.recent.append(sample)
            plain = not again and sample.at > newest_floor and sample.at >= outage_since - panel.shortest_silence
            for ready in panel.take(stream.tip, sample) if plain else watches:
                if plain or (ready.rule_id not in again and stream.steps(ready, sample)):
                    _take_newest(ready, stream, sample, again, result)
            if sample.at < outage_until:
                _outlast(panel.silent, stream, outage_since, outage_until)
        else:
            fresh = _insert(stream.recent, sample)
            if fresh is not None:
                for ready in watches:
                    if stream.steps(ready, fresh):
                        again.setdefault(ready.rule_id, [])
    for ready in watches:
        late = again.get(ready.rule_id)
        if late is not None:
            result.changes += derive(ready, stream, late)
    return result


def revise(watches: Iterable[Watch], stream: Stream, samples: Iterable[Sample]) -> list[Change]:
    """Replace what was known by what a later quality test made of it; what that raises is silent.

    What is settled already stays as it was judged.
    """
    touched: set[str] = set()
    for sample in samples:
        place = bisect_left(stream.recent, sample.at, key=lambda known: known.at)
        if place < len(stream.recent) and stream.recent[place].at == sample.at:
            stream.recent[place] = Sample(sample.at, {**stream.recent[place].values, **sample.values})
            touched |= sample.values.keys()
    return [
        replace(change, episode=replace(change.episode, silent=True)) if change.kind is Kind.RAISED else change
        for ready in watches
        if touched and any(name is None or name in touched for name in ready.properties)
        for change in derive(ready, stream)
    ]


def adopt(watches: Sequence[Watch], stream: Stream) -> list[str]:
    """Go over to these rules; return the ids of those that watch the device no more.

    A new or changed rule judges from the next reading on: what was said stays said. An alert that stands goes on under
    the new version of its rule, which may end it then.
    """
    present = {ready.rule_id: ready.rule.version for ready in watches}
    gone = [rule_id for rule_id in stream.versions if rule_id not in present]
    for rule_id in gone:
        for kept in (stream.settled, stream.tip, stream.said, stream.floors):
            kept.pop(rule_id, None)
        for name in [each for each in stream.crowds if each.split("#")[0] == rule_id]:
            del stream.crowds[name]
    times = [m[0] for track in stream.tip.values() for m in track.memories if m]
    heard_at = max(times, default=None)
    for ready in watches:
        rule_id = ready.rule_id
        if stream.versions.get(rule_id) != ready.rule.version:
            old = stream.tip.get(rule_id) or ready.start()
            fresh = prime(ready, stream.recent, heard_at, old)
            stream.tip[rule_id] = fresh._replace(raised_at=old.raised_at, silent=old.silent)
            stream.settled[rule_id] = stream.tip[rule_id]
            if heard_at is not None:
                stream.floors[rule_id] = heard_at
    stream.versions = present
    return gone


def forgive(watches: Iterable[Watch], stream: Stream, since: datetime, at: datetime) -> list[Change]:
    """Count as heard at `at` a device that was not silent at `since`: between them is an outage of ours.

    It may still go on: the next call with the same `since` says until when. What was told of a silence that began in it
    is taken back.
    """
    known_until = since
    if stream.outages and stream.outages[-1][0] == since:
        known_until = stream.outages.pop()[1]
    stream.outages.append((since, at))
    newest = stream.recent[-1].at if stream.recent else BEGINNING
    ahead = newest > (since if known_until == since else at)  # of the clock: heard before it can have been
    changes: list[Change] = []
    for ready in watches:
        tip = stream.tip.get(ready.rule_id) if ready.hears_silence else None
        if tip is None:
            continue
        undone = (tip.raised_at is not None and tip.raised_at > since) or _was_missed(ready, tip, since)
        if undone or ahead or (ready.learns and newest >= known_until):
            changes += derive(ready, stream)
        else:
            _outlast([ready], stream, since, at)
    return changes


def _was_missed(ready: Watch, tip: Track, since: datetime) -> bool:
    """Say whether the last that was judged is a silence that came due after `since`; it may have ended something."""
    if tip.judged_at is None or tip.judged_at <= since:
        return False
    return all(memory is None or memory[0] < tip.judged_at for memory in (tip.memories[n] for n, *_ in ready.silences))


def tick(watches: Iterable[Watch], stream: Stream, now: datetime) -> list[Change]:
    """Let the source's clock come to `now` without a reading: silence is noticed here."""
    changes: list[Change] = []
    for ready in watches:
        if ready.hears_silence:
            rule_id = ready.rule_id
            stream.tip[rule_id], told = advance(ready, stream.tip.get(rule_id) or ready.start(), now)
            if told:
                changes += _tell(ready, stream, extend(stream.said.get(rule_id, []), told), ())
    return changes


def settle(panel: Panel, stream: Stream, horizon: datetime) -> None:
    """Bring the horizon forward to `horizon`; what is before it is folded into the settled tracks."""
    if horizon <= stream.horizon:
        return
    stream.horizon = horizon
    count = bisect_left(stream.recent, horizon, key=lambda sample: sample.at)
    if count == len(stream.recent):
        # The newest state is the settled one then, but for silence, where the clock is ahead.
        for ready in panel.watches:
            if not ready.hears_silence and ready.rule_id in stream.tip:
                stream.settled[ready.rule_id] = stream.tip[ready.rule_id]
        _settle_silence(panel, stream, count)
    elif stream.outages:
        for ready in panel.watches:
            if not ready.hears_silence:
                for sample in stream.recent[:count]:
                    _settle_one(ready, stream, sample)
        _settle_silence(panel, stream, count)
    else:
        newest_floor = max(stream.floors.values(), default=BEGINNING)
        for sample in stream.recent[:count]:
            for ready in panel.take(stream.settled, sample) if sample.at > newest_floor else panel.watches:
                _settle_one(ready, stream, sample)
    for ready in panel.silent:
        track = stream.settled.get(ready.rule_id) or ready.start()
        # A silence at the horizon itself is not settled, as a reading there is not.
        stream.settled[ready.rule_id], _ = advance(ready, track, horizon - timedelta.resolution)
    if stream.outages:
        stream.outages = [each for each in stream.outages if each[1] >= horizon]
    for rule_id, said in stream.said.items():
        if said:
            stream.said[rule_id] = [e for e in said if e.cleared_at is None or e.cleared_at >= horizon]
    if count:
        del stream.recent[:count]


def _settle_one(ready: Watch, stream: Stream, sample: Sample) -> None:
    if stream.steps(ready, sample):
        track = stream.settled.get(ready.rule_id) or ready.start()
        stream.settled[ready.rule_id], _ = step(ready, track, sample)


def _settle_silence(panel: Panel, stream: Stream, count: int) -> None:
    """Settle the first `count` of recent for the rules that hear silence."""
    outages = [each for each in stream.outages if each[0] <= stream.horizon]
    for ready in panel.silent:
        track = stream.settled.get(ready.rule_id) or ready.start()
        heard = (sample for sample in stream.recent[:count] if stream.steps(ready, sample))
        stream.settled[ready.rule_id], _ = through(ready, track, heard, outages)


def derive(ready: Watch, stream: Stream, late: Sequence[Sample] = (), until: datetime | None = None) -> list[Change]:
    """Step one rule again from its settled track; return how that differs from what was said.

    `late` samples, in order and newer than the settled track's, are settled first.
    """
    rule_id = ready.rule_id
    before = track = stream.settled.get(rule_id) or ready.start()
    found = [track.episode] if track.episode else []
    for sample in late:
        track, told = step(ready, track, sample, late=True)
        found = extend(found, told)
    if late:
        stream.settled[rule_id] = track
    clock = until or (stream.tip[rule_id].judged_at if ready.hears_silence and rule_id in stream.tip else None)
    watched = (sample for sample in stream.recent if stream.steps(ready, sample))
    track, told = through(ready, track, watched, stream.outages, clock)
    found = extend(found, told)
    stream.tip[rule_id] = track
    return _tell(ready, stream, found, late, before)


def _insert(recent: list[Sample], sample: Sample) -> Sample | None:
    """Put the sample in its place; return what of it is new, None where nothing is."""
    place = bisect_left(recent, sample.at, key=lambda known: known.at)
    if place == len(recent) or recent[place].at != sample.at:
        recent.insert(place, sample)
        return sample
    known = recent[place].values
    fresh = {name: value for name, value in sample.values.items() if name not in known}
    if not fresh:
        return None
    recent[place] = Sample(sample.at, {**known, **fresh})
    return Sample(sample.at, fresh)


def _take_newest(ready: Watch, stream: Stream, sample: Sample, again: dict[str, list[Sample]], result: Applied) -> None:
    rule_id = ready.rule_id
    before = stream.tip.get(rule_id) or ready.start()
    if ready.hears_silence:
        gone_past = before.judged_at is not None and sample.at <= before.judged_at
        if gone_past or (stream.outages and sample.at < _undecided(ready, *stream.outages[-1])):
            again[rule_id] = []  # the clock had gone past this sample, and what it found then is not so
            return
    stream.tip[rule_id], told = step(ready, before, sample)
    if told:
        result.changes += _tell(ready, stream, extend(stream.said.get(rule_id, []), told), ())


def _undecided(ready: Watch, since: datetime, at: datetime) -> datetime:
    """Return until when the newest sample may tell of a silence before an outage, or teach a gap that ends in it."""
    return at if ready.learns else since - ready.shortest_silence


def _outlast(silent: Iterable[Watch], stream: Stream, since: datetime, at: datetime) -> None:
    """Have what was heard count as heard at `at`, where that is not silence since before the outage."""
    for ready in silent:
        tip = stream.tip.get(ready.rule_id)
        if tip is not None and not ready.due(tip, since):
            stream.tip[ready.rule_id] = excuse(ready, tip, at)


def _sort_late(
    watches: Iterable[Watch], stream: Stream, sample: Sample, again: dict[str, list[Sample]], result: Applied
) -> None:
    too_old = False
    for ready in watches:
        if ready.hears_silence or not stream.steps(ready, sample):
            continue
        known = [memory[0] for memory in (stream.settled.get(ready.rule_id) or ready.start()).memories if memory]
        if known and sample.at <= max(known):
            too_old = True
        else:
            again.setdefault(ready.rule_id, []).append(sample)
    if too_old:
        result.history.append(sample)


def _tell(
    ready: Watch, stream: Stream, found: list[Episode], late: Sequence[Sample], settled: Track | None = None
) -> list[Change]:
    rule_id = ready.rule_id
    watched = [sample for sample in stream.recent if stream.steps(ready, sample)]
    start = settled or stream.settled.get(rule_id) or ready.start()
    changes, kept = differ(rule_id, stream.said.get(rule_id, []), found)
    stream.said[rule_id] = [e for e in kept if e.cleared_at is None or e.cleared_at >= stream.horizon]
    return [
        replace(change, evidence=_evidence(ready, start, [*late, *watched], change.episode.raised_at))
        if change.kind is Kind.RAISED
        else change
        for change in changes
    ]


def _evidence(ready: Watch, start: Track, samples: Iterable[Sample], raised_at: datetime) -> Evidence:
    names = set(ready.properties)
    kept = [
        each if None in names else Sample(each.at, {k: v for k, v in each.values.items() if k in names})
        for each in samples
        if each.at <= raised_at
    ]
    early = max(0, len(kept) - EVIDENCE)
    for sample in kept[:early]:
        start, _ = step(ready, start, sample)
    return Evidence(start, tuple(kept[early:]))
