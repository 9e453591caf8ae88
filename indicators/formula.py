"""Formulas that users write: closed arithmetic over named quantities, units checked, nothing evaluated as code.

`0.5 * (north + south)`, `100 "%" * pm2_5 / pm10`, `max(a, b, 0)`: numbers, names, + - * /, parentheses, and what
`FUNCTIONS` names. A number may carry a unit in quotes; one without takes the unit of what it is added to.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from indicators.errors import IndicatorError
from indicators.unit_arithmetic import PURE, Powers, multiply, powers, spelled

LONGEST = 500
DEEPEST = 30
FUNCTIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "min": min,
    "max": max,
    "mean": fmean,
    "abs": lambda v: abs(v[0]),
}

_TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[a-z][a-z0-9_]*)|"
                    r'"(?P<unit>[^"]*)"|(?P<sign>[-+*/(),]))')  # fmt: skip


@dataclass(frozen=True, slots=True)
class Number:
    """A constant; `unit` is None where it takes the unit of its surroundings."""

    value: float
    unit: Powers | None


@dataclass(frozen=True, slots=True)
class Name:
    """A named input."""

    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One of + - * / or a function, on its operands."""

    sign: str
    operands: tuple["Node", ...]


Node = Number | Name | Operation


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula as it was read; `names` are its inputs in the order of their first use."""

    text: str
    root: Node
    names: tuple[str, ...]

    def unit(self, units: Mapping[str, str]) -> Powers:
        """Return the unit of the result from those of the inputs; raise IndicatorError where units do not fit."""
        found = _unit(self.root, {name: powers(unit) for name, unit in units.items()})
        return PURE if found is None else found

    def value(self, values: Mapping[str, float]) -> float | None:
        """Return the result, None where it is no finite number (a division by 0)."""
        try:
            result = _value(self.root, values)
        except (ZeroDivisionError, OverflowError):
            return None
        return result if math.isfinite(result) else None


def read_formula(text: str) -> Formula:
    """Return the formula; raise IndicatorError that names what cannot be read, and where."""
    if len(text) > LONGEST:
        raise IndicatorError(f"a formula has at most {LONGEST} characters, not {len(text)}")
    reader = _Reader(text)
    root = reader.sum(0)
    reader.end()
    names = tuple(dict.fromkeys(reader.names))
    if not names:
        raise IndicatorError(f"{text.strip()!r} names no input: a constant is no formula")
    return Formula(text.strip(), root, names)


class _Reader:
    """Reads by recursive descent: sums of products of signed things."""

    def __init__(self, text: str) -> None:
        self.names: list[str] = []
        self._tokens = _tokens(text)
        self._at = 0

    def _peek(self) -> tuple[str, str, int]:
        return self._tokens[self._at]

    def _take(self, *signs: str) -> str | None:
        kind, word, _ = self._peek()
        if kind != "sign" or word not in signs:
            return None
        self._at += 1
        return word

    def _need(self, sign: str) -> None:
        if self._take(sign) is None:
            raise self._wrong(f"{sign!r} is missing")

    def _wrong(self, what: str) -> IndicatorError:
        kind, word, place = self._peek()
        before = "at the end" if kind == "end" else f"before {word!r}, character {place + 1}"
        return IndicatorError(f"formula: {what} {before}")

    def end(self) -> None:
        """Raise IndicatorError unless all has been read."""
        if self._peek()[0] != "end":
            raise self._wrong("an operator is missing")

    def sum(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise IndicatorError(f"formula: nested more than {DEEPEST} deep")
        node = self._product(depth)
        while sign := self._take("+", "-"):
            node = Operation(sign, (node, self._product(depth)))
        return node

    def _product(self, depth: int) -> Node:
        node = self._signed(depth)
        while sign := self._take("*", "/"):
            node = Operation(sign, (node, self._signed(depth)))
        return node

    def _signed(self, depth: int) -> Node:
        if self._take("-"):
            if depth > DEEPEST:
                raise IndicatorError(f"formula: nested more than {DEEPEST} deep")
            return Operation("-", (Number(0.0, None), self._signed(depth + 1)))
        return self._thing(depth)

    def _thing(self, depth: int) -> Node:
        kind, word, _ = self._peek()
        if kind == "number":
            self._at += 1
            following, unit, _ = self._peek()
            if following != "unit":
                return Number(float(word), None)
            self._at += 1
            return Number(float(word), powers(unit))
        if kind == "name":
            self._at += 1
            if self._take("("):
                return self._call(word, depth)
            self.names.append(word)
            return Name(word)
        if self._take("("):
            node = self.sum(depth + 1)
            self._need(")")
            return node
        raise self._wrong("a number, a name or '(' is missing")

    def _call(self, name: str, depth: int) -> Node:
        if name not in FUNCTIONS:
            raise IndicatorError(f"formula: there is no function {name!r}; there are {', '.join(FUNCTIONS)}")
        operands = [self.sum(depth + 1)]
        while self._take(","):
            operands.append(self.sum(depth + 1))
        self._need(")")
        if name == "abs" and len(operands) != 1:
            raise IndicatorError(f"formula: abs takes one value, not {len(operands)}")
        return Operation(name, tuple(operands))


def _tokens(text: str) -> list[tuple[str, str, int]]:
    """Return kind, word and place of each token, and one that says where the text ends."""
    found: list[tuple[str, str, int]] = []
    at = 0
    rest = text.rstrip()
    while at < len(rest):
        match = _TOKEN.match(rest, at)
        if match is None:
            raise IndicatorError(f"formula: {rest[at:].strip()[:10]!r} at character {at + 1} cannot be read")
        kind = match.lastgroup or ""
        found.append((kind, match[kind], match.start(kind)))
        at = match.end()
    return [*found, ("end", "", len(text))]


def _unit(node: Node, units: Mapping[str, Powers]) -> Powers | None:
    if isinstance(node, Number):
        return node.unit
    if isinstance(node, Name):
        if node.name not in units:
            raise IndicatorError(
                f"formula: nothing is named {node.name!r}; there are {', '.join(units) or 'no inputs'}"
            )
        return units[node.name]
    found = [_unit(each, units) for each in node.operands]
    if node.sign in ("*", "/"):
        one, two = found
        if one is None and two is None:
            return None
        return multiply(one or PURE, two or PURE, 1 if node.sign == "*" else -1)
    fixed = [unit for unit in found if unit is not None]
    for other in fixed[1:]:
        if other != fixed[0]:
            raise IndicatorError(
                f"formula: {node.sign} takes values of one unit, not {spelled(fixed[0])} and {spelled(other)}"
            )
    return fixed[0] if fixed else None


def _value(node: Node, values: Mapping[str, float]) -> float:
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Name):
        return values[node.name]
    found = [_value(each, values) for each in node.operands]
    if node.sign in FUNCTIONS:
        return float(FUNCTIONS[node.sign](found))
    one, two = found
    match node.sign:
        case "+":
            return one + two
        case "-":
            return one - two
        case "*":
            return one * two
        case _:
            return one / two
