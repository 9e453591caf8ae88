"""NGSI-LD 1.6 (ETSI GS CIM 009): entities as they are now and as they have been, for reading."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Response

from api.answer import encode
from api.context import PoolDep
from api.permissions import Allow, Permission
from api.problems import not_found, responses
from api.schemas import Instant
from api.standards.ngsi_ld.models import CORE_CONTEXT, MODELS, Model, entity, instance, key_values, only
from sql.queries import query

PREFIX = "/ngsi-ld/v1"
MOST_PAST = 10_000  # values of one attribute in one answer
LD_JSON = "application/ld+json"

router = APIRouter(prefix=PREFIX, tags=["ngsi-ld"], dependencies=[Allow(Permission.READ)])

TypeName = Literal["WasteContainer", "TrafficFlowObserved", "AirQualityObserved"]
EntityId = Annotated[
    str,
    Path(
        pattern=r"^urn:ngsi-ld:(WasteContainer|TrafficFlowObserved|AirQualityObserved):[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$",
        description="urn:ngsi-ld:TYPE:DEVICE",
        examples=["urn:ngsi-ld:WasteContainer:bin-0017"],
    ),
]
FormatQuery = Annotated[
    Literal["normalized", "keyValues"], Query(alias="options", description="normalised, or names and values alone")
]
AttributesQuery = Annotated[
    str | None,
    Query(
        alias="attrs",
        max_length=500,
        pattern=r"^[A-Za-z0-9]+(,[A-Za-z0-9]+)*$",
        description="attributes, comma separated; none: all",
        examples=["fillingLevel,location"],
    ),
]
AcceptHeader = Annotated[str | None, Header(alias="Accept", description="application/ld+json: @context in the body")]

_JSON: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {}, LD_JSON: {}}, "description": "What was asked for"}
}


def _reads(models: list[Model]) -> list[str]:
    return [f"{model.domain}/{name}" for model in models for name in sorted(model.reads)]


def _chosen(attributes: str | None) -> frozenset[str] | None:
    return None if attributes is None else frozenset(attributes.split(","))


def _with(context: list[str], body: Any) -> Any:
    return [{"@context": context, **one} for one in body] if isinstance(body, list) else {"@context": context, **body}


def _answer(body: Any, models: list[Model], accept: str | None, headers: dict[str, str] | None = None) -> Response:
    """Return JSON with the context in a Link header, or JSON-LD with it inside, as the client prefers."""
    context = [*(model.context for model in models), CORE_CONTEXT]
    if accept is not None and LD_JSON in accept:
        inside = _with(context, body)
        return Response(encode(inside), headers=headers, media_type=LD_JSON)
    # One Link for one type: with several, each entity's context is that of its model.
    link = f'<{context[0]}>; rel="http://www.w3.org/ns/json-ld#context"; type="{LD_JSON}"'
    return Response(encode(body), headers={**(headers or {}), "Link": link}, media_type="application/json")


@router.get("/types", responses={**_JSON, **responses(422, 503)}, response_class=Response)
async def list_types(accept: AcceptHeader = None) -> Response:
    """The entity types there are."""
    body = {"id": "urn:ngsi-ld:EntityTypeList:citywatch", "type": "EntityTypeList", "typeList": list(MODELS)}
    return _answer(body, list(MODELS.values()), accept)


@router.get("/entities", responses={**_JSON, **responses(422, 503)}, response_class=Response)
async def list_entities(
    pool: PoolDep,
    type_: Annotated[TypeName | None, Query(alias="type", description="type of the entities; none: all")] = None,
    options: FormatQuery = "normalized",
    attributes: AttributesQuery = None,
    limit: Annotated[int, Query(ge=0, le=1000, description="entities in one answer")] = 100,
    offset: Annotated[int, Query(ge=0, le=1_000_000, description="entities to leave out first")] = 0,
    count: Annotated[bool, Query(description="how many there are in all, as the header NGSILD-Results-Count")] = False,
    accept: AcceptHeader = None,
) -> Response:
    """Entities by type and id, with the latest value of each attribute.

    Containers and air stations appear when they have a place, roads and air stations when they have an observation:
    their models demand it.
    """
    models = [model for name, model in MODELS.items() if type_ in (None, name)]
    chosen, domains = _chosen(attributes), [model.domain for model in models]
    rows = await pool.fetch(query("ngsi", "entities"), domains, _reads(models), None, limit, offset)
    found = [only(entity(row), chosen) for row in rows]
    headers = {}
    if count:
        headers["NGSILD-Results-Count"] = str(
            await pool.fetchval(query("ngsi", "entity_count"), domains, _reads(models))
        )
    return _answer([key_values(one) for one in found] if options == "keyValues" else found, models, accept, headers)


@router.get("/entities/{entity_id}", responses={**_JSON, **responses(404, 422, 503)}, response_class=Response)
async def get_entity(
    pool: PoolDep,
    entity_id: EntityId,
    options: FormatQuery = "normalized",
    attributes: AttributesQuery = None,
    accept: AcceptHeader = None,
) -> Response:
    """One entity with the latest value of each attribute."""
    model, device_id = _parts(entity_id)
    rows = await pool.fetch(query("ngsi", "entities"), [model.domain], _reads([model]), device_id, 1, 0)
    if not rows:
        raise not_found("entity", entity_id)
    found = only(entity(rows[0]), _chosen(attributes))
    return _answer(key_values(found) if options == "keyValues" else found, [model], accept)


@router.get(
    "/temporal/entities/{entity_id}",
    responses={
        **_JSON,
        206: {"content": {"application/json": {}, LD_JSON: {}}, "description": "The newest values; there are more"},
        **responses(404, 422, 503),
    },
    response_class=Response,
)
async def get_past(
    pool: PoolDep,
    entity_id: EntityId,
    attributes: AttributesQuery = None,
    timerel: Annotated[
        Literal["before", "after", "between"] | None, Query(description="how timeAt and endTimeAt bound the past")
    ] = None,
    time_at: Annotated[Instant | None, Query(alias="timeAt", description="the bound, or the start of the span")] = None,
    end_time_at: Annotated[Instant | None, Query(alias="endTimeAt", description="the end of the span")] = None,
    last: Annotated[
        int, Query(alias="lastN", ge=1, le=MOST_PAST, description="so many values of each attribute, the newest")
    ] = MOST_PAST,
    accept: AcceptHeader = None,
) -> Response:
    """Past values of one entity's attributes, oldest first; bulk comes from the export.

    Without `timerel` the span is what `timeAt` and `endTimeAt`, if given, leave open.
    """
    model, device_id = _parts(entity_id)
    rows = await pool.fetch(query("ngsi", "entities"), [model.domain], _reads([model]), device_id, 1, 0)
    if not rows:
        raise not_found("entity", entity_id)
    start = datetime(1, 1, 1, tzinfo=UTC) if timerel == "before" or time_at is None else time_at
    end = time_at if timerel == "before" else end_time_at if timerel != "after" else None
    chosen = _chosen(attributes)
    made: dict[str, Any] = {"id": entity_id, "type": model.name}
    wanted = {
        name: [a for a in parts if chosen is None or a.name in chosen] for name, parts in model.attributes.items()
    }
    counts = dict.fromkeys(wanted, 0)
    past = await pool.fetch(
        query("ngsi", "past"),
        device_id,
        [name for name, parts in wanted.items() if parts],
        start,
        end or datetime.max.replace(tzinfo=UTC),
        last + 1,
    )
    # The oldest of each is only there to tell that there are more.
    total = {name: sum(row["property"] == name for row in past) for name in wanted}
    for row in past:
        counts[row["property"]] += 1
        if total[row["property"]] > last and counts[row["property"]] == 1:
            continue
        for attribute in wanted[row["property"]]:
            made.setdefault(attribute.name, []).append(instance(attribute, row["result"], row["at"]))
    answer = _answer(made, [model], accept)
    if any(n > MOST_PAST for n in total.values()):
        answer.status_code = 206
    return answer


def _parts(entity_id: str) -> tuple[Model, str]:
    _, _, name, device_id = entity_id.split(":", 3)
    return MODELS[name], device_id
