"""Typed values out of YAML, every mistake with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import yaml

from citywatch.durations import parse_duration
from citywatch.errors import SettingsError
from citywatch.plain_yaml import YamlError, compose, construct
from devices.properties import PROPERTIES

LONGEST = timedelta(days=36_500)  # what is added to a time of day must stay within the calendar


@dataclass(slots=True)
class Reader:
    """Takes typed values out of YAML nodes and gathers mistakes with their lines."""

    path: str
    mistakes: list[str] = field(default_factory=list)

    def root(self, text: str) -> yaml.MappingNode | None:
        """Return the document's mapping, or None with a mistake noted."""
        try:
            node = compose(text)
        except YamlError as error:
            self.mistakes.append(f"{self.path}:{error.line}: {error.reason}")
            return None
        if not isinstance(node, yaml.MappingNode):
            self.mistakes.append(f"{self.path}:1: expected a mapping")
            return None
        return node

    def wrong(self, node: yaml.Node, what: str) -> None:
        """Note a mistake at the node's line."""
        self.mistakes.append(f"{self.path}:{node.start_mark.line + 1}: {what}")

    def fields(self, node: yaml.Node, known: Iterable[str], required: Iterable[str] = ()) -> dict[str, yaml.Node]:
        """Return the nodes of a mapping by key; unknown, repeated and missing keys are mistakes."""
        if not isinstance(node, yaml.MappingNode):
            self.wrong(node, "expected a mapping")
            return {}
        found: dict[str, yaml.Node] = {}
        names = list(known)
        for key, value in node.value:
            if key.value in found:
                self.wrong(key, f"{key.value!r} stands here twice")
            elif key.value not in names:
                self.wrong(key, f"unknown key {key.value!r}; known are {', '.join(names)}")
            else:
                found[key.value] = value
        for name in required:
            if name not in found:
                self.wrong(node, f"{name!r} is missing")
        return found

    def value(self, node: yaml.Node) -> Any:
        """Return the plain value of a node."""
        try:
            return construct(node)
        except YamlError as error:
            self.mistakes.append(f"{self.path}:{error.line}: {error.reason}")
            return None

    def take(self, fields: dict[str, yaml.Node], key: str, read: Callable[[yaml.Node], Any], default: Any) -> Any:
        """Return `read(node)` of a field, or `default` where the field is absent."""
        return read(fields[key]) if key in fields else default

    def text(self, node: yaml.Node) -> str:
        """Return a text that is not empty; `...` is one that is yet to be written."""
        value = self.value(node)
        if not isinstance(value, str) or not value.strip(" .\n"):
            self.wrong(node, f"expected a text that is not empty, not {value!r}")
            return ""
        return " ".join(value.split())

    def number(self, node: yaml.Node) -> float:
        """Return a finite number."""
        value = self.value(node)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < float("inf"):
            self.wrong(node, f"expected a number, not {value!r:.60}")
            return 0.0
        return float(value)

    def boolean(self, node: yaml.Node) -> bool:
        """Return true or false."""
        value = self.value(node)
        if not isinstance(value, bool):
            self.wrong(node, f"expected true or false, not {value!r}")
        return bool(value)

    def duration(self, node: yaml.Node) -> timedelta:
        """Return a duration such as `5m`, of `LONGEST` at most."""
        try:
            value = parse_duration(str(self.value(node)))
        except SettingsError as error:
            self.wrong(node, str(error))
            return timedelta()
        if value > LONGEST:
            self.wrong(node, f"a duration is at most {LONGEST.days} days, not {value.days}")
            return timedelta()
        return value

    def day(self, node: yaml.Node) -> date:
        """Return a date such as 2027-05-01."""
        value = self.value(node)
        if type(value) is not date:
            self.wrong(node, f"expected a date such as 2027-05-01, not {value!r}")
            return date.max
        return value

    def choice(self, node: yaml.Node, choices: Iterable[str], what: str) -> str:
        """Return one of `choices`."""
        value = self.value(node)
        if value not in (known := list(choices)):
            self.wrong(node, f"unknown {what} {value!r}; there is {', '.join(known)}")
        return str(value)

    def items(self, node: yaml.Node, least: int = 0) -> list[yaml.Node]:
        """Return the nodes of a list of at least `least` items."""
        if not isinstance(node, yaml.SequenceNode) or len(node.value) < least:
            self.wrong(node, f"expected a list of at least {least}" if least else "expected a list")
            return []
        return list(node.value)

    def property(self, fields: dict[str, yaml.Node]) -> str | None:
        """Return the observed property that a mapping names, None where it names none."""
        if "property" not in fields:
            return None
        name = self.text(fields["property"])
        if name not in PROPERTIES:
            self.wrong(fields["property"], f"unknown property {name!r}")
        return name

    def positive(self, node: yaml.Node, what: str) -> float:
        """Return a number above 0."""
        value = self.number(node)
        if value <= 0:
            self.wrong(node, f"{what} is above 0, not {value:g}")
        return value

    def span(self, node: yaml.Node, what: str) -> timedelta:
        """Return a duration longer than nothing."""
        value = self.duration(node)
        if value <= timedelta():
            self.wrong(node, f"{what} is longer than nothing")
        return value
