"""The city as rules see it: its devices, their datastreams, and which rules watch which device."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rules.engine import Watch, watch
from rules.model import Rule, Subject


@dataclass(slots=True)
class City:
    """The devices, and what each is watched by."""

    subjects: dict[str, Subject] = field(default_factory=dict)
    datastreams: dict[int, tuple[str, str]] = field(default_factory=dict)  # id -> device, property
    ids: dict[tuple[str, str], int] = field(default_factory=dict)
    watches: dict[str, list[Watch]] = field(default_factory=dict)

    def assign(self, rules: Iterable[Rule]) -> None:
        """Work out which rules watch which device."""
        kept = list(rules)
        self.watches = {
            device_id: [ready for rule in kept if (ready := watch(rule, subject)) is not None]
            for device_id, subject in self.subjects.items()
        }

    def datastream_of(self, rule: Rule, device_id: str) -> int | None:
        """Return the datastream an alert of `rule` is about, None where it is about the device as a whole."""
        return self.ids.get((device_id, rule.selector.property)) if rule.selector.property else None
