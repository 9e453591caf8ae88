"""The city as rules see it: its devices, their datastreams, and which rules watch which device or area."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from rules.calm import Panel
from rules.conditions import Count, NoData, leaves
from rules.crowd import area_of, area_subject, is_part, near, parts, watches_areas
from rules.engine import Watch, watch
from rules.model import Rule, Subject
from sql.share import WHOLE, Share


@dataclass(slots=True)
class City:
    """The devices, what each is watched by, and who must hear of what is said of it.

    `subjects` holds the areas too that some rule counts in; `hearers` says, by part and device, whom a change of that
    part concerns: an area, or neighbours. Of a divided city only one share is watched here: `here` are the datastreams
    that are judged, `datastreams` all there are.
    """

    subjects: dict[str, Subject] = field(default_factory=dict)
    datastreams: dict[int, tuple[str, str]] = field(default_factory=dict)  # id -> device, property
    ids: dict[tuple[str, str], int] = field(default_factory=dict)
    watches: dict[str, tuple[Watch, ...]] = field(default_factory=dict)
    hearers: dict[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)  # of areas, where they have one
    here: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    silent_rules: frozenset[str] = frozenset()  # ids of the rules that hear silence
    share: Share = WHOLE
    _panels: dict[str, Panel] = field(default_factory=dict)
    _alike: dict[tuple[Watch, ...], Panel] = field(default_factory=dict)  # devices watched alike share their panel

    def assign(self, rules: Iterable[Rule], share: Share = WHOLE) -> None:
        """Work out which rules watch which device and area; keep what is judged in that share of the city."""
        devices = {key: each for key, each in self.subjects.items() if each.area is None}
        self.subjects, self.hearers = dict(devices), {}
        kept = list(rules)
        made = [rule for rule in kept if not watches_areas(rule)]
        for rule in kept:
            for part, leaf in parts(rule):
                made.append(part)
                counted = [each for each in devices.values() if watch(part, each) is not None]
                if isinstance(leaf, Count):
                    self._count(part, leaf, counted)
                else:
                    around = near(counted, leaf.radius)
                    self.hearers |= {(part.rule_id, device_id): others for device_id, others in around.items()}
        known: dict[tuple[str, timedelta], Watch] = {}
        self.watches = {key: tuple(_watches(made, subject, known)) for key, subject in devices.items()}
        counting = [rule for rule in kept if watches_areas(rule)]
        for area_id, subject in self.subjects.items():
            if subject.area is not None:
                self.watches[area_id] = tuple(_watches(counting, subject, known))
        self.silent_rules = frozenset(
            rule.rule_id for rule in kept if any(isinstance(leaf, NoData) for leaf in leaves(rule.condition))
        )
        self.share, self.here = share, self.datastreams
        if not share.is_whole:
            self._restrict()
        self._panels, self._alike = {}, {}

    def judges(self, about: str) -> bool:
        """Say whether anything is judged of a device or area here: it belongs to the share, or is counted in it."""
        return about in self.subjects and (self.share.holds(about) or bool(self.watches[about]))

    def panel(self, about: str) -> Panel:
        """Return the rules of a device or area, sorted for stepping."""
        found = self._panels.get(about)
        if found is None:
            watches = self.watches[about]
            found = self._alike.get(watches) or Panel.of(watches)
            self._panels[about] = self._alike[watches] = found
        return found

    def _restrict(self) -> None:
        """Leave out what others judge.

        Who counts belongs to one share; the part of the rule by which a member is counted is judged there, whosever
        the member is. So no share has to hear of what another one found.
        """
        mine = {about for about in self.subjects if self.share.holds(about)}
        kept = {key: [each for each in others if each in mine] for key, others in self.hearers.items()}
        self.hearers = {key: others for key, others in kept.items() if others}
        self.watches = {
            about: tuple(
                ready
                for ready in watches
                if ((ready.rule_id, about) in self.hearers if is_part(ready.rule_id) else about in mine)
            )
            for about, watches in self.watches.items()
        }
        self.here = {datastream_id: known for datastream_id, known in self.datastreams.items() if self.judges(known[0])}

    def _count(self, part: Rule, leaf: Count, counted: Iterable[Subject]) -> None:
        for device in counted:
            area_id = area_of(device, leaf.area)
            if area_id is not None:
                self.hearers[part.rule_id, device.device_id] = (area_id,)
                if area_id not in self.subjects:
                    name = self.names.get(area_id, area_id.partition(":")[2])
                    self.subjects[area_id] = area_subject(area_id, leaf.area, device, name)

    def datastream_of(self, rule: Rule, device_id: str) -> int | None:
        """Return the datastream an alert of `rule` is about, None where it is about the device as a whole."""
        return self.ids.get((device_id, rule.selector.property)) if rule.selector.property else None


def _watches(rules: Iterable[Rule], subject: Subject, known: dict[tuple[str, timedelta], Watch]) -> Iterator[Watch]:
    """Yield the rules that watch a device or area; devices of one rhythm share what is made ready."""
    for rule in rules:
        ready = watch(rule, subject)
        if ready is not None:
            yield known.setdefault((ready.rule_id, ready.interval), ready)
