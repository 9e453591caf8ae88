"""One cause, one incident: which alerts belong together, from topology, place and time. Pure.

Three things bind alerts, each only within `WINDOW` of one another:

- Silence is bound by what devices hang on: a gateway, a cabinet, a network. Such a node is the cause when at least
  `LEAST` of its devices are silent and they are at least `SHARE` of all it has; of several the one that explains most.
  What counts is when the devices were last heard: those of a slow rhythm are missed later, and belong to it still.
- Traffic alerts are bound by their corridor: a queue grows along it.
- Anything else, and silence without a node to blame (a power cut), is bound by rule and place: at least `LEAST_NEAR`
  devices, each within `NEAR` of another. Where a node explains all of that later on, when its slow devices are missed
  too, the incident becomes the node's.

What is bound by nothing stays alone and visible.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from rules.model import Severity
from rules.places import distance, grid

WINDOW = timedelta(minutes=10)
LEAST = 3
SHARE = 0.5
LEAST_NEAR = 4
NEAR = 600.0  # metres
MISSED = 3.5  # reports that are missing when a device is called silent
NODES = ("network", "cabinet", "gateway")  # the widest first
_ORDER = {severity: position for position, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Member:
    """An alert as incidents see it. `nodes` are what its device hangs on, such as `gateway:gw-3`."""

    alert_id: int
    rule_id: str
    device_id: str
    severity: Severity
    raised_at: datetime
    silence: bool
    nodes: tuple[str, ...] = ()
    corridor: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    rhythm: timedelta = timedelta()  # how often its device reports

    @property
    def began_at(self) -> datetime:
        """Return about when what it tells of began: for silence the device's last report."""
        return self.raised_at - MISSED * self.rhythm if self.silence else self.raised_at


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts with one cause."""

    cause: str
    members: tuple[Member, ...]

    @property
    def severity(self) -> Severity:
        """Return the most urgent of its members'."""
        return min((each.severity for each in self.members), key=_ORDER.__getitem__)


def group(members: Sequence[Member], sizes: Mapping[str, int]) -> list[Group]:
    """Return the groups among alerts that belong to no incident; `sizes` is how many devices hang on each node."""
    left = {each.alert_id: each for each in members}
    found: list[Group] = []
    for bind in (partial(_by_node, sizes=sizes), _by_corridor, _by_place):
        for one in list(bind(list(left.values()))):
            if all(each.alert_id in left for each in one.members):
                found.append(one)
                for each in one.members:
                    del left[each.alert_id]
    return found


def joins(member: Member, cause: str, newest_at: datetime, near: Iterable[tuple[float, float]]) -> bool:
    """Say whether a new alert belongs to an open incident; `near` is where that one's devices stand."""
    if not member.began_at - WINDOW <= newest_at <= member.raised_at + WINDOW:
        return False
    if member.silence and cause in member.nodes:
        return True
    if cause.startswith("corridor:"):
        return cause == f"corridor:{member.corridor}"
    if cause != f"place:{member.rule_id}" or member.latitude is None or member.longitude is None:
        return False
    return any(distance(member.latitude, member.longitude, *each) <= NEAR for each in near)


def outgrown(
    placed: Mapping[int, Sequence[Member]], alone: Sequence[Member], sizes: Mapping[str, int]
) -> list[tuple[list[int], Group]]:
    """Return what a node explains by now: incidents of silence in one place, oldest first, with all that is the node's.

    `placed` are the members of each such incident. One of which only a part hangs on the node stays what it is.
    """
    known = {each.alert_id: incident_id for incident_id, members in placed.items() for each in members}
    found: list[tuple[list[int], Group]] = []
    for one in _by_node([*(each for members in placed.values() for each in members), *alone], sizes):
        explained = {each.alert_id for each in one.members}
        whole = [each for each, members in sorted(placed.items()) if explained.issuperset(m.alert_id for m in members)]
        if whole:
            mine = tuple(each for each in one.members if known.get(each.alert_id, whole[0]) in whole)
            found.append((whole, Group(one.cause, mine)))
    return found


def _by_node(members: Iterable[Member], sizes: Mapping[str, int]) -> Iterator[Group]:
    silent = [each for each in members if each.silence]
    while True:
        hanging: defaultdict[str, list[Member]] = defaultdict(list)
        for each in silent:
            for node in each.nodes:
                hanging[node].append(each)
        groups = [Group(node, tuple(one)) for node, all_of in hanging.items() for one in _together(all_of)]
        groups = [
            one
            for one in groups
            if len(_devices(one)) >= LEAST and len(_devices(one)) >= SHARE * sizes.get(one.cause, len(_devices(one)))
        ]
        if not groups:
            return
        # The one that explains most; of equals the narrowest, which says most exactly where to look.
        best = max(groups, key=lambda one: (len(one.members), NODES.index(one.cause.split(":")[0])))
        yield best
        explained = {each.alert_id for each in best.members}
        silent = [each for each in silent if each.alert_id not in explained]


def _by_corridor(members: Iterable[Member]) -> Iterator[Group]:
    along: defaultdict[str, list[Member]] = defaultdict(list)
    for each in members:
        if each.corridor is not None and not each.silence:
            along[each.corridor].append(each)
    for corridor, all_of in along.items():
        for one in _together(all_of):
            if len(_devices(Group("", one))) >= 2:
                yield Group(f"corridor:{corridor}", tuple(one))


def _by_place(members: Iterable[Member]) -> Iterator[Group]:
    rules: defaultdict[str, list[Member]] = defaultdict(list)
    for each in members:
        if each.latitude is not None:
            rules[each.rule_id].append(each)
    for rule_id, all_of in rules.items():
        for at_once in _together(all_of):
            for one in _near(at_once):
                if len(_devices(Group("", one))) >= LEAST_NEAR:
                    yield Group(f"place:{rule_id}", tuple(one))


def _together(members: Iterable[Member]) -> list[tuple[Member, ...]]:
    """Return runs of alerts in each of which the next began within WINDOW of the one before."""
    runs: list[list[Member]] = []
    for each in sorted(members, key=lambda member: (member.began_at, member.alert_id)):
        if runs and each.began_at - runs[-1][-1].began_at <= WINDOW:
            runs[-1].append(each)
        else:
            runs.append([each])
    return [tuple(run) for run in runs]


def _near(members: Sequence[Member]) -> Iterator[tuple[Member, ...]]:
    """Yield clusters in which each stands within NEAR of another; a grid of that size keeps it quick."""
    cells: defaultdict[tuple[int, int], list[Member]] = defaultdict(list)
    cell_of = grid(map(_place, members), NEAR)
    for each in members:
        cells[cell_of(*_place(each))].append(each)
    left = {each.alert_id: each for each in members}
    while left:
        front = [left.pop(next(iter(left)))]
        cluster = []
        while front:
            one = front.pop()
            cluster.append(one)
            row, column = cell_of(*_place(one))
            for cell in [(row + r, column + c) for r in (-1, 0, 1) for c in (-1, 0, 1)]:
                for other in cells.get(cell, ()):
                    if other.alert_id in left and distance(*_place(one), *_place(other)) <= NEAR:
                        del left[other.alert_id]
                        front.append(other)
        yield tuple(cluster)


def _place(member: Member) -> tuple[float, float]:
    assert member.latitude is not None
    assert member.longitude is not None
    return member.latitude, member.longitude


def _devices(one: Group) -> set[str]:
    return {each.device_id for each in one.members}
