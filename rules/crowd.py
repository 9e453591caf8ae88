"""Conditions on several devices: `count` of an area and `neighbours` of a device. Pure.

Each becomes a rule of its own on every device that may be counted, its *part*; the episodes of the parts make a series,
"how many meet it", which the area or the neighbour is then judged by like any other reading. So everything that holds
of one device (event time, corrections, one engine) holds of many.

A device counts from the reading that meets the condition until one that ends it, or until it falls silent.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from devices.model import QualityFlag
from rules.calm import Panel
from rules.conditions import All, Count, Crowd, NoData, Not, leaves
from rules.difference import Change, Kind
from rules.engine import Watch
from rules.model import Episode, Rule, Sample, Subject
from rules.places import distance, grid
from rules.stream import BEGINNING, Stream, derive, settle

MARK = "#"  # rule#position: the name of a part, and of the series that it makes


def part_name(rule_id: str, position: int) -> str:
    """Return the name of the part that a crowd leaf of a rule is counted by."""
    return f"{rule_id}{MARK}{position}"


def is_part(name: str) -> bool:
    """Say whether a rule id, or a property, is that of a part."""
    return MARK in name


def watches_areas(rule: Rule) -> bool:
    """Say whether the rule is about areas rather than devices."""
    return any(isinstance(leaf, Count) for leaf in leaves(rule.condition))


def parts(rule: Rule) -> Iterator[tuple[Rule, Crowd]]:
    """Yield the rules that are judged on each device that a crowd leaf of `rule` may count, with that leaf."""
    for position, leaf in enumerate(leaves(rule.condition)):
        if isinstance(leaf, Crowd):
            name = leaf.property or rule.selector.property
            yield (
                replace(
                    rule,
                    rule_id=part_name(rule.rule_id, position),
                    condition=All((leaf.of, Not(NoData(property=name)))),
                    on_delay=rule.on_delay if isinstance(leaf, Count) else timedelta(),
                    off_delay=timedelta(),
                    latched=False,
                ),
                leaf,
            )


def area_of(subject: Subject, kind: str) -> str | None:
    """Return the id of the area of that kind that a device lies in, None where it lies in none."""
    name = {"district": subject.district_id, "site": subject.site_id, "city": "all"}.get(kind, subject.tags.get(kind))
    if not name:
        return None
    area_id = f"{kind}:{name}"
    # Areas of a replay are apart: they live by another clock.
    return area_id if subject.source_id == "live" else f"{area_id}@{subject.source_id}"


def area_subject(area_id: str, kind: str, member: Subject, name: str) -> Subject:
    """Return the area as rules see it."""
    place = member.district_id if kind in ("district", "site") else None
    return Subject(
        area_id, profile="", domain=member.domain, name=name, district_id=place, source_id=member.source_id, area=kind
    )


def near(subjects: Sequence[Subject], radius: float) -> dict[str, list[str]]:
    """Return, for each device that has a place, the others of the same clock within `radius` metres."""
    placed = [each for each in subjects if each.latitude is not None and each.longitude is not None]
    cells: defaultdict[tuple[int, int], list[Subject]] = defaultdict(list)
    cell_of = grid(map(_place, placed), radius)
    for each in placed:
        cells[cell_of(*_place(each))].append(each)
    found: dict[str, list[str]] = {}
    for each in placed:
        row, column = cell_of(*_place(each))
        around = [other for r in (-1, 0, 1) for c in (-1, 0, 1) for other in cells.get((row + r, column + c), ())]
        found[each.device_id] = [
            other.device_id
            for other in around
            if other is not each
            and other.source_id == each.source_id
            and distance(*_place(each), *_place(other)) <= radius
        ]
    return found


def how_many(told: Mapping[str, Iterable[Episode]]) -> list[tuple[datetime, float]]:
    """Return when how many devices met a condition: the count from each instant at which it changes.

    What rests on late readings counts for nothing.
    """
    steps: defaultdict[datetime, int] = defaultdict(int)
    for episodes in told.values():
        for each in episodes:
            if not each.silent and each.raised_at != each.cleared_at:
                steps[each.raised_at] += 1
                if each.cleared_at is not None:
                    steps[each.cleared_at] -= 1
    found, count = [], 0
    for at in sorted(steps):
        count += steps[at]
        found.append((at, float(count)))
    return found


def hear(panel: Panel, stream: Stream, news: Iterable[tuple[str, str, Change]], horizon: datetime) -> list[Change]:
    """Take in what parts say of members; return what that means for the one whose stream this is.

    `news` are part, member and change, all that came at once: they are judged together. `horizon` is how far back
    timely readings go; the stream is settled up to it afterwards.
    """
    touched: dict[str, dict[str, list[Episode]]] = {}
    for name, member, change in news:
        told = touched[name] = stream.crowds.setdefault(name, {})
        began = {change.was or change.episode.raised_at, change.episode.raised_at}
        known = [each for each in told.get(member, ()) if each.raised_at not in began]
        if change.kind is not Kind.RETRACTED:
            known.append(change.episode)
        told[member] = known
    concerned = [ready for ready in panel.watches if not ready.names.isdisjoint(touched)]
    for ready in concerned:
        for name in ready.names & touched.keys():
            _replace(ready, stream, name, how_many(touched[name]))
    changes = [each for ready in concerned for each in derive(ready, stream)]
    if any(each.kind is Kind.RAISED for each in changes):
        counted = tuple(sorted({who for told in touched.values() for who in told if _stands(told[who])}))
        changes = [replace(each, counted=counted) if each.kind is Kind.RAISED else each for each in changes]
    settle(panel, stream, horizon)
    for told in touched.values():
        for who in list(told):
            told[who] = [e for e in told[who] if e.cleared_at is None or e.cleared_at >= stream.horizon]
            if not told[who]:
                del told[who]
    return changes


def _stands(episodes: Iterable[Episode]) -> bool:
    return any(each.cleared_at is None for each in episodes)


def _replace(ready: Watch, stream: Stream, name: str, series: Sequence[tuple[datetime, float]]) -> None:
    """Put the series in the place of what stood of it; what was not known when it was settled takes effect now."""
    kept = [
        Sample(each.at, {key: value for key, value in each.values.items() if key != name})
        if name in each.values
        else each
        for each in stream.recent
    ]
    stream.recent[:] = [each for each in kept if each.values]
    first = bisect_left(series, stream.horizon, key=lambda point: point[0])
    points = list(series[first:])
    before = series[first - 1][1] if first else 0.0
    track = stream.settled.get(ready.rule.rule_id) or ready.start()
    memory = track.memories[ready.properties.index(name)]
    if before != (memory[1] if memory else 0.0) and stream.horizon != BEGINNING:
        points.insert(0, (stream.horizon, before))
    for at, count in points:
        value = {name: (count, QualityFlag.GOOD)}
        place = bisect_left(stream.recent, at, key=lambda each: each.at)
        if place < len(stream.recent) and stream.recent[place].at == at:
            stream.recent[place] = Sample(at, {**stream.recent[place].values, **value})
        else:
            stream.recent.insert(place, Sample(at, value))


def _place(subject: Subject) -> tuple[float, float]:
    assert subject.latitude is not None
    assert subject.longitude is not None
    return subject.latitude, subject.longitude
