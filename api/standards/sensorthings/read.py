"""Reads entities: one statement for a page, one more for each expanded relation, whatever the number of entities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from api.standards.sensorthings.address import Address, Step, entity_path
from api.standards.sensorthings.compiled import Compiler, Statement, key_condition
from api.standards.sensorthings.errors import MissingError, RequestError
from api.standards.sensorthings.model import ENTITY_SETS, EntitySet, Field
from api.standards.sensorthings.options import Expand, Options, make_token
from sql.connection import Connection

MAX_ENTITIES = 20_000  # in one answer, expanded ones included
_KEY_TYPES = {"datastream_id": "int", "phenomenon_time": "timestamptz"}

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parent:
    """An entity from which a relation is followed."""

    entity_set: EntitySet
    row: Row


class Reader:
    """Answers one request."""

    def __init__(self, connection: Connection, base: str) -> None:
        """`base` is the address of the service, without a slash at its end."""
        self._connection = connection
        self._base = base
        self._left = MAX_ENTITIES

    async def find(self, address: Address, options: Options) -> dict[str, Any]:
        """Return the entity that `address` names, with its expansions; raise MissingError."""
        row = await self._walk(address.steps, options)
        (entity,) = await self._shape(address.last.entity_set, [row], options)
        return entity

    async def parent(self, steps: Sequence[Step]) -> Parent:
        """Return the entity that the steps lead to; raise MissingError."""
        return Parent(steps[-1].entity_set, await self._walk(steps, Options(select=())))

    async def page(self, address: Address, options: Options, query: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """Return a page of the collection that `address` names; `query` is the request's, for the next page's link."""
        parent = await self.parent(address.steps[:-1]) if len(address.steps) > 1 else None
        step = address.last
        body: dict[str, Any] = {}
        if options.count:
            body["@iot.count"] = await self._count(step, parent, options)
        rows = await self._rows(step, parent, options, options.top + 1)
        more, rows = len(rows) > options.top, rows[: options.top]
        if more and rows:
            body["@iot.nextLink"] = self._next_link(address, options, query, rows[-1])
        entity_set = step.entity_set
        if address.tail == "$ref":
            body["value"] = [{"@iot.selfLink": self._link(entity_set, row["id"])} for row in rows]
            return body
        shaped = await self._shape(entity_set, rows, options)
        body["value"] = self._arrays(rows, shaped) if options.data_array else shaped
        return body

    async def _walk(self, steps: Sequence[Step], options: Options) -> Row:
        """Follow the steps to their last entity."""
        parent: Parent | None = None
        for step in steps:
            wanted = options if step is steps[-1] else Options(select=())
            rows = await self._rows(step, parent, Options(select=wanted.select, expand=wanted.expand), 1)
            if not rows:
                key = "" if step.key is None else f" {step.key!r}"
                raise MissingError(f"there is no such {step.entity_set.single}{key}")
            parent = Parent(step.entity_set, rows[0])
        assert parent is not None
        return parent.row

    async def _rows(self, step: Step, parent: Parent | None, options: Options, limit: int) -> list[Row]:
        statement, entity_set = Statement(), step.entity_set
        alias = statement.alias()
        source = self._from(statement, step, parent, alias)
        conditions = self._conditions(statement, step, options, alias, source)
        if options.after is not None:
            if options.order:
                raise RequestError("$skiptoken goes with the default order only")
            keys = ", ".join(f"{alias}.{name}" for name in entity_set.order)
            values = ", ".join(
                statement.value(value, _key_type(entity_set, name))
                for name, value in zip(entity_set.order, options.after, strict=True)
            )
            conditions.append(f"({keys}) > ({values})")
        text = (
            f"SELECT {_columns(entity_set, options, alias)} FROM {source[0]}"
            f" WHERE {' AND '.join(conditions) or 'true'}"
            f" ORDER BY {_order(statement, entity_set, options, alias)}"
            f" LIMIT {statement.value(limit, 'bigint')} OFFSET {statement.value(options.skip, 'bigint')}"
        )
        return list(await self._connection.fetch(text, *statement.parameters))

    async def _count(self, step: Step, parent: Parent | None, options: Options) -> int:
        statement = Statement()
        alias = statement.alias()
        source = self._from(statement, step, parent, alias)
        conditions = self._conditions(statement, step, options, alias, source)
        text = f"SELECT count(*) FROM {source[0]} WHERE {' AND '.join(conditions) or 'true'}"
        found: int = await self._connection.fetchval(text, *statement.parameters)
        return found

    def _from(self, statement: Statement, step: Step, parent: Parent | None, alias: str) -> tuple[str, str]:
        """Return what stands in FROM, and the condition that leads from the parent."""
        rows = f"{step.entity_set.rows} AS {alias}"
        if parent is None or step.relation is None:
            return rows, ""
        origin = statement.alias()
        keys = " AND ".join(
            f"{origin}.{name} = {statement.value(parent.row[name], _key_type(parent.entity_set, name))}"
            for name in parent.entity_set.order
        )
        return (
            f"{parent.entity_set.rows} AS {origin}, {rows}",
            f"{keys} AND {step.relation.link.format(t=alias, s=origin)}",
        )

    def _conditions(
        self, statement: Statement, step: Step, options: Options, alias: str, source: tuple[str, str]
    ) -> list[str]:
        conditions = [source[1]] if source[1] else []
        if step.key is not None:
            conditions.append(key_condition(statement, step.entity_set, alias, step.key))
        if options.filter is not None:
            conditions.append(Compiler(statement, step.entity_set, alias).condition(options.filter))
        return conditions

    async def _shape(self, entity_set: EntitySet, rows: Sequence[Row], options: Options) -> list[dict[str, Any]]:
        """Return the rows as entities of the standard, expanded ones inside."""
        self._left -= len(rows)
        chosen = options.select
        shaped = []
        for row in rows:
            link = self._link(entity_set, row["id"])
            entity: dict[str, Any] = {}
            if chosen is None or "id" in chosen or "@iot.id" in chosen:
                entity["@iot.id"] = row["id"]
            if chosen is None:
                entity["@iot.selfLink"] = link
            for field in _fields(entity_set, options):
                value = row[field.column]
                if field.end is not None and row[field.end] is not None:
                    value = f"{_text(value)}/{_text(row[field.end])}"
                # What an entity does not have is left out; a result may be missing and says so.
                if value is not None or field.name == "result":
                    entity[field.name] = value
            for relation in entity_set.relations:
                if relation.name not in options.expand and (chosen is None or relation.name in chosen):
                    entity[f"{relation.name}@iot.navigationLink"] = f"{link}/{relation.name}"
            shaped.append(entity)
        for expand in options.expand.values():
            await self._expand(entity_set, rows, shaped, expand)
        return shaped

    async def _expand(
        self, entity_set: EntitySet, rows: Sequence[Row], shaped: Sequence[dict[str, Any]], expand: Expand
    ) -> None:
        """Put the related entities of all `rows` into `shaped`, in one statement (and one for their counts)."""
        if not rows:
            return
        relation, options = expand.relation, expand.options
        target = ENTITY_SETS[relation.target]
        limit = options.top if relation.many else 1
        found = await self._related(entity_set, rows, expand, limit)
        kept: list[list[Row]] = [[] for _ in rows]
        more = [False] * len(rows)
        for row in found:
            place = row["parent"] - 1
            if len(kept[place]) < limit:
                kept[place].append(row)
            else:
                more[place] = True
        entities = iter(await self._shape(target, [row for each in kept for row in each], options))
        counts = await self._related_counts(entity_set, rows, expand) if relation.many and options.count else None
        for k, (entity, row) in enumerate(zip(shaped, rows, strict=True)):
            inside = [next(entities) for _ in kept[k]]
            if not relation.many:
                entity[relation.name] = inside[0] if inside else None
                continue
            if counts is not None:
                entity[f"{relation.name}@iot.count"] = counts.get(k + 1, 0)
            entity[relation.name] = inside
            if more[k]:
                given = {**options.given, "$top": str(limit), "$skip": str(options.skip + limit)}
                link = f"{self._link(entity_set, row['id'])}/{relation.name}"
                entity[f"{relation.name}@iot.nextLink"] = f"{link}?{_query(given.items())}"

    async def _related(self, entity_set: EntitySet, rows: Sequence[Row], expand: Expand, limit: int) -> Sequence[Row]:
        statement, target = Statement(), ENTITY_SETS[expand.relation.target]
        origins, origin = self._origins(statement, entity_set, rows)
        alias, inner = statement.alias(), statement.alias()
        conditions = self._conditions(
            statement,
            Step(target, expand.relation),
            expand.options,
            alias,
            ("", expand.relation.link.format(t=alias, s=origin)),
        )
        options = expand.options
        text = (
            f"SELECT wanted.parent, {inner}.* FROM {origins} CROSS JOIN LATERAL ("
            f"SELECT {_columns(target, options, alias)} FROM {target.rows} AS {alias}"
            f" WHERE {' AND '.join(conditions)} ORDER BY {_order(statement, target, options, alias)}"
            f" LIMIT {statement.value(limit + 1, 'bigint')} OFFSET {statement.value(options.skip, 'bigint')}"
            f") AS {inner} LIMIT {statement.value(max(self._left, 0) + 1, 'bigint')}"
        )
        found = await self._connection.fetch(text, *statement.parameters)
        if len(found) > self._left:
            raise RequestError(f"an answer holds at most {MAX_ENTITIES} entities: ask for fewer with $top or $filter")
        # Sorted here: the statement keeps the order of each parent's own, and sorting by parent is stable.
        return sorted(found, key=lambda row: row["parent"])

    async def _related_counts(self, entity_set: EntitySet, rows: Sequence[Row], expand: Expand) -> dict[int, int]:
        statement, target = Statement(), ENTITY_SETS[expand.relation.target]
        origins, origin = self._origins(statement, entity_set, rows)
        alias = statement.alias()
        link = expand.relation.link.format(t=alias, s=origin)
        conditions = self._conditions(statement, Step(target, expand.relation), expand.options, alias, ("", link))
        text = (
            f"SELECT wanted.parent, n FROM {origins} CROSS JOIN LATERAL (SELECT count(*) AS n FROM"
            f" {target.rows} AS {alias} WHERE {' AND '.join(conditions)}) AS counted"
        )
        return dict(await self._connection.fetch(text, *statement.parameters))

    def _origins(self, statement: Statement, entity_set: EntitySet, rows: Sequence[Row]) -> tuple[str, str]:
        """Return a FROM of the parents, numbered from 1, and their name."""
        origin = statement.alias()
        lists = ", ".join(
            statement.value([row[name] for row in rows], f"{_key_type(entity_set, name)}[]")
            for name in entity_set.order
        )
        names = ", ".join(f"k{k}" for k in range(len(entity_set.order)))
        keys = " AND ".join(f"{origin}.{name} = wanted.k{k}" for k, name in enumerate(entity_set.order))
        return (
            f"unnest({lists}) WITH ORDINALITY AS wanted ({names}, parent) JOIN {entity_set.rows} AS {origin} ON {keys}",
            origin,
        )

    def _arrays(self, rows: Sequence[Row], shaped: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return observations as data arrays, one for each datastream, in the order of the page."""
        groups: dict[int, list[dict[str, Any]]] = {}
        for row, entity in zip(rows, shaped, strict=True):
            groups.setdefault(row["datastream_id"], []).append(entity)
        arrays = []
        for datastream, entities in groups.items():
            # A stable set of components: whatever any of them has, in the order of the model.
            names = [name for name in ("@iot.id", *(f.name for f in ENTITY_SETS["Observations"].fields))
                     if any(name in entity for entity in entities)]  # fmt: skip
            arrays.append(
                {
                    "Datastream@iot.navigationLink": self._link(ENTITY_SETS["Datastreams"], datastream),
                    "components": ["id" if name == "@iot.id" else name for name in names],
                    "dataArray@iot.count": len(entities),
                    "dataArray": [[entity.get(name) for name in names] for entity in entities],
                }
            )
        return arrays

    def _link(self, entity_set: EntitySet, key: object) -> str:
        return f"{self._base}/{entity_path(entity_set, key)}"

    def _next_link(self, address: Address, options: Options, query: Sequence[tuple[str, str]], last: Row) -> str:
        kept = [(name, text) for name, text in query if name not in ("$skip", "$skiptoken")]
        if options.order:
            kept.append(("$skip", str(options.skip + options.top)))
        else:
            kept.append(("$skiptoken", make_token(last[name] for name in address.last.entity_set.order)))
        return f"{self._base}/{_path(address)}?{_query(kept)}"


def _path(address: Address) -> str:
    parts = []
    for step in address.steps:
        name = step.relation.name if step.relation is not None else step.entity_set.name
        if step.key is None:
            parts.append(name)
            continue
        key = step.key
        if isinstance(key, tuple):
            datastream, at = key
            key = f"{datastream}-{int(at.timestamp()) * 1_000_000 + at.microsecond}"
        parts.append(name + entity_path(step.entity_set, key).removeprefix(step.entity_set.name))
    return "/".join([*parts, *([address.tail] if address.tail else [])])


def _query(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name, safe='$')}={quote(text, safe='')}" for name, text in pairs)


def _text(value: Any) -> str:
    text: str = value.isoformat()
    return text.replace("+00:00", "Z")


def _key_type(entity_set: EntitySet, name: str) -> str:
    return _KEY_TYPES.get(name) or ("int" if entity_set.key is int else "text")


def _fields(entity_set: EntitySet, options: Options) -> list[Field]:
    return [field for field in entity_set.fields if options.select is None or field.name in options.select]


def _columns(entity_set: EntitySet, options: Options, alias: str) -> str:
    names = dict.fromkeys(("id", *entity_set.order))
    for field in _fields(entity_set, options):
        names[field.column] = None
        if field.end is not None:
            names[field.end] = None
    return ", ".join(f"{alias}.{name}" for name in names)


def _order(statement: Statement, entity_set: EntitySet, options: Options, alias: str) -> str:
    compiler = Compiler(statement, entity_set, alias)
    keys = [f"{compiler.order(node)}{' DESC NULLS LAST' if descending else ''}" for node, descending in options.order]
    # The default order behind, so that equal entities come in one order and no page repeats or misses any.
    return ", ".join([*keys, *(f"{alias}.{name}" for name in entity_set.order)])
