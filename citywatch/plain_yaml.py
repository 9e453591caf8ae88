"""YAML that people write and send: a tree that is as large as its text, every fault with its line.

YAML can do more than rules and profiles need, and each of these makes a few characters stand for something huge, or for
something that no reader expects: an alias for a whole branch (a kilobyte of them for billions of nodes), brackets for a
depth that Python gives up on, a tag for a value that is none, a list for a key. They are refused by name.
"""

from __future__ import annotations

from typing import Any

import yaml
from yaml.reader import ReaderError

from citywatch.errors import CitywatchError

DEEPEST = 50  # levels of lists and mappings within one another; what is shipped has seven


class YamlError(CitywatchError):
    """A text is not the YAML we take; `line` and `reason` say where and why."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line, self.reason = line, reason


class PlainLoader(yaml.SafeLoader):
    """Reads what stands in a text as it stands there: no aliases, no tags, words as keys, a depth with an end."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._level = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Return the next node; raise YamlError for what is refused, before anything is made of it."""
        event, reason = self.peek_event(), None  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            reason = f"the alias *{event.anchor} is not taken: write out what it stands for"
        elif getattr(event, "tag", None):
            reason = f"the tag {event.tag} is not taken: write the value without it"
        elif parent is not None and index is None and not isinstance(event, yaml.ScalarEvent):
            reason = "a key is a word, not a list or a mapping"
        elif self._level == DEEPEST:
            reason = f"more than {DEEPEST} levels of lists and mappings within one another"
        if reason is not None:
            raise YamlError(event.start_mark.line + 1, reason)
        self._level += 1
        node = super().compose_node(parent, index)
        self._level -= 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Return the value of a node; raise YamlError where it is none, such as 2027-13-01."""
        try:
            value = super().construct_object(node, deep)
            if isinstance(value, int):
                float(value)  # what is too large to be reckoned with cannot even be shown in an error
            if isinstance(value, str) and ("\0" in value or not _is_text(value)):
                raise ValueError("it holds a character that no text has")
            return value
        except yaml.MarkedYAMLError as fault:
            raise _at(fault, "not a value") from None
        except (ValueError, OverflowError) as fault:
            raise YamlError(node.start_mark.line + 1, f"not a value: {fault}") from None


def compose(text: str, loader: type[PlainLoader] = PlainLoader) -> yaml.Node | None:
    """Return the tree of nodes that a text holds, None where it is empty; raise YamlError for its first fault."""
    try:
        return loader(text).get_single_node()
    except yaml.MarkedYAMLError as fault:
        raise _at(fault, "not YAML") from None
    except ReaderError as fault:
        line = text.count("\n", 0, fault.position) + 1
        raise YamlError(line, f"not YAML: the character #x{fault.character:04x}") from None


def construct(node: yaml.Node, loader: type[PlainLoader] = PlainLoader) -> Any:
    """Return the values that a node from `compose` stands for; raise YamlError for the first that is none."""
    try:
        return loader("").construct_document(node)
    except yaml.MarkedYAMLError as fault:  # a mapping is filled after it was made
        raise _at(fault, "not a value") from None


def _is_text(value: str) -> bool:
    """Return whether it can be kept: half of a surrogate pair, which an escape can spell, cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _at(fault: yaml.MarkedYAMLError, what: str) -> YamlError:
    return YamlError(fault.problem_mark.line + 1 if fault.problem_mark else 1, f"{what}: {fault.problem}")
