"""What comes to a stream: readings, corrections, time, other rules, an outage of ours. See rules.stream."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from rules.calm import Panel
from rules.difference import Change, Kind
from rules.engine import Track, Watch, advance, excuse, extend, prime, step
from rules.model import Episode, Sample
from rules.stream import BEGINNING, Stream, derive, settle, tell

LONG_AGO = datetime(1000, 1, 1, tzinfo=UTC)  # not BEGINNING: a length of silence is taken off it


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
    heard_at = _heard_at(stream)
    for ready in watches:
        if stream.versions.get(ready.rule_id) != ready.rule.version:
            _begin(ready, stream, stream.tip.get(ready.rule_id) or ready.start(), heard_at)
    stream.versions = present
    return gone


def take_over(ready: Watch, stream: Stream, said: Sequence[Episode]) -> None:
    """Have a rule go on from what was `said` of it, by a version of which nothing else is known any more."""
    rule_id = ready.rule_id
    stands = next((each for each in said if each.cleared_at is None), None)
    old = stream.tip.get(rule_id) or ready.start()
    old = old._replace(raised_at=stands.raised_at if stands else None, silent=stands is not None and stands.silent)
    stream.said[rule_id] = list(said)
    _begin(ready, stream, old, _heard_at(stream))


def _begin(ready: Watch, stream: Stream, old: Track, heard_at: datetime | None) -> None:
    """Have a rule judge from the next reading on; the alert that stands by `old` goes on."""
    rule_id = ready.rule_id
    fresh = prime(ready, stream.recent, heard_at, old)
    stream.tip[rule_id] = stream.settled[rule_id] = fresh._replace(raised_at=old.raised_at, silent=old.silent)
    if heard_at is not None:
        # A silence that stands began after that: what came before it cannot end it.
        stream.floors[rule_id] = max(heard_at, old.raised_at or heard_at)


def _heard_at(stream: Stream) -> datetime | None:
    return max((memory[0] for track in stream.tip.values() for memory in track.memories if memory), default=None)


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
                changes += tell(ready, stream, extend(stream.said.get(rule_id, []), told), ())
    return changes


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
        result.changes += tell(ready, stream, extend(stream.said.get(rule_id, []), told), ())


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
