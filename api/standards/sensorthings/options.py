"""Query options (18-088, 9.3), also those inside `$expand`, read and bounded. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from api.standards.sensorthings.errors import RequestError
from api.standards.sensorthings.expression import Node, parse_expression, parse_order
from api.standards.sensorthings.model import ENTITY_SETS, EntitySet, Relation

DEFAULT_TOP = 100
MAX_TOP = 1000  # entities in one page
MAX_SKIP = 1_000_000
MAX_EXPAND = 5  # levels
_SPLIT = re.compile(r"'(?:[^']|'')*'|[();,]|[^'();,]+|'")


@dataclass(slots=True)
class Options:
    """What a request asks of one collection or entity; `given` is the text, for the next page's link."""

    filter: Node | None = None
    order: list[tuple[Node, bool]] = field(default_factory=list)
    top: int = DEFAULT_TOP
    skip: int = 0
    count: bool = False
    select: tuple[str, ...] | None = None
    expand: dict[str, Expand] = field(default_factory=dict)
    data_array: bool = False
    after: list[object] | None = None
    given: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Expand:
    """A related entity, or collection, to be written in full."""

    relation: Relation
    options: Options


def parse_options(entity_set: EntitySet, pairs: Iterable[tuple[str, str]], *, level: int = 0) -> Options:
    """Return the options; raise RequestError naming the one at fault."""
    options = Options()
    for name, text in pairs:
        if name in options.given:
            raise RequestError(f"{name} stands twice")
        if "\0" in text:
            raise RequestError(f"{name}: text holds no NUL")
        options.given[name] = text
        try:
            _read(entity_set, options, name, text.strip(), level)
        except RequestError as error:
            raise RequestError(f"{name}: {error}" if not str(error).startswith("$") else str(error)) from None
    return options


def _read(entity_set: EntitySet, options: Options, name: str, text: str, level: int) -> None:
    match name:
        case "$filter":
            options.filter = parse_expression(text)
        case "$orderby":
            options.order = parse_order(text)
        case "$top":
            options.top = min(_whole(text, 10**9), MAX_TOP)
        case "$skip":
            options.skip = _whole(text, MAX_SKIP)
        case "$count":
            if text not in ("true", "false"):
                raise RequestError(f"true or false, not {text!r}")
            options.count = text == "true"
        case "$select":
            options.select = tuple(part.strip() for part in text.split(","))
            for part in options.select:
                if entity_set.field(part) is None and entity_set.relation(part) is None:
                    raise RequestError(f"{entity_set.single} has no {part!r}")
        case "$expand":
            for item in _split(text, ","):
                _expand(entity_set, options, item.strip(), level)
        case "$resultFormat" if level == 0 and entity_set.name == "Observations":
            if text not in ("dataArray", "http://www.opengis.net/doc/IS/SensorThings/1.0#DataArray"):
                raise RequestError(f"dataArray, not {text!r}")
            options.data_array = True
        case "$skiptoken" if level == 0:
            options.after = read_token(entity_set, text)
        case _:
            raise RequestError(f"{name} is no option here")


def _whole(text: str, most: int) -> int:
    if not re.fullmatch(r"\d{1,10}", text) or int(text) > most:
        raise RequestError(f"a whole number from 0 to {most}, not {text!r}")
    return int(text)


def _expand(entity_set: EntitySet, options: Options, item: str, level: int) -> None:
    """Read `Datastreams/Observations` or `Datastreams($top=5;$expand=Sensor)`, into what is asked for already."""
    if level >= MAX_EXPAND:
        raise RequestError(f"$expand nests at most {MAX_EXPAND} levels deep")
    path, _, inner = item.partition("(")
    if inner and not inner.endswith(")"):
        raise RequestError(f"{item!r} lacks its closing bracket")
    first, *rest = path.strip().split("/", 1)
    relation = entity_set.relation(first)
    if relation is None:
        known = ", ".join(relation.name for relation in entity_set.relations)
        raise RequestError(f"{entity_set.single} has no relation {first!r}; it has {known}")
    target = ENTITY_SETS[relation.target]
    if rest:
        here = options.expand.setdefault(first, Expand(relation, Options()))
        _expand(target, here.options, rest[0] + (f"({inner}" if inner else ""), level + 1)
        return
    pairs = []
    for part in _split(inner[:-1], ";") if inner else []:
        name, equals, value = part.partition("=")
        if not equals:
            raise RequestError(f"{part!r} is no option with its value")
        pairs.append((name.strip(), value))
    fresh = parse_options(target, pairs, level=level + 1)
    earlier = options.expand.get(first)
    if earlier is not None:
        fresh.expand = {**earlier.options.expand, **fresh.expand}
    options.expand[first] = Expand(relation, fresh)


def _split(text: str, mark: str) -> list[str]:
    """Return the parts between marks that stand outside brackets and quotes."""
    parts, depth = [""], 0
    for piece in _SPLIT.findall(text):
        depth += (piece == "(") - (piece == ")")
        if depth < 0:
            raise RequestError(f"{text!r} closes a bracket that was not opened")
        if piece == mark and depth == 0:
            parts.append("")
        else:
            parts[-1] += piece
    if depth:
        raise RequestError(f"{text!r} lacks a closing bracket")
    return parts


def make_token(key: Iterable[object]) -> str:
    """Return what stands for the place after an entity in the default order."""
    return base64.urlsafe_b64encode(orjson.dumps(list(key))).decode().rstrip("=")


def read_token(entity_set: EntitySet, text: str) -> list[object]:
    """Return the order key in a token; raise RequestError for one that we did not make."""
    try:
        key = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        if not isinstance(key, list):
            raise ValueError("no key")
        if entity_set.name == "Observations":
            datastream, at = key
            whole = isinstance(datastream, int) and 0 <= datastream < 2**31
            time = datetime.fromisoformat(at.replace("Z", "+00:00"))
            if not whole or time.tzinfo is None:
                raise ValueError("no key")
            return [datastream, time]
        (one,) = key
        if type(one) is not entity_set.key or (isinstance(one, int) and not 0 <= one < 2**31):
            raise ValueError("no key")
        if isinstance(one, str) and "\0" in one:
            raise ValueError("a NUL")
        return [one]
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise RequestError("not one that an @iot.nextLink carried") from None
