"""The language of `$filter` and `$orderby` (18-088, 9.3.3.5), parsed into a tree. Pure; SQL comes later.

Precedence, loosest first: or, and, not, comparison, add and sub, mul div mod, minus.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from api.standards.sensorthings.errors import RequestError

MAX_LENGTH = 4000  # characters of one expression
MAX_DEPTH = 40  # levels of nesting
MAX_TOKENS = 400  # names, values and operators of one expression

COMPARISONS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<shape>geo(?:graphy|metry)'(?:[^']|'')*')
    | (?P<text>'(?:[^']|'')*')
    | (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d))
    | (?P<date>\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d(?:\.\d+)?)
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<word>@?[A-Za-z_][\w.@]*(?:/@?[A-Za-z_][\w.@]*)*)
    | (?P<mark>[(),-])
    )""",
    re.VERBOSE,
)
_OFFSET = re.compile(r"([+-]\d\d):?(\d\d)Z?$")


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; `kind` is text, number, time, bool, null or shape (well-known text)."""

    value: str | float | datetime | bool | None
    kind: str


@dataclass(frozen=True, slots=True)
class Path:
    """A property, perhaps of a related entity: `Datastream/ObservedProperty/name`."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Binary:
    """A comparison, a calculation, `and` or `or`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Unary:
    """`not` or `-`."""

    operator: str
    operand: Node


Node = Literal | Path | Call | Binary | Unary


def parse_time(text: str) -> datetime:
    """Return an ISO 8601 instant with its offset, in UTC; raise RequestError.

    `-0700` and `-0700Z`, as in the standard's own examples, mean the offset.
    """
    try:
        at = datetime.fromisoformat(_OFFSET.sub(r"\1:\2", text).replace("Z", "+00:00"))
        if at.tzinfo is None:
            raise ValueError("no offset")
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RequestError(f"{text!r} is not a time with its offset, such as 2026-11-24T06:00:00Z") from None


def parse_expression(text: str) -> Node:
    """Return the tree of one expression; raise RequestError naming the place where it cannot be read."""
    parser = _Parser(text)
    node = parser.either()
    parser.end()
    return node


def parse_order(text: str) -> list[tuple[Node, bool]]:
    """Return the keys of `$orderby`, each with whether it descends."""
    parser = _Parser(text)
    keys = []
    while True:
        node, descending = parser.sum(), False
        if parser.word in ("asc", "desc"):
            descending = parser.take() == "desc"
        keys.append((node, descending))
        if parser.word != ",":
            break
        parser.take()
    parser.end()
    return keys


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise RequestError(f"an expression has at most {MAX_LENGTH} characters, this one {len(text)}")
        self.tokens: list[tuple[str, str, int]] = []
        self.text = text
        self.at = self.depth = 0
        position = 0
        end = len(text.rstrip())
        while position < end:
            found = _TOKEN.match(text, position)
            if found is None:
                raise RequestError(f"{text[position : position + 20]!r} at character {position + 1} cannot be read")
            kind = str(found.lastgroup)
            self.tokens.append((kind, found[kind], found.start(kind)))
            position = found.end()
            if len(self.tokens) > MAX_TOKENS:
                raise RequestError(f"an expression has at most {MAX_TOKENS} names, values and operators")

    @property
    def word(self) -> str:
        """Return the operator or mark that comes next, empty where something else does."""
        kind, text, _ = self._next
        return text if kind in ("word", "mark") else ""

    @property
    def _next(self) -> tuple[str, str, int]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "", len(self.text))

    def take(self) -> str:
        """Return the next token and go on."""
        text = self._next[1]
        self.at += 1
        return text

    def end(self) -> None:
        """Raise RequestError unless everything was read."""
        if self.at < len(self.tokens):
            self._unexpected("the end")

    def _unexpected(self, wanted: str) -> None:
        kind, text, position = self._next
        seen = "the end" if kind == "end" else repr(text)
        raise RequestError(f"at character {position + 1} stands {seen}, where {wanted} should")

    def _expect(self, mark: str) -> None:
        if self.word != mark:
            self._unexpected(repr(mark))
        self.take()

    def either(self) -> Node:
        """Read `or`."""
        node = self._both()
        while self.word == "or":
            node = Binary(self.take(), node, self._both())
        return node

    def _both(self) -> Node:
        node = self._negated()
        while self.word == "and":
            node = Binary(self.take(), node, self._negated())
        return node

    def _negated(self) -> Node:
        if self.word != "not":
            return self._compared()
        self.take()
        self._deeper()
        node = Unary("not", self._negated())
        self.depth -= 1
        return node

    def _compared(self) -> Node:
        node = self.sum()
        if self.word in COMPARISONS:
            node = Binary(self.take(), node, self.sum())
        return node

    def sum(self) -> Node:
        """Read `add` and `sub`."""
        node = self._product()
        while self.word in ("add", "sub"):
            node = Binary(self.take(), node, self._product())
        return node

    def _product(self) -> Node:
        node = self._signed()
        while self.word in ("mul", "div", "mod"):
            node = Binary(self.take(), node, self._signed())
        return node

    def _signed(self) -> Node:
        if self.word != "-":
            return self._primary()
        self.take()
        self._deeper()
        node = Unary("-", self._signed())
        self.depth -= 1
        return node

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise RequestError(f"an expression nests at most {MAX_DEPTH} levels deep")

    def _primary(self) -> Node:
        kind, text, _ = self._next
        if kind == "mark" and text == "(":
            self.take()
            self._deeper()
            node = self.either()
            self.depth -= 1
            self._expect(")")
            return node
        if kind == "word":
            return self._named()
        if kind in ("end", "mark"):
            self._unexpected("a value")
        self.take()
        if kind == "number":
            return Literal(float(text), "number")
        if kind == "time":
            return Literal(parse_time(text), "time")
        if kind == "date":
            return Literal(text, "text")
        inner = text[text.index("'") + 1 : -1].replace("''", "'")
        return Literal(inner, "shape" if kind == "shape" else "text")

    def _named(self) -> Node:
        name = self.take()
        if self.word == "(" and "/" not in name:
            self.take()
            self._deeper()
            arguments: list[Node] = []
            while self.word != ")":
                if arguments:
                    self._expect(",")
                arguments.append(self.either())
            self.depth -= 1
            self.take()
            return Call(name, tuple(arguments))
        if name in ("true", "false"):
            return Literal(name == "true", "bool")
        return Literal(None, "null") if name == "null" else Path(tuple(name.split("/")))
