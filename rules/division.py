"""A city divided anew: who judges which part now begins with what the parts before knew. No clock and no store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rules.city import City
from rules.crowd import is_part
from rules.judge import Judge
from rules.stream import Stream, settle


def redivide(old: Sequence[Judge], new: Sequence[City]) -> list[dict[str, Stream]]:
    """Return what each of the `new` shares of the city begins with.

    `old` are all shares of the division before, each as far in the tail as the others; they are of no use afterwards.
    """
    known = list(dict.fromkeys(about for judge in old for about in judge.streams))
    return [{about: _part_of(about, old, city) for about in known if city.judges(about)} for city in new]


def _part_of(about: str, old: Sequence[Judge], city: City) -> Stream:
    """Return what a share needs of all that is known of one device or area.

    Whose it was has seen each of its readings. Who only counted it may have begun later, and settles later.
    """
    judges = sorted((each for each in old if about in each.streams), key=lambda each: not each.city.share.holds(about))
    base = judges[0].streams[about]
    mine, wanted = city.share.holds(about), {ready.rule_id for ready in city.watches[about]}
    found = Stream(
        recent=list(base.recent),
        horizon=base.horizon,
        crowds=base.crowds if mine else {},
        outages=list(base.outages),
    )
    # A rule that is gone by now is kept: its alert is to be withdrawn.
    _copy(base, found, (name for name in base.versions if (name in wanted if is_part(name) else mine)))
    for judge in judges[1:]:
        other = judge.streams[about]
        settle(judge.city.panel(about), other, base.horizon)
        _copy(other, found, (name for name in other.versions if name in wanted and name not in found.versions))
    return found


def _copy(source: Stream, target: Stream, rule_ids: Iterable[str]) -> None:
    for rule_id in list(rule_ids):
        target.versions[rule_id] = source.versions[rule_id]
        if rule_id in source.settled:
            target.settled[rule_id] = source.settled[rule_id]
        if rule_id in source.tip:
            target.tip[rule_id] = source.tip[rule_id]
        if rule_id in source.said:
            target.said[rule_id] = list(source.said[rule_id])
        if rule_id in source.floors:
            target.floors[rule_id] = source.floors[rule_id]
