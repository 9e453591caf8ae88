"""Rules as files: YAML, one rule a file, every mistake named with file and line."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import yaml

from citywatch.errors import RuleError
from devices.model import Domain
from devices.properties import PROPERTIES
from rules.conditions import All, AnyOf, AtLeast, AtMost, Condition, Flat, NoData, Not, Outside, RateOfChange, leaves
from rules.model import Rationale, Rule, Selector, Severity
from rules.reader import Reader

FOLDER = Path(__file__).parent / "definitions"
_CONDITIONS = ("at_least", "at_most", "outside", "rate_of_change", "flat", "no_data", "all", "any", "not")
_FIELDS = (
    "id",
    "title",
    "severity",
    "select",
    "when",
    "on_delay",
    "off_delay",
    "latched",
    "suspect_counts",
    "summary",
    "rationale",
)
_RATIONALE = (
    "cause",
    "consequence",
    "operator_action",
    "threshold",
    "time_to_respond",
    "owner",
    "review_date",
)
# What a summary may name in braces.
PARAMETERS = ("device", "device_id", "value", "unit", "limit", "since")
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_BRACES = re.compile(r"{([^}]*)}")


@dataclass(frozen=True, slots=True)
class Definition:
    """A rule with the text that defines it."""

    rule: Rule
    text: str
    path: str

    @property
    def text_hash(self) -> str:
        """Return the SHA-256 of the text, in hex: what a version is known by."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def rule_files(folders: Iterable[Path] = ()) -> list[Path]:
    """Return the rule files of the shipped folder and of `folders`, in a stable order, their tests left out."""
    found: list[Path] = []
    for folder in [FOLDER, *folders]:
        if not folder.is_dir():
            raise RuleError(f"{folder}: not a folder of rules")
        found += sorted(path for path in folder.glob("*.yaml") if not path.name.endswith(".test.yaml"))
    return found


def load_definition(path: Path) -> Definition:
    """Read one rule file; raise RuleError naming every mistake with its line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(f"{path}: {error}") from None
    definition = parse_definition(text, str(path))
    if definition.rule.rule_id != path.stem:
        raise RuleError(f"{path}:1: the rule is called {definition.rule.rule_id!r}, its file {path.name!r}")
    return definition


def load_definitions(folders: Iterable[Path] = ()) -> list[Definition]:
    """Read every rule; raise RuleError naming all mistakes of all files, and rules that are there twice."""
    found: dict[str, Definition] = {}
    mistakes: list[str] = []
    for path in rule_files(folders):
        try:
            definition = load_definition(path)
        except RuleError as error:
            mistakes.append(str(error))
            continue
        other = found.setdefault(definition.rule.rule_id, definition)
        if other is not definition:
            mistakes.append(f"{path}:1: rule {definition.rule.rule_id!r} stands in {other.path} too")
    if mistakes:
        raise RuleError("\n".join(mistakes))
    return list(found.values())


def parse_definition(text: str, path: str) -> Definition:
    """Return the rule that `text` defines; `path` is only named in errors. Raises RuleError, one mistake a line."""
    reader = Reader(path)
    node = reader.root(text)
    rule = _read_rule(reader, node) if node is not None else None
    if reader.mistakes or rule is None:
        raise RuleError("\n".join(reader.mistakes or [f"{path}:1: the file is empty"]))
    return Definition(rule, text, path)


def _read_rule(reader: Reader, node: yaml.MappingNode) -> Rule | None:
    required = ("id", "title", "severity", "select", "when", "summary", "rationale")
    fields = reader.fields(node, _FIELDS, required)
    if any(name not in fields for name in required):
        return None
    before = len(reader.mistakes)
    rule_id = reader.text(fields["id"])
    if not _ID.fullmatch(rule_id):
        reader.wrong(fields["id"], f"a rule id is lower-case words joined by hyphens, not {rule_id!r}")
    selector = _read_selector(reader, fields["select"])
    condition = _read_condition(reader, fields["when"], selector)
    rule = Rule(
        rule_id=rule_id,
        title=reader.text(fields["title"]),
        severity=_read_severity(reader, fields["severity"]),
        selector=selector,
        condition=condition,
        rationale=_read_rationale(reader, fields["rationale"]),
        summary=_read_summary(reader, fields["summary"]),
        on_delay=reader.take(fields, "on_delay", reader.duration, timedelta()),
        off_delay=reader.take(fields, "off_delay", reader.duration, timedelta()),
        latched=reader.take(fields, "latched", reader.boolean, False),
        suspect_counts=reader.take(fields, "suspect_counts", reader.boolean, False),
    )
    if any(isinstance(leaf, NoData) for leaf in leaves(condition)) and rule.on_delay:
        reader.wrong(fields["on_delay"], "no_data has its own limit: an on_delay has no meaning beside it")
    return rule if len(reader.mistakes) == before else None


def _read_severity(reader: Reader, node: yaml.Node) -> Severity:
    text = reader.choice(node, [each.value for each in Severity], "severity")
    return Severity.__members__.get(text, Severity.LOW)


def _read_selector(reader: Reader, node: yaml.Node) -> Selector:
    fields = reader.fields(node, ("property", "domain", "district", "profile", "tags"))
    tags: list[tuple[str, str]] = []
    if "tags" in fields:
        value = reader.value(fields["tags"])
        if isinstance(value, dict):
            tags = sorted((str(key), str(each)) for key, each in value.items())
        else:
            reader.wrong(fields["tags"], "expected a mapping")
    return Selector(
        property=_read_property(reader, fields),
        domain=reader.take(fields, "domain", lambda n: reader.choice(n, list(Domain), "domain"), None),
        district=reader.take(fields, "district", reader.text, None),
        profile=reader.take(fields, "profile", reader.text, None),
        tags=tuple(tags),
    )


def _read_property(reader: Reader, fields: dict[str, yaml.Node]) -> str | None:
    if "property" not in fields:
        return None
    name = reader.text(fields["property"])
    if name not in PROPERTIES:
        reader.wrong(fields["property"], f"unknown property {name!r}")
    return name


def _read_rationale(reader: Reader, node: yaml.Node) -> Rationale:
    fields = reader.fields(node, _RATIONALE, [name for name in _RATIONALE if name != "operator_action"])
    if isinstance(node, yaml.MappingNode) and "operator_action" not in fields:
        reader.wrong(node, "'operator_action' is missing: what nobody acts on is a report, not an alert")
    texts = {name: reader.take(fields, name, reader.text, "") for name in _RATIONALE[:4]}
    respond = reader.take(fields, "time_to_respond", reader.duration, timedelta(hours=1))
    if respond <= timedelta():
        reader.wrong(fields["time_to_respond"], "time_to_respond must be longer than nothing")
    review = reader.take(fields, "review_date", reader.day, None)
    return Rationale(
        **texts, time_to_respond=respond, owner=reader.take(fields, "owner", reader.text, ""), review_date=review
    )


def _read_summary(reader: Reader, node: yaml.Node) -> str:
    text = reader.text(node)
    for name in _BRACES.findall(text):
        if name not in PARAMETERS:
            reader.wrong(node, f"a summary cannot name {{{name}}}; it may name {', '.join(PARAMETERS)}")
    return text


def _read_condition(reader: Reader, node: yaml.Node, selector: Selector) -> Condition:
    nothing = NoData()
    kinds = [key.value for key, _ in node.value if key.value in _CONDITIONS] if _is_mapping(node) else []
    if len(kinds) != 1:
        reader.wrong(node, f"expected one condition out of {', '.join(_CONDITIONS)}")
        return nothing
    kind = kinds[0]
    if kind in ("all", "any"):
        inner = reader.items(reader.fields(node, [kind])[kind], 2)
        parts = tuple(_read_condition(reader, each, selector) for each in inner)
        return All(parts) if kind == "all" else AnyOf(parts)
    if kind == "not":
        return Not(_read_condition(reader, reader.fields(node, [kind])[kind], selector))
    return _read_leaf(reader, node, kind, selector)


def _is_mapping(node: yaml.Node) -> bool:
    return isinstance(node, yaml.MappingNode)


def _read_leaf(reader: Reader, node: yaml.Node, kind: str, selector: Selector) -> Condition:
    more = {"rate_of_change": ("per", "direction"), "flat": ("tolerance",), "no_data": ()}.get(kind, ("deadband",))
    fields = reader.fields(node, (kind, *more, "property"))
    name = _read_property(reader, fields)
    if kind != "no_data" and name is None and selector.property is None:
        reader.wrong(node, f"{kind} needs a property, here or in 'select'")
    main = fields[kind]
    deadband = reader.take(fields, "deadband", reader.number, 0.0)
    if deadband < 0:
        reader.wrong(fields["deadband"], "a deadband is not negative")
    match kind:
        case "at_least":
            return AtLeast(reader.number(main), deadband, name)
        case "at_most":
            return AtMost(reader.number(main), deadband, name)
        case "outside":
            bounds = [reader.number(each) for each in reader.items(main, 2)]
            if len(bounds) != 2 or bounds[0] + 2 * deadband >= bounds[1]:
                reader.wrong(main, "expected [low, high] with room for the deadband between them")
                return NoData()
            return Outside(bounds[0], bounds[1], deadband, name)
        case "rate_of_change":
            per = reader.take(fields, "per", reader.duration, timedelta(minutes=1))
            direction = reader.take(
                fields, "direction", lambda n: reader.choice(n, ("rise", "fall", "either"), "direction"), "either"
            )
            limit = reader.number(main)
            if limit <= 0 or per <= timedelta():
                reader.wrong(main, "a rate of change has a limit above 0 per a duration above 0")
            return RateOfChange(limit, per, direction, name)
        case "flat":
            return Flat(reader.duration(main), reader.take(fields, "tolerance", reader.number, 0.0), name)
        case _:
            return _read_silence(reader, main, name)


def _read_silence(reader: Reader, node: yaml.Node, name: str | None) -> NoData:
    value = reader.value(node)
    if isinstance(value, str):
        return NoData(None, reader.duration(node), name)
    periods = reader.number(node)
    if periods < 1:
        reader.wrong(node, "no_data is a duration, or a number of expected intervals of at least 1")
    return NoData(periods, None, name)
