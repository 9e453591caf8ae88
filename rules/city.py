"""The city as rules see it: its devices, their datastreams, and which rules watch which device or area."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from rules.calm import Panel
from rules.conditions import Count
from rules.crowd import area_of, area_subject, near, parts, watches_areas
from rules.engine import Watch, watch
from rules.model import Rule, Subject


@dataclass(slots=True)
class City:
    """The devices, what each is watched by, and who must hear of what is said of it.

    `subjects` holds the areas too that some rule counts in; `hearers` says, by part and device, whom a change of that
    part concerns: an area, or neighbours.
    """

    subjects: dict[str, Subject] = field(default_factory=dict)
    datastreams: dict[int, tuple[str, str]] = field(default_factory=dict)  # id -> device, property
    ids: dict[tuple[str, str], int] = field(default_factory=dict)
    watches: dict[str, tuple[Watch, ...]] = field(default_factory=dict)
    hearers: dict[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)  # of areas, where they have one
    _panels: dict[str, Panel] = field(default_factory=dict)
    _alike: dict[tuple[Watch, ...], Panel] = field(default_factory=dict)  # devices watched alike share their panel

    def assign(self, rules: Iterable[Rule]) -> None:
        """Work out which rules watch which device and area."""
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
        self._panels, self._alike = {}, {}

    def panel(self, about: str) -> Panel:
        """Return the rules of a device or area, sorted for stepping."""
        found = self._panels.get(about)
        if found is None:
            watches = self.watches[about]
            found = self._alike.get(watches) or Panel.of(watches)
            self._panels[about] = self._alike[watches] = found
        return found

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
