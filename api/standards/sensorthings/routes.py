"""The HTTP side of SensorThings.

Not in the OpenAPI document: its paths nest without end, and the standard describes them.
"""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import asyncpg
import orjson
from fastapi import APIRouter, Depends, Request, Response

from api.answer import answer
from api.context import ActorDep, AddressDep, NowDep, PoolDep, PrincipalDep
from api.permissions import Allow, Permission
from api.problems import ProblemError
from api.standards.sensorthings.address import Address, entity_path, parse_address
from api.standards.sensorthings.bodies import linked
from api.standards.sensorthings.create import MAX_ROWS, ConflictError, Maker, make_room
from api.standards.sensorthings.errors import MissingError, RequestError
from api.standards.sensorthings.model import ENTITY_SETS
from api.standards.sensorthings.options import Options, parse_options
from api.standards.sensorthings.read import Reader
from devices.properties import PROPERTIES
from sql.audit import audit
from sql.connection import Connection, Pool
from sql.queries import query

PREFIX = "/sta/v1.1"
_SPEC = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
CONFORMANCE = [
    *(
        _SPEC + f"datamodel/{part}"
        for part in (
            "thing", "thing/properties", "thing/relations", "location", "location/properties", "location/relations",
            "historical-location", "historical-location/properties", "historical-location/relations", "datastream",
            "datastream/properties", "datastream/relations", "sensor", "sensor/properties", "sensor/relations",
            "observed-property", "observed-property/properties", "observed-property/relations", "observation",
            "observation/properties", "observation/relations", "feature-of-interest",
            "feature-of-interest/properties", "feature-of-interest/relations", "entity-control-information",
        )
    ),
    _SPEC + "resource-path/resource-path-to-entities",
    *(
        _SPEC + f"request-data/{part}"
        for part in ("order", "expand", "select", "status-codes", "query-status-code", "orderby", "skip", "top",
                     "count", "filter", "built-in-filter-operations", "built-in-query-functions", "pagination")
    ),
    *(
        _SPEC + f"create-update-delete/{part}"
        for part in ("create-entity", "link-to-existing-entities", "deep-insert", "deep-insert-status-code")
    ),
    _SPEC + "create-observations-via-dataarray/create-observations-via-dataarray",
]  # fmt: skip

READ, CREATE = Allow(Permission.READ), Allow(Permission.CONFIGURE)
router = APIRouter(prefix=PREFIX, tags=["sensorthings"], include_in_schema=False)


async def sync_catalogue(pool: Pool) -> None:
    """Write the catalogue of observed properties of this version into the store, once its tables are there."""
    rows = [(p.name, p.label, p.definition, f"{p.label} in {p.unit}") for p in PROPERTIES.values()]
    # A store that is still to be migrated is what /health/ready tells of.
    with suppress(asyncpg.UndefinedTableError):
        await pool.execute(query("sensorthings", "sync_catalogue"), *map(list, zip(*rows, strict=True)))


async def _told(work: Awaitable[Response]) -> Response:
    """Return what `work` gives; its errors as problems."""
    try:
        return await work
    except MissingError as error:
        raise ProblemError(404, "not-found", str(error)) from None
    except ConflictError as error:
        raise ProblemError(409, "conflict", str(error)) from None
    except RequestError as error:
        raise ProblemError(400, "invalid", str(error)) from None
    # A calculation that cannot be done (division by zero, a number too large), and values no column can hold.
    except asyncpg.DataError as error:
        raise ProblemError(400, "invalid", f"the question cannot be worked out: {error}") from None


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/") + PREFIX


@router.get("", dependencies=[READ])
@router.get("/", dependencies=[READ])
async def get_root(request: Request) -> Response:
    """What there is: the entity sets, and which parts of the standard are kept."""
    sets = [{"name": name, "url": f"{_base(request)}/{name}"} for name in ENTITY_SETS]
    return answer({"value": sets, "serverSettings": {"conformance": CONFORMANCE}})


@router.get("/{path:path}", dependencies=[READ])
async def get_resource(request: Request, pool: PoolDep, path: str) -> Response:
    """Any entity, collection, property or reference."""
    return await _told(_read(request, pool, path))


async def _read(request: Request, pool: Pool, path: str) -> Response:
    address = parse_address(path)
    pairs = request.query_params.multi_items()
    options = parse_options(address.last.entity_set, pairs)
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        reader = Reader(connection, _base(request))
        if not address.one:
            return answer(await reader.page(address, options, pairs))
        if address.parts:
            return await _property(reader, address)
        if address.tail == "$ref":
            options.select, options.expand = None, {}
        entity = await reader.find(address, options)
    return answer({"@iot.selfLink": entity["@iot.selfLink"]} if address.tail == "$ref" else entity)


async def _property(reader: Reader, address: Address) -> Response:
    name, *inside = address.parts
    entity = await reader.find(address, Options(select=(name,)))
    value: Any = entity.get(name)
    for part in inside:
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        # 9.2.4: a property without a value has no content.
        return Response(status_code=204)
    if address.tail == "$value":
        text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_UTC_Z).decode().strip('"')
        return Response(text, media_type="text/plain; charset=utf-8")
    return answer({address.parts[-1]: value})


@dataclass(frozen=True, slots=True)
class By:
    """Who makes entities, when and from where."""

    pool: Pool
    actor: str
    address: str
    now: datetime

    async def audit(self, connection: Connection, what: str, detail: dict[str, Any]) -> None:
        """Say so in the audit log, last in the transaction."""
        await audit(connection, self.actor, "sensorthings.create", what, detail, self.address)


async def _by(pool: PoolDep, principal: PrincipalDep, actor: ActorDep, address: AddressDep, now: NowDep) -> By:
    if principal.limits is not None:
        raise ProblemError(403, "not-permitted", "who is limited to a part of the city makes no entities")
    return By(pool, actor, address, now)


MakerDep = Annotated[By, Depends(_by)]


async def _body(request: Request) -> Any:
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise RequestError(f"the body is not JSON: {error}") from None


@router.post("/CreateObservations", dependencies=[CREATE])
async def create_observations(request: Request, by: MakerDep) -> Response:
    """Make observations from data arrays: for each row the link to its observation, or `error` and why."""
    return await _told(_create_observations(request, by))


async def _create_observations(request: Request, by: By) -> Response:
    arrays = await _body(request)
    if not isinstance(arrays, list) or not arrays:
        raise RequestError("a list of data arrays is needed")
    bodies = [body for array in arrays for body in _rows(array)]
    if len(bodies) > MAX_ROWS:
        raise RequestError(f"one request carries at most {MAX_ROWS} observations, this one {len(bodies)}")
    await make_room(by.pool, bodies, by.now)
    answers = []
    async with by.pool.acquire() as connection, connection.transaction():
        maker = Maker(connection, by.now)
        for body in bodies:
            try:
                made = await maker.observe(body)
            except RequestError as error:
                answers.append(f"error: {error}")
            else:
                answers.append(f"{_base(request)}/{entity_path(ENTITY_SETS['Observations'], made)}")
        await maker.finish()
        await by.audit(connection, "Observations", {"rows": len(bodies)})
    return Response(orjson.dumps(answers), 201, media_type="application/json")


def _rows(array: Any) -> list[dict[str, Any]]:
    """Return the observations of one data array as bodies."""
    if not isinstance(array, dict):
        raise RequestError("a data array is to be an object")
    missing = [name for name in ("Datastream", "components", "dataArray") if name not in array]
    if missing:
        raise RequestError(f"data array: {', '.join(missing)} is missing")
    components, rows = array["components"], array["dataArray"]
    if (
        not isinstance(components, list)
        or not isinstance(rows, list)
        or not all(isinstance(c, str) for c in components)
    ):
        raise RequestError("data array: components and dataArray are to be lists")
    if not isinstance(array["Datastream"], dict) or linked(array["Datastream"]) is None:
        raise RequestError("data array: Datastream is to name one that exists")
    bodies = []
    for k, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(components):
            raise RequestError(f"data array: row {k} is to have {len(components)} values, one for each component")
        body: dict[str, Any] = {"Datastream": array["Datastream"]}
        for name, value in zip(components, row, strict=True):
            relation = name.removesuffix("/id").removesuffix("/@iot.id")
            body[relation] = value if relation == name else {"@iot.id": value}
        bodies.append(body)
    return bodies


@router.post("/{path:path}", dependencies=[CREATE])
async def create_entity(request: Request, by: MakerDep, path: str) -> Response:
    """Make an entity, with those inside its body, in the collection named; link it to the entity in the path."""
    return await _told(_create(request, by, path))


async def _create(request: Request, by: By, path: str) -> Response:
    address = parse_address(path)
    if address.one or address.tail or request.query_params:
        raise RequestError(f"entities are made in a collection, and {path!r} is none")
    body = await _body(request)
    if not isinstance(body, dict):
        raise RequestError("the body is to be an object")
    await make_room(by.pool, body, by.now)
    async with by.pool.acquire() as connection:
        async with connection.transaction():
            made = await Maker(connection, by.now).make(
                address.last.entity_set.name, await _within(connection, address, body)
            )
            await by.audit(connection, _path_of(address.last.entity_set.name, made), {"path": path})
        step = address.last
        found = await Reader(connection, _base(request)).find(
            parse_address(_path_of(step.entity_set.name, made)), Options()
        )
    response = answer(found, {"Location": found["@iot.selfLink"]})
    response.status_code = 201
    return response


def _path_of(entity_set: str, made: object) -> str:
    doubled = str(made).replace("'", "''")
    return f"{entity_set}({made})" if isinstance(made, int) else f"{entity_set}('{doubled}')"


async def _within(connection: Connection, address: Address, body: dict[str, Any]) -> dict[str, Any]:
    """Return the body with the link to the entity that the path names before the collection."""
    relation = address.last.relation
    if relation is None:
        return body
    parent = await Reader(connection, "").parent(address.steps[:-1])
    link = {"@iot.id": parent.row["id"]}
    inverse = address.last.entity_set.relation(relation.back)
    assert inverse is not None
    return {**body, relation.back: [link] if inverse.many else link}
