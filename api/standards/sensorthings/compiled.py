"""Expressions as SQL: every value a parameter, every name from the entity model, nothing of the request in the text."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from api.standards.sensorthings.errors import RequestError
from api.standards.sensorthings.expression import COMPARISONS, Binary, Call, Literal, Node, Path, Unary
from api.standards.sensorthings.model import ENTITY_SETS, EntitySet, Relation

_SIGNS = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_ARITHMETIC = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_TYPES = {"text": "text", "number": "float8", "time": "timestamptz", "bool": "boolean"}
_PART = "extract({} FROM {{0}} AT TIME ZONE 'UTC')::float8"

# name -> kinds of the arguments, kind of the answer, SQL
_FUNCTIONS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "substringof": (("text", "text"), "bool", "(strpos({1}, {0}) > 0)"),
    "contains": (("text", "text"), "bool", "(strpos({0}, {1}) > 0)"),
    "startswith": (("text", "text"), "bool", "starts_with({0}, {1})"),
    "endswith": (("text", "text"), "bool", "(right({0}, length({1})) = {1})"),
    "length": (("text",), "number", "length({0})::float8"),
    "indexof": (("text", "text"), "number", "(strpos({0}, {1}) - 1)::float8"),
    "substring": (("text", "number"), "text", "substr({0}, {1}::int + 1)"),
    "tolower": (("text",), "text", "lower({0})"),
    "toupper": (("text",), "text", "upper({0})"),
    "trim": (("text",), "text", "btrim({0})"),
    "concat": (("text", "text"), "text", "({0} || {1})"),
    **{part: (("time",), "number", _PART.format(part)) for part in ("year", "month", "day", "hour", "minute")},
    "second": (("time",), "number", "floor(extract(second FROM {0}))::float8"),
    "fractionalseconds": (("time",), "number", "(extract(second FROM {0}) % 1)::float8"),
    "date": (("time",), "text", "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"),
    "time": (("time",), "text", "to_char({0} AT TIME ZONE 'UTC', 'HH24:MI:SS')"),
    "totaloffsetminutes": (("time",), "number", "CASE WHEN {0} IS NOT NULL THEN 0::float8 END"),
    "now": ((), "time", "now()"),
    "mindatetime": ((), "time", "'-infinity'::timestamptz"),
    "maxdatetime": ((), "time", "'infinity'::timestamptz"),
    "round": (("number",), "number", "round(({0})::numeric)::float8"),
    "floor": (("number",), "number", "floor({0})"),
    "ceiling": (("number",), "number", "ceil({0})"),
}
_SUBSTRING_3 = (("text", "number", "number"), "text", "substr({0}, {1}::int + 1, greatest({2}::int, 0))")
_WITHIN = ("st_within", "st_intersects", "geo.intersects")
_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_RING = re.compile(
    rf"\s*POLYGON\s*\(\s*\((\s*{_NUMBER}\s+{_NUMBER}\s*(?:,\s*{_NUMBER}\s+{_NUMBER}\s*)+)\)\s*\)\s*", re.I
)
_POINT = re.compile(rf"\s*POINT\s*\(\s*({_NUMBER})\s+({_NUMBER})\s*\)\s*", re.I)
# Great-circle metres between {x0}, {y0} and {x1}, {y1}.
_METRES = (
    "2 * 6371008.8 * asin(sqrt(least(1, power(sind(({y1} - {y0}) / 2), 2)"
    " + cosd({y0}) * cosd({y1}) * power(sind(({x1} - {x0}) / 2), 2))))"
)

Prefix = tuple[str, ...]


@dataclass(slots=True)
class Statement:
    """The parameters of one statement, and the names of its rows."""

    parameters: list[object] = field(default_factory=list)
    _names: Iterator[int] = field(default_factory=itertools.count)

    def value(self, value: object, kind: str) -> str:
        """Return the SQL that stands for a parameter."""
        if isinstance(value, str) and "\0" in value:
            raise RequestError("text holds no NUL")
        self.parameters.append(value)
        return f"${len(self.parameters)}::{_TYPES.get(kind, kind)}"

    def alias(self) -> str:
        """Return a name for rows that no others have."""
        return f"r{next(self._names)}"


def _walk(node: Node) -> Iterator[Path]:
    match node:
        case Path():
            yield node
        case Binary(_, left, right):
            yield from _walk(left)
            yield from _walk(right)
        case Unary(_, operand):
            yield from _walk(operand)
        case Call(_, arguments):
            for argument in arguments:
                yield from _walk(argument)


def _prefixes(entity_set: EntitySet, node: Node) -> dict[Prefix, Relation]:
    """Return the relations that the paths in `node` go through, the shorter before the longer."""
    found: dict[Prefix, Relation] = {}
    for path in _walk(node):
        here = entity_set
        for k, part in enumerate(path.parts[:-1]):
            relation = here.relation(part)
            if relation is None:
                break
            found[path.parts[: k + 1]] = relation
            here = ENTITY_SETS[relation.target]
    return dict(sorted(found.items(), key=lambda item: len(item[0])))


class Compiler:
    """Writes expressions about the rows `alias` of one entity set."""

    def __init__(self, statement: Statement, entity_set: EntitySet, alias: str) -> None:
        self.statement = statement
        self.entity_set = entity_set
        self.alias = alias

    def condition(self, node: Node) -> str:
        """Return a filter as SQL; raise RequestError for what the model or the types do not allow.

        A comparison that goes through related entities holds where it does for any of them.
        """
        match node:
            case Binary("and" | "or" as operator, left, right):
                return f"({self.condition(left)} {operator.upper()} {self.condition(right)})"
            case Unary("not", operand):
                return f"(NOT {self.condition(operand)})"
        through = _prefixes(self.entity_set, node)
        if not through:
            return self._truth(node, {(): (self.entity_set, self.alias)})
        rows, links, names = self._related(through)
        return f"EXISTS (SELECT FROM {rows} WHERE {links} AND {self._truth(node, names)})"

    def order(self, node: Node) -> str:
        """Return what to sort by as SQL; only through relations to one."""
        through = _prefixes(self.entity_set, node)
        if not through:
            return self._typed(node, {(): (self.entity_set, self.alias)})[0]
        many = next((relation.name for relation in through.values() if relation.many), None)
        if many is not None:
            raise RequestError(f"$orderby: {many} are many, so they give no order")
        rows, links, names = self._related(through)
        return f"(SELECT {self._typed(node, names)[0]} FROM {rows} WHERE {links})"

    def _related(self, through: dict[Prefix, Relation]) -> tuple[str, str, dict[Prefix, tuple[EntitySet, str]]]:
        names: dict[Prefix, tuple[EntitySet, str]] = {(): (self.entity_set, self.alias)}
        rows, links = [], []
        for prefix, relation in through.items():
            target, alias = ENTITY_SETS[relation.target], self.statement.alias()
            rows.append(f"{target.rows} AS {alias}")
            links.append(relation.link.format(t=alias, s=names[prefix[:-1]][1]))
            names[prefix] = (target, alias)
        return ", ".join(rows), " AND ".join(links), names

    def _truth(self, node: Node, names: dict[Prefix, tuple[EntitySet, str]]) -> str:
        sql, kind = self._typed(node, names)
        if kind == "json":
            return f"({sql} = 'true'::jsonb)"
        if kind != "bool":
            raise RequestError(f"a condition is true or false, not a {kind}")
        return sql

    def _typed(self, node: Node, names: dict[Prefix, tuple[EntitySet, str]]) -> tuple[str, str]:
        match node:
            case Literal(value, kind):
                if kind == "shape":
                    raise RequestError("a shape stands in geo.distance and st_within only")
                return ("NULL", "null") if value is None else (self.statement.value(value, kind), kind)
            case Path(parts):
                return self._path(parts, names)
            case Unary("-", operand):
                return f"(-{self._as(operand, 'number', names)})", "number"
            case Unary():
                return f"(NOT {self._truth(node.operand, names)})", "bool"
            case Binary("and" | "or" as operator, left, right):
                return f"({self._truth(left, names)} {operator.upper()} {self._truth(right, names)})", "bool"
            case Binary(operator, left, right) if operator in COMPARISONS:
                return self._comparison(operator, left, right, names), "bool"
            case Binary(operator, left, right):
                one, two = self._as(left, "number", names), self._as(right, "number", names)
                if operator == "mod":
                    return f"mod(({one})::numeric, ({two})::numeric)::float8", "number"
                return f"({one} {_ARITHMETIC[operator]} {two})", "number"
            case Call(name, arguments):
                return self._call(name, arguments, names)
        raise AssertionError(node)

    def _path(self, parts: Prefix, names: dict[Prefix, tuple[EntitySet, str]]) -> tuple[str, str]:
        prefix = next(parts[:k] for k in range(len(parts), -1, -1) if parts[:k] in names)
        (entity_set, alias), rest = names[prefix], parts[len(prefix) :]
        if not rest:
            raise RequestError(f"{'/'.join(parts)} is an entity: name one of its properties")
        found = entity_set.field(rest[0])
        if found is None:
            known = ", ".join(["@iot.id", *(name for name in entity_set.names)])
            raise RequestError(f"{entity_set.single} has no {rest[0]!r}; it has {known}")
        column = f"{alias}.{found.column}"
        if len(rest) > 1:
            if found.kind != "json":
                raise RequestError(f"{rest[0]} has no parts, so no {rest[1]!r}")
            return f"({column} #> {self.statement.value(list(rest[1:]), 'text[]')})", "json"
        return column, found.kind

    def _as(self, node: Node, kind: str, names: dict[Prefix, tuple[EntitySet, str]]) -> str:
        """Return `node` as a value of that kind; out of JSON null where it is of another."""
        sql, own = self._typed(node, names)
        if own == "json":
            return _out_of_json(sql, kind)
        if own not in (kind, "null"):
            raise RequestError(f"a {kind} is needed where a {own} stands")
        return f"{sql}::{_TYPES[kind]}" if own == "null" else sql

    def _comparison(self, operator: str, left: Node, right: Node, names: dict[Prefix, tuple[EntitySet, str]]) -> str:
        (one, first), (two, second) = self._typed(left, names), self._typed(right, names)
        if "null" in (first, second):
            if operator not in ("eq", "ne"):
                raise RequestError(f"null is compared with eq and ne, not with {operator}")
            sql, kind = (one, first) if second == "null" else (two, second)
            absent = f"{sql} IS NULL" if kind != "json" else f"coalesce({sql}, 'null') = 'null'"
            return f"({absent})" if operator == "eq" else f"(NOT ({absent}))"
        if first == "json" and second != "json":
            one, first = _out_of_json(one, second), second
        elif second == "json" and first != "json":
            two, second = _out_of_json(two, first), first
        if first != second:
            raise RequestError(f"{operator}: a {first} and a {second} cannot be compared")
        return f"({one} {_SIGNS[operator]} {two})"

    def _call(
        self, name: str, arguments: tuple[Node, ...], names: dict[Prefix, tuple[EntitySet, str]]
    ) -> tuple[str, str]:
        if name in _WITHIN or name == "geo.distance":
            return self._geometric(name, arguments, names)
        if name not in _FUNCTIONS:
            raise RequestError(f"there is no function {name!r}; there are {', '.join(sorted(_FUNCTIONS))}")
        kinds, kind, sql = _SUBSTRING_3 if (name, len(arguments)) == ("substring", 3) else _FUNCTIONS[name]
        if len(arguments) != len(kinds):
            raise RequestError(f"{name} takes {len(kinds)} arguments, not {len(arguments)}")
        return sql.format(*(self._as(a, k, names) for a, k in zip(arguments, kinds, strict=True))), kind

    def _geometric(
        self, name: str, arguments: tuple[Node, ...], names: dict[Prefix, tuple[EntitySet, str]]
    ) -> tuple[str, str]:
        shapes = [a for a in arguments if isinstance(a, Literal) and a.kind == "shape"]
        paths = [a for a in arguments if isinstance(a, Path) and a.parts[-1] in ("location", "feature")]
        if len(arguments) != 2 or len(shapes) != 1 or len(paths) != 1:
            raise RequestError(f"{name} takes a location (or feature) and a shape such as geography'POINT(2.3 48.8)'")
        self._path(paths[0].parts, names)
        alias = names[paths[0].parts[:-1]][1]
        text = str(shapes[0].value)
        if name == "geo.distance":
            found = _POINT.fullmatch(text)
            if found is None:
                raise RequestError(f"geo.distance: {text!r} is not POINT(longitude latitude)")
            x, y = (self.statement.value(float(number), "number") for number in found.groups())
            return _METRES.format(x0=f"{alias}.longitude", y0=f"{alias}.latitude", x1=x, y1=y), "number"
        found = _RING.fullmatch(text)
        if found is None:
            raise RequestError(f"{name}: {text!r} is not POLYGON((x y, x y, ...)) of one ring")
        ring = "(" + ",".join(f"({','.join(pair.split())})" for pair in found[1].split(",")) + ")"
        return f"({self.statement.value(ring, 'text')}::polygon @> point({alias}.longitude, {alias}.latitude))", "bool"


def _out_of_json(sql: str, kind: str) -> str:
    if kind == "number":
        return f"(CASE WHEN jsonb_typeof({sql}) = 'number' THEN ({sql})::float8 END)"
    if kind == "bool":
        return f"(CASE WHEN jsonb_typeof({sql}) = 'boolean' THEN ({sql})::boolean END)"
    if kind == "text":
        return f"({sql} #>> '{{}}')"
    raise RequestError(f"a {kind} cannot be compared with a part of a JSON property")


def parse_key(entity_set: EntitySet, text: str) -> object:
    """Return an entity's id as its column holds it, None where it cannot be one."""
    if entity_set.key is int:
        return int(text) if re.fullmatch(r"\d{1,9}", text) else None
    if entity_set.name != "Observations":
        return None if "\0" in text else text
    found = re.fullmatch(r"(\d{1,9})-(-?\d{1,17})", text)
    if found is None:
        return None
    try:
        seconds, micros = divmod(int(found[2]), 1_000_000)
        return int(found[1]), datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)
    except (ValueError, OverflowError, OSError):
        return None


def key_condition(statement: Statement, entity_set: EntitySet, alias: str, key: object) -> str:
    """Return the SQL that finds the entity of a key, along the primary key."""
    if isinstance(key, tuple):
        datastream, at = key
        return (
            f"({alias}.datastream_id = {statement.value(datastream, 'int')}"
            f" AND {alias}.phenomenon_time = {statement.value(at, 'time')})"
        )
    return f"({alias}.id = {statement.value(key, 'int' if entity_set.key is int else 'text')})"
