"""What a rule must have beside being readable: tests of both kinds, limits that can be met, a review not overdue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from citywatch.errors import RuleError
from devices.properties import PROPERTIES
from rules.conditions import AtLeast, AtMost, Condition, Crowd, Leaf, Outside, leaves
from rules.definitions import Definition, load_definition, parse_definition
from rules.model import Rule
from rules.trials import Trial, load_trials, parse_trials, properties_of, try_rule


@dataclass(frozen=True, slots=True)
class Failure:
    """One rule test that did not come out as written."""

    path: str
    line: int
    name: str
    detail: str


def trials_beside(path: Path) -> Path:
    """Return where the tests of a rule file stand."""
    return path.with_name(f"{path.stem}.test.yaml")


def check_file(path: Path, today: date) -> list[str]:
    """Return everything wrong with one rule file and its tests, each line naming file and line."""
    try:
        definition = load_definition(path)
    except RuleError as error:
        return str(error).splitlines()
    return check_rule(definition, str(path), today) + _check_trials(definition, path)


def check_rule(definition: Definition, path: str, today: date) -> list[str]:
    """Return what is wrong with a rule that can be read."""
    rule, found = definition.rule, []
    if rule.rationale.review_date < today:
        line = _line_of("review_date", definition.text)
        found.append(f"{path}:{line}: its review was due on {rule.rationale.review_date}")
    for leaf in _every_leaf(rule.condition):
        name = leaf.property or rule.selector.property
        limits = {AtLeast: ("limit",), AtMost: ("limit",), Outside: ("low", "high")}.get(type(leaf), ())
        for limit in (getattr(leaf, each) for each in limits):
            known = PROPERTIES[name or ""]
            if not known.low <= limit <= known.high:
                found.append(
                    f"{path}:{_line_of('when', definition.text)}: the limit {limit:g} {known.unit} of {name} can never"
                    f" be met: the property goes from {known.low:g} to {known.high:g}"
                )
    return found


def _every_leaf(condition: Condition) -> Iterator[Leaf]:
    """Yield the leaves, and those of the conditions that other devices are counted by."""
    for leaf in leaves(condition):
        yield leaf
        if isinstance(leaf, Crowd):
            name = leaf.property
            yield from (replace(each, property=each.property or name) for each in _every_leaf(leaf.of))


def _line_of(key: str, text: str) -> int:
    """Return the line that a key of a rule file stands in; keys are written once."""
    return next((n for n, line in enumerate(text.splitlines(), 1) if line.strip().startswith(f"{key}:")), 1)


def check_text(text: str, tests: str, today: date) -> tuple[Definition | None, list[str]]:
    """Return the rule that a text defines, where it can be read, and everything wrong with it and its tests.

    A rule comes with tests of both kinds, as its file would; lines are named as `rule:LINE` and `tests:LINE`.
    """
    try:
        definition = parse_definition(text, "rule")
    except RuleError as error:
        return None, str(error).splitlines()
    mistakes = check_rule(definition, "rule", today)
    try:
        trials = parse_trials(tests, definition.rule, "tests")
    except RuleError as error:
        return definition, mistakes + str(error).splitlines()
    mistakes += _check_coverage(definition.rule, trials, "tests")
    for trial in trials:
        detail = try_rule(definition.rule, trial)
        if detail is not None:
            mistakes.append(f"tests:{trial.line}: {trial.name}: {detail}")
    return definition, mistakes


def run_trials(paths: Iterable[Path]) -> tuple[int, list[Failure]]:
    """Run the tests beside each rule file; return how many there were, and those that failed."""
    count, failures = 0, []
    for path in paths:
        rule = load_definition(path).rule
        tests = trials_beside(path)
        for trial in load_trials(tests, rule) if tests.exists() else []:
            count += 1
            detail = try_rule(rule, trial)
            if detail is not None:
                failures.append(Failure(str(tests), trial.line, trial.name, detail))
    return count, failures


def _check_trials(definition: Definition, path: Path) -> list[str]:
    tests = trials_beside(path)
    if not tests.exists():
        return [f"{path}:1: there is no {tests.name} beside it"]
    try:
        trials = load_trials(tests, definition.rule)
    except RuleError as error:
        return str(error).splitlines()
    return _check_coverage(definition.rule, trials, str(tests))


def _check_coverage(rule: Rule, trials: list[Trial], tests: str) -> list[str]:
    found = []
    if not any(trial.alerts for trial in trials):
        found.append(f"{tests}:1: no test in which the rule fires")
    if all(trial.alerts for trial in trials):
        found.append(f"{tests}:1: no test in which the rule does not fire")
    used = {name for trial in trials for sample in trial.samples for name in sample.values}
    for name in sorted(properties_of(rule) - used):
        found.append(f"{tests}:1: no test has a series of {name}")
    return found
