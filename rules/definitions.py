"""Rules as files: YAML, one rule a file, every mistake named with file and line."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import yaml

from citywatch.errors import RuleError
from devices.model import Domain
from rules.condition_reader import read_condition
from rules.conditions import Count, Crowd, NoData, leaves
from rules.model import Rationale, Rule, Selector, Severity
from rules.reader import Reader

FOLDER = Path(__file__).parent / "definitions"
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
    "suppressed_by",
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
    """A rule with the text that defines it, and that of its tests where they are there."""

    rule: Rule
    text: str
    path: str
    tests: str | None = None

    @property
    def text_hash(self) -> str:
        """Return the SHA-256 of the text, in hex: what a version is known by."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def with_tests(self, tests: str) -> Definition:
        """Return the same with the text of its tests."""
        return replace(self, tests=tests)


def rule_files(folders: Iterable[Path] = ()) -> list[Path]:
    """Return the rule files of the shipped folder and of `folders`, in a stable order, their tests left out."""
    found: list[Path] = []
    for folder in [FOLDER, *folders]:
        try:
            paths = sorted(folder.iterdir())
        except OSError as error:  # an unreadable folder is not an empty one: that would switch its rules off
            raise RuleError(f"{folder}: not a folder of rules: {error.strerror}") from None
        found += [path for path in paths if path.suffix == ".yaml" and not path.name.endswith(".test.yaml")]
    return found


def load_definition(path: Path) -> Definition:
    """Read one rule file; raise RuleError naming every mistake with its line."""
    beside = path.with_name(f"{path.stem}.test.yaml")
    text = _read_text(path)
    tests = _read_text(beside) if beside.exists() else None
    definition = parse_definition(text, str(path))
    if definition.rule.rule_id != path.stem:
        raise RuleError(f"{path}:1: the rule is called {definition.rule.rule_id!r}, its file {path.name!r}")
    return definition if tests is None else definition.with_tests(tests)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(f"{path}: {error}") from None


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
    condition = read_condition(reader, fields["when"], selector.property)
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
        suppressed_by=tuple(map(reader.text, reader.items(fields["suppressed_by"])))
        if "suppressed_by" in fields
        else (),
    )
    _check_together(reader, fields, rule)
    return rule if len(reader.mistakes) == before else None


def _check_together(reader: Reader, fields: dict[str, yaml.Node], rule: Rule) -> None:
    """Note what the parts of a rule forbid one another."""
    found = list(leaves(rule.condition))
    if any(isinstance(leaf, NoData) for leaf in found) and rule.on_delay:
        reader.wrong(fields["on_delay"], "no_data has its own limit: an on_delay has no meaning beside it")
    counts = [leaf for leaf in found if isinstance(leaf, Count)]
    if counts and (len(counts) < len(found) or len({leaf.area for leaf in counts}) > 1):
        reader.wrong(fields["when"], "a rule that counts in areas is made of counts in one kind of area only")
    if counts and rule.off_delay:
        reader.wrong(fields["off_delay"], "a count has no off_delay: give the condition that is counted a deadband")
    if rule.rule_id in rule.suppressed_by:
        reader.wrong(fields["suppressed_by"], "a rule does not suppress itself")
    for leaf in found:
        if isinstance(leaf, Crowd) and any(isinstance(each, Crowd | NoData) for each in leaves(leaf.of)):
            reader.wrong(fields["when"], f"{leaf.kind} counts a condition on readings, not silence nor another count")


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
        property=reader.property(fields),
        domain=reader.take(fields, "domain", lambda n: reader.choice(n, list(Domain), "domain"), None),
        district=reader.take(fields, "district", reader.text, None),
        profile=reader.take(fields, "profile", reader.text, None),
        tags=tuple(tags),
    )


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
