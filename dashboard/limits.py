"""The limits that rules set, read from the rules themselves, so that a chart's line is the line that fires."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from dashboard.shapes import Device, JsonObject

# The API says a rule's condition in one line; a limit is a line that compares one property with one number.
_LIMIT = re.compile(r"([a-z][a-z0-9_]*) (>=|<=) (-?\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class RuleLimit:
    """One limit of one rule on one property; `above` says on which side it fires."""

    rule_id: str
    title: str
    severity: str
    property: str
    limit: float
    above: bool
    select: JsonObject = field(default_factory=dict)

    def holds_for(self, device: Device | None) -> bool:
        """Return whether the rule watches a device; for None, whether it watches every device with the property."""
        narrowed = {key: value for key, value in self.select.items() if value and key != "tags"}
        tags = self.select.get("tags") or {}
        if device is None:
            # A property belongs to one domain as good as always: that alone does not narrow.
            return not tags and narrowed.keys() <= {"domain"}
        has = {"domain": device["domain"], "district": device["district_id"], "profile": device["profile"]}
        return all(has.get(key) == value for key, value in narrowed.items()) and all(
            str(device["tags"].get(key)) == value for key, value in tags.items()
        )


def rule_limits(rules: Sequence[JsonObject]) -> list[RuleLimit]:
    """Return the limits of enabled rules that compare one property with a number; lowest limit first."""
    limits = []
    for rule in rules:
        definition = rule["definition"]
        found = _LIMIT.fullmatch(str(definition.get("condition", "")))
        if rule["enabled"] and found is not None:
            limits.append(
                RuleLimit(
                    rule_id=rule["rule_id"],
                    title=definition.get("title", rule["rule_id"]),
                    severity=definition.get("severity", "LOW"),
                    property=found[1],
                    limit=float(found[3]),
                    above=found[2] == ">=",
                    select=definition.get("select") or {},
                )
            )
    return sorted(limits, key=lambda limit: limit.limit)


def lowest_limit(limits: Sequence[RuleLimit], name: str, device: Device | None = None) -> RuleLimit | None:
    """Return the first limit that a rising value of a property meets: on this device, or for None on every one."""
    return next((limit for limit in limits if limit.property == name and limit.above and limit.holds_for(device)), None)
