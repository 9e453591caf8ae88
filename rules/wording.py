"""What an alert says: a message key with parameters for every language, and the English sentence."""

from __future__ import annotations

from typing import Any

from citywatch.durations import format_duration
from devices.properties import PROPERTIES
from rules.conditions import (
    All,
    AnyOf,
    AtLeast,
    AtLevel,
    AtMost,
    Condition,
    Count,
    Flat,
    Leaf,
    Neighbours,
    NoData,
    Not,
    Outside,
)
from rules.difference import Change
from rules.engine import Watch
from rules.model import Rule, Subject
from rules.trends import Crossing, Deviation


def describe(ready: Watch, subject: Subject, change: Change) -> dict[str, Any]:
    """Return `{"message", "parameters", "text"}` of an alert that was raised."""
    rule = ready.rule
    # Of an area, what is told is how many were counted.
    name = rule.selector.property if subject.area is None else ready.properties[0]
    heard = [sample for sample in (change.evidence.samples if change.evidence else ()) if sample.at <= change.at]
    value = next((s.values[name][0] for s in reversed(heard) if name in s.values), None) if name else None
    since = _since(change)
    parameters = {
        "title": rule.title,
        "device": subject.name or subject.device_id,
        "device_id": subject.device_id,
        "property": rule.selector.property,
        "value": None if value is None else round(value, 4),
        "unit": "devices" if subject.area else PROPERTIES[name].unit if name else None,
        "limit": limit_text(rule),
        "since": since,
        **({"area": subject.device_id, "counted": list(change.counted)} if change.counted else {}),
    }
    spoken = {key: _spell(each) for key, each in parameters.items()}
    return {"message": f"rule.{rule.rule_id}", "parameters": parameters, "text": rule.summary.format_map(spoken)}


def _spell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return {"%": "%", "Cel": "°C", "ug/m3": "µg/m³"}.get(str(value), "unknown" if value is None else str(value))


def _since(change: Change) -> str:
    times = [sample.at for sample in (change.evidence.samples if change.evidence else ())]
    memories = [memory[0] for memory in (change.evidence.track.memories if change.evidence else ()) if memory]
    heard = [at for at in [*times, *memories] if at < change.at]
    return max(heard, default=change.at).strftime("%Y-%m-%d %H:%M UTC")


def limit_text(rule: Rule) -> str:
    """Return the condition in words, for example `fill_level >= 90`."""
    return spell_condition(rule.condition, rule.selector.property)


def spell_condition(condition: Condition, default: str | None) -> str:
    """Return a condition in words; `default` is the property of leaves that name none."""
    match condition:
        case All(parts):
            return " and ".join(_inner(part, default) for part in parts)
        case AnyOf(parts):
            return " or ".join(_inner(part, default) for part in parts)
        case Not(part):
            return f"not {_inner(part, default)}"
        case leaf:
            return _spell_leaf(leaf, leaf.property or default or "anything")


def _inner(condition: Condition, default: str | None) -> str:
    text = spell_condition(condition, default)
    return f"({text})" if isinstance(condition, All | AnyOf) else text


def _spell_leaf(leaf: Leaf, name: str) -> str:
    match leaf:
        case AtLeast():
            return f"{name} >= {leaf.limit:g}"
        case AtMost():
            return f"{name} <= {leaf.limit:g}"
        case Outside():
            return f"{name} outside {leaf.low:g} to {leaf.high:g}"
        case Flat():
            return f"{name} within {leaf.tolerance:g} for {format_duration(leaf.window)}"
        case NoData():
            spell = format_duration(leaf.limit) if leaf.limit else f"{leaf.periods:g} intervals"
            return f"no {'data' if name == 'anything' else name} for {spell}{' as learned' if leaf.learned else ''}"
        case AtLevel():
            return f"{name} at {leaf.level} or worse"
        case Deviation():
            sign = {"above": "above", "below": "below", "either": "off"}[leaf.direction]
            return f"{name} {leaf.limit:g} spreads and {leaf.least:g} {sign} the usual"
        case Crossing():
            return f"{name} heading for {leaf.limit:g} within {format_duration(leaf.within)}"
        case Count():
            return f"at least {leaf.limit:g} devices of a {leaf.area} with {_inner(leaf.of, name)}"
        case Neighbours():
            inner = _inner(leaf.of, name)
            return f"at least {leaf.limit:g} others within {leaf.radius:g} m with {inner}"
        case _:
            sign = {"rise": "rises", "fall": "falls", "either": "changes"}[leaf.direction]
            return f"{name} {sign} by {leaf.limit:g} per {format_duration(leaf.per)}"
