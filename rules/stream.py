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
   timely reading confirms it. An older one cannot be stepped here: `arrival.apply` returns it, for the
   history to be judged from the store. Nothing late ever undoes a silence that was noticed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from rules.calm import Panel
from rules.deaf import Outage, through
from rules.difference import Change, Evidence, Kind, differ
from rules.engine import Track, Watch, advance, extend, step
from rules.model import Episode, Sample

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
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
    return tell(ready, stream, found, late, before)


def tell(
    ready: Watch, stream: Stream, found: list[Episode], late: Sequence[Sample], settled: Track | None = None
) -> list[Change]:
    """Take `found` as the episodes that there are, and return what is to be said of that."""
    rule_id = ready.rule_id
    watched = [sample for sample in stream.recent if stream.steps(ready, sample)]
    start = settled or stream.settled.get(rule_id) or ready.start()
    said = stream.said.get(rule_id, [])
    past = _judged_before(said, found, stream.floors.get(rule_id))
    changes, kept = differ(rule_id, [each for each in said if each not in past], found)
    stream.said[rule_id] = [e for e in (*past, *kept) if e.cleared_at is None or e.cleared_at >= stream.horizon]
    return [
        replace(change, evidence=_evidence(ready, start, [*late, *watched], change.episode.raised_at))
        if change.kind is Kind.RAISED
        else change
        for change in changes
    ]


def _judged_before(said: Sequence[Episode], found: Sequence[Episode], floor: datetime | None) -> list[Episode]:
    """Return what was over before the rule came or changed: it does not look that far back, so it stays said."""
    if floor is None:
        return []
    begins = {each.raised_at for each in found}
    return [e for e in said if e.cleared_at is not None and e.raised_at <= floor and e.raised_at not in begins]


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
