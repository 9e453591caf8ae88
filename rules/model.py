"""What a rule is: what it watches, when it speaks, how urgent that is, and what somebody is to do about it.

The record of why a rule exists (`Rationale`) follows ISA-18.2: an alert without an operator action is not an alert.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

from devices.model import QualityFlag

if TYPE_CHECKING:
    from rules.conditions import Condition


class Severity(StrEnum):
    """The response an alert expects, most urgent first: at once, within the hour, within the shift, when planned."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


class Verdict(Enum):
    """What one condition says of one moment; UNKNOWN neither raises nor clears."""

    FALSE = 0
    TRUE = 1
    UNKNOWN = 2


@dataclass(frozen=True, slots=True)
class Subject:
    """One device (or area) as rules see it: what selectors match, and the rhythm that delays scale with."""

    device_id: str
    profile: str
    domain: str
    name: str = ""
    district_id: str | None = None
    site_id: str | None = None
    source_id: str = "live"
    expected_interval: timedelta = timedelta(minutes=5)
    tags: Mapping[str, object] = field(default_factory=dict)
    properties: frozenset[str] = frozenset()
    latitude: float | None = None
    longitude: float | None = None
    area: str | None = None  # the kind of area, where this is none of the devices but an area


@dataclass(frozen=True, slots=True)
class Selector:
    """Which devices a rule watches; what is None or empty does not narrow. Without property: the device as a whole."""

    property: str | None = None
    domain: str | None = None
    district: str | None = None
    profile: str | None = None
    tags: tuple[tuple[str, str], ...] = ()

    def matches(self, subject: Subject) -> bool:
        """Say whether the device is one of those selected, leaving its properties aside."""
        return (
            self.domain in (None, subject.domain)
            and self.district in (None, subject.district_id)
            and self.profile in (None, subject.profile)
            and all(str(subject.tags.get(key)) == value for key, value in self.tags)
        )


@dataclass(frozen=True, slots=True)
class Rationale:
    """The rationalization record of ISA-18.2: why this alert exists and what it asks of whom."""

    cause: str
    consequence: str
    operator_action: str
    threshold: str
    time_to_respond: timedelta
    owner: str
    review_date: date


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing to watch for. Delays count in event time; `latched` stays until an operator resets it.

    `suppressed_by` names rules: while one of them has an alert that stands on the same device, or on what the device
    hangs on, this one is quiet by design.
    """

    rule_id: str
    title: str
    severity: Severity
    selector: Selector
    condition: Condition
    rationale: Rationale
    summary: str
    on_delay: timedelta = timedelta()
    off_delay: timedelta = timedelta()
    latched: bool = False
    suspect_counts: bool = False
    suppressed_by: tuple[str, ...] = ()
    version: int = 1


@dataclass(frozen=True, slots=True)
class Sample:
    """All that one device said of one instant: property to result (None where missing) and quality."""

    at: datetime
    values: Mapping[str, tuple[float | None, QualityFlag]]


@dataclass(frozen=True, slots=True)
class Episode:
    """One span during which a rule's condition stood, in event time; `cleared_at` is None while it stands.

    `silent`: it rests on readings that came later than the allowance, so it pages nobody.
    """

    raised_at: datetime
    cleared_at: datetime | None = None
    silent: bool = False
