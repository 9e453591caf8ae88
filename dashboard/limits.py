"""The limits that rules set, read from the rules themselves, so that a chart's line is the line that fires."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.shapes import JsonObject

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
                )
            )
    return sorted(limits, key=lambda limit: limit.limit)


def lowest_limit(limits: Sequence[RuleLimit], name: str) -> RuleLimit | None:
    """Return the first limit that a rising value of a property meets."""
    return next((limit for limit in limits if limit.property == name and limit.above), None)
