"""Conditions out of YAML, every mistake with its line; docs/rules.md says how each is written."""

from __future__ import annotations

from datetime import timedelta

import yaml

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
    RateOfChange,
)
from rules.levels import LEVELS
from rules.reader import Reader
from rules.trends import Crossing, Deviation

COMPOSED = ("all", "any", "not")
# Each leaf with what may stand beside it.
LEAVES: dict[str, tuple[str, ...]] = {
    "at_least": ("deadband",),
    "at_most": ("deadband",),
    "outside": ("deadband",),
    "rate_of_change": ("per", "direction"),
    "flat": ("tolerance",),
    "no_data": ("rhythm",),
    "level": (),
    "deviation": ("least", "direction", "deadband"),
    "crossing": ("within", "over", "direction", "restart", "deadband"),
    "count": ("in", "of"),
    "neighbours": ("radius", "of"),
}
REQUIRED = {
    "deviation": ("least",),
    "crossing": ("within", "over"),
    "count": ("in", "of"),
    "neighbours": ("radius", "of"),
}
MOST_PERIODS = 1_000
NOTHING = NoData()  # what stands for a condition that could not be read


def read_condition(reader: Reader, node: yaml.Node, default: str | None) -> Condition:
    """Return the condition; `default` is the property of leaves that name none."""
    known = (*LEAVES, *COMPOSED)
    kinds = [key.value for key, _ in node.value if key.value in known] if isinstance(node, yaml.MappingNode) else []
    if len(kinds) != 1:
        reader.wrong(node, f"expected one condition out of {', '.join(known)}")
        return NOTHING
    kind = kinds[0]
    if kind in ("all", "any"):
        inner = reader.items(reader.fields(node, [kind])[kind], 2)
        parts = tuple(read_condition(reader, each, default) for each in inner)
        return All(parts) if kind == "all" else AnyOf(parts)
    if kind == "not":
        return Not(read_condition(reader, reader.fields(node, [kind])[kind], default))
    return _read_leaf(reader, node, kind, default)


def _read_leaf(reader: Reader, node: yaml.Node, kind: str, default: str | None) -> Leaf:
    before = len(reader.mistakes)
    fields = reader.fields(node, (kind, *LEAVES[kind], "property"), REQUIRED.get(kind, ()))
    name = reader.property(fields)
    if kind != "no_data" and name is None and default is None:
        reader.wrong(node, f"{kind} needs a property, here or in 'select'")
    if len(reader.mistakes) > before:
        return NOTHING
    deadband = reader.take(fields, "deadband", reader.number, 0.0)
    if deadband < 0:
        reader.wrong(fields["deadband"], "a deadband is not negative")
    main = fields[kind]
    match kind:
        case "at_least":
            return AtLeast(reader.number(main), deadband, name)
        case "at_most":
            return AtMost(reader.number(main), deadband, name)
        case "outside":
            bounds = [reader.number(each) for each in reader.items(main, 2)]
            if len(bounds) != 2 or bounds[0] + 2 * deadband >= bounds[1]:
                reader.wrong(main, "expected [low, high] with room for the deadband between them")
                return NOTHING
            return Outside(bounds[0], bounds[1], deadband, name)
        case "rate_of_change":
            return _read_rate(reader, fields, name)
        case "flat":
            return Flat(reader.duration(main), reader.take(fields, "tolerance", reader.number, 0.0), name)
        case "level":
            return _read_level(reader, main, name, default)
        case "deviation":
            limit, least = reader.positive(main, "a deviation"), reader.positive(fields["least"], "'least'")
            return Deviation(limit, least, _direction(reader, fields, ("above", "below", "either")), deadband, name)
        case "crossing":
            return _read_crossing(reader, fields, deadband, name)
        case "count" | "neighbours":
            return _read_crowd(reader, fields, kind, name, default)
        case _:
            return _read_silence(reader, fields, name)


def _direction(reader: Reader, fields: dict[str, yaml.Node], known: tuple[str, ...]) -> str:
    return reader.choice(fields["direction"], known, "direction") if "direction" in fields else known[-1]


def _read_rate(reader: Reader, fields: dict[str, yaml.Node], name: str | None) -> RateOfChange:
    per = reader.take(fields, "per", reader.duration, timedelta(minutes=1))
    limit = reader.number(fields["rate_of_change"])
    if limit <= 0 or per <= timedelta():
        reader.wrong(fields["rate_of_change"], "a rate of change has a limit above 0 per a duration above 0")
    return RateOfChange(limit, per, _direction(reader, fields, ("rise", "fall", "either")), name)


def _read_level(reader: Reader, node: yaml.Node, name: str | None, default: str | None) -> Leaf:
    levels = LEVELS.get(name or default or "")
    if levels is None:
        reader.wrong(node, f"{name or default} has no levels; {', '.join(LEVELS)} have")
        return NOTHING
    level = reader.choice(node, levels, "level")
    return AtLevel(levels.get(level, 0.0), level, name)


def _read_crossing(reader: Reader, fields: dict[str, yaml.Node], deadband: float, name: str | None) -> Crossing:
    restart = reader.positive(fields["restart"], "'restart'") if "restart" in fields else None
    return Crossing(
        reader.number(fields["crossing"]),
        reader.span(fields["within"], "'within'"),
        reader.span(fields["over"], "'over'"),
        _direction(reader, fields, ("fall", "rise")),
        restart,
        deadband,
        name,
    )


def _read_crowd(
    reader: Reader, fields: dict[str, yaml.Node], kind: str, name: str | None, default: str | None
) -> Count | Neighbours:
    limit = reader.number(fields[kind])
    if limit < 1 or limit % 1:
        reader.wrong(fields[kind], f"{kind} is a whole number of devices of at least 1, not {limit:g}")
    counted = read_condition(reader, fields["of"], name or default)
    if kind == "count":
        return Count(limit, reader.text(fields["in"]), counted, name)
    return Neighbours(limit, reader.positive(fields["radius"], "a radius"), counted, name)


def _read_silence(reader: Reader, fields: dict[str, yaml.Node], name: str | None) -> NoData:
    node = fields["no_data"]
    value = reader.value(node)
    rhythm = reader.take(
        fields, "rhythm", lambda each: reader.choice(each, ("declared", "learned"), "rhythm"), "declared"
    )
    if isinstance(value, str):
        if rhythm == "learned":
            reader.wrong(node, "a fixed limit of silence learns no rhythm: write a number of intervals")
        return NoData(None, reader.duration(node), name)
    periods = reader.number(node)
    if not 1 <= periods <= MOST_PERIODS:
        reader.wrong(node, f"no_data is a duration, or a number of expected intervals of 1 to {MOST_PERIODS:,}")
    return NoData(periods, None, name, rhythm == "learned")
