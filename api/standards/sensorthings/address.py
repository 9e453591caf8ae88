"""Resource paths (18-088, 9.2): `Things('bin-0017')/Datastreams(4)/Observations`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from api.standards.sensorthings.compiled import parse_key
from api.standards.sensorthings.errors import MissingError
from api.standards.sensorthings.model import ENTITY_SETS, EntitySet, Relation

_SEGMENT = re.compile(r"(?P<name>[$@A-Za-z_][\w.@]*)(?:\((?:'(?P<text>(?:[^']|'')*)'|(?P<number>-?\d+))\))?(?:/|$)")
MAX_SEGMENTS = 12


@dataclass(frozen=True, slots=True)
class Step:
    """A set, or a relation of the entity before; `key` where one of it is named."""

    entity_set: EntitySet
    relation: Relation | None
    key: object = None


@dataclass(frozen=True, slots=True)
class Address:
    """A path taken apart; `parts` name a property and what is inside it, `tail` is $ref or $value."""

    steps: tuple[Step, ...]
    parts: tuple[str, ...] = ()
    tail: str = ""

    @property
    def last(self) -> Step:
        """Return the step that says what is asked for."""
        return self.steps[-1]

    @property
    def one(self) -> bool:
        """Return whether a single entity is asked for."""
        relation = self.last.relation
        return self.last.key is not None or (relation is not None and not relation.many)


def parse_address(path: str) -> Address:
    """Return the path taken apart; raise MissingError where it leads nowhere."""
    steps: list[Step] = []
    parts: list[str] = []
    tail, position = "", 0
    while position < len(path):
        found = _SEGMENT.match(path, position)
        if found is None or tail or len(steps) + len(parts) >= MAX_SEGMENTS:
            raise MissingError(f"there is nothing at {path!r}")
        position = found.end()
        name = found["name"]
        key = found["text"].replace("''", "'") if found["text"] is not None else found["number"]
        if name in ("$ref", "$value"):
            tail = name
        elif not steps:
            _first(steps, name, key, found["text"] is not None)
        elif parts:
            parts.append(name)
        else:
            _further(steps, parts, name, key, found["text"] is not None)
    address = Address(tuple(steps), tuple(parts), tail)
    if not steps or (tail == "$value") != (tail == "$value" and bool(parts)) or (tail == "$ref" and parts):
        raise MissingError(f"there is nothing at {path!r}")
    return address


def _key(entity_set: EntitySet, key: str | None, quoted: bool) -> object:
    if key is None:
        return None
    value = parse_key(entity_set, key)
    if value is None or quoted == (entity_set.key is int):
        raise MissingError(f"there is no {entity_set.single} {key!r}")
    return value


def _first(steps: list[Step], name: str, key: str | None, quoted: bool) -> None:
    if name not in ENTITY_SETS:
        raise MissingError(f"there is no entity set {name!r}; there are {', '.join(ENTITY_SETS)}")
    steps.append(Step(ENTITY_SETS[name], None, _key(ENTITY_SETS[name], key, quoted)))


def _further(steps: list[Step], parts: list[str], name: str, key: str | None, quoted: bool) -> None:
    before = Address(tuple(steps))
    entity_set = before.last.entity_set
    relation = entity_set.relation(name)
    if not before.one or (relation is None and (entity_set.field(name) is None or key is not None)):
        raise MissingError(f"{entity_set.name if not before.one else entity_set.single} has no {name!r}")
    if relation is None:
        parts.append(name)
        return
    if key is not None and not relation.many:
        raise MissingError(f"{name} is one: it takes no id")
    target = ENTITY_SETS[relation.target]
    steps.append(Step(target, relation, _key(target, key, quoted)))


def entity_path(entity_set: EntitySet, key: object) -> str:
    """Return the path of one entity, ready for a link."""
    if isinstance(key, int):
        return f"{entity_set.name}({key})"
    doubled = str(key).replace("'", "''")
    return f"{entity_set.name}('{quote(doubled, safe='')}')"
