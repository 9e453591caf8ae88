"""The limits that rules set, read from the rules themselves, so that a chart's line is the line that fires."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.shapes import JsonObject


@dataclass(frozen=True, slots=True)
class RuleLimit:
    """One limit of one rule on one property; `above` says on which side it fires."""

    rule_id: str
    title: str
    severity: str
    property: str
    limit: float
    above: bool


def rule_limits(rules: Sequence[JsonObject]) -> list[RuleLimit]:
    """Return the limits of enabled rules that compare one property with a number; lowest limit first."""
    limits = []
    for rule in rules:
        definition = rule["definition"]
        name = definition.get("select", {}).get("property")
        when = definition.get("when", {})
        for key, above in (("at_least", True), ("at_most", False)):
            limit = when.get(key) if isinstance(when, dict) else None
            if rule["enabled"] and name and isinstance(limit, int | float) and not isinstance(limit, bool):
                limits.append(
                    RuleLimit(
                        rule_id=rule["rule_id"],
                        title=definition.get("title", rule["rule_id"]),
                        severity=definition.get("severity", "LOW"),
                        property=name,
                        limit=float(limit),
                        above=above,
                    )
                )
    return sorted(limits, key=lambda limit: limit.limit)


def lowest_limit(limits: Sequence[RuleLimit], name: str) -> RuleLimit | None:
    """Return the first limit that a rising value of a property meets."""
    return next((limit for limit in limits if limit.property == name and limit.above), None)
