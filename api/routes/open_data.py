"""Open data: what engineers publish, for everybody to read, and the public feeds."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.answer import answer, rows
from api.context import (
    UNLIMITED,
    ActorDep,
    AddressDep,
    DistrictQuery,
    DomainName,
    DomainQuery,
    Identifier,
    NowDep,
    PropertyQuery,
    SettingsDep,
    WholePoolDep,
)
from api.feeds import MEDIA_TYPE, Entry, atom
from api.open_data import withhold, withhold_districts
from api.paging import Cursor, Limit, decode_cursor, encode_cursor
from api.permissions import Allow, Permission
from api.problems import not_found, responses
from api.schemas import Instant, Page
from api.version import PREFIX
from citywatch.settings import Settings
from rules.model import Severity
from rules.notify.cap import PublicAlert, to_cap
from sql.audit import audit
from sql.connection import Pool, Record
from sql.queries import query

router = APIRouter(prefix=PREFIX, tags=["open data"])
# Not in the OpenAPI document: Atom and CAP have schemas of their own.
feeds_router = APIRouter(
    prefix="/feeds", tags=["open data"], include_in_schema=False, dependencies=[Allow(Permission.PUBLIC)]
)
LASTS = timedelta(hours=24)  # after which a public alert expires unless it is said again
RADIUS = 0.5  # km around the device
MOST = 200  # alerts in a feed


def _whole(value: object) -> object:
    # To JSON 7.0 is an integer as 7 is.
    return int(value) if isinstance(value, float) and value.is_integer() else value


DatastreamNumber = Annotated[int, Field(ge=1, le=2**31 - 1), BeforeValidator(_whole)]


class Publish(BaseModel):
    """Body of `PUT /api/v1/datastreams/published`: which datastreams; all that are given must hold."""

    model_config = ConfigDict(extra="forbid", strict=True)

    published: bool = Field(examples=[True])
    datastream_ids: list[DatastreamNumber] | None = Field(None, max_length=10_000)
    device_id: Identifier | None = None
    observed_property: Identifier | None = Field(None, alias="property", examples=["pm2_5"])
    domain: DomainName | None = None


class Published(BaseModel):
    """How many datastreams were published, or withdrawn, that were not before."""

    changed: int


class PublicValue(BaseModel):
    """The latest value of a published datastream; `withheld`: a count of people too small to be told."""

    device_id: str
    domain: str
    district_id: str | None
    latitude: float | None
    longitude: float | None
    property: str
    unit: str
    phenomenon_time: Instant
    result: float | None
    withheld: bool


class PublicValues(Page):
    """A page of published values, by device and property."""

    items: list[PublicValue]


class DistrictSummary(BaseModel):
    """What the published devices of a district say of one property: mean, extremes, and of how many devices."""

    district_id: str
    name: str
    property: str
    unit: str
    devices: int
    mean: float | None
    min: float | None
    max: float | None
    newest: Instant
    withheld: bool


class DistrictSummaries(BaseModel):
    """All districts and properties of which something is published."""

    items: list[DistrictSummary]


@router.put(
    "/datastreams/published",
    response_model=Published,
    dependencies=[Allow(Permission.CONFIGURE), UNLIMITED],
    responses=responses(400, 403, 413, 422, 503),
)
async def publish(body: Publish, pool: WholePoolDep, actor: ActorDep, address: AddressDep) -> Response:
    """Publish datastreams as open data, or withdraw them. Without a selection: all of them."""
    async with pool.acquire() as connection, connection.transaction():
        changed = await connection.fetchval(
            query("open_data", "publish"),
            body.published,
            body.datastream_ids,
            body.device_id,
            body.observed_property,
            body.domain,
        )
        said = body.model_dump(exclude_none=True, by_alias=True)
        await audit(connection, actor, "datastreams.publish", f"{changed} datastreams", said, address)
    return answer({"changed": changed})


@router.get(
    "/public/latest",
    response_model=PublicValues,
    dependencies=[Allow(Permission.PUBLIC)],
    responses=responses(404, 422, 503),
)
async def public_latest(
    pool: WholePoolDep,
    domain: DomainQuery = None,
    observed_property: PropertyQuery = None,
    district_id: DistrictQuery = None,
    cursor: Cursor = None,
    limit: Limit = 1000,
) -> Response:
    """The latest trusted value of every published datastream, for everybody."""
    after = decode_cursor(cursor, str, str) if cursor is not None else None
    found = rows(
        await pool.fetch(query("open_data", "public_latest"), domain, observed_property, district_id, after, limit + 1)
    )
    page = found[:limit]
    more = encode_cursor(page[-1]["device_id"], page[-1]["property"]) if len(found) > limit else None
    return answer({"items": withhold(page), "next_cursor": more})


@router.get(
    "/public/districts",
    response_model=DistrictSummaries,
    dependencies=[Allow(Permission.PUBLIC)],
    responses=responses(422, 503),
)
async def public_districts(pool: WholePoolDep) -> Response:
    """Each district in figures, out of published datastreams, for everybody."""
    return answer({"items": withhold_districts(await pool.fetch(query("open_data", "public_districts")))})


@feeds_router.get("/alerts.atom")
async def alerts_feed(request: Request, pool: WholePoolDep, now: NowDep) -> Response:
    """Open alerts on published datastreams, newest first; each links to its CAP message."""
    base = str(request.base_url).rstrip("/")
    found = await pool.fetch(query("open_data", "public_alerts"), None, MOST)
    entries = [
        Entry(
            identity=f"urn:citywatch:alert:{row['alert_id']}",
            title=row["title"],
            updated=row["recorded_at"],
            summary=f"{row['text']} ({row['district']})" if row["district"] else row["text"],
            link=f"{base}/feeds/alerts/{row['alert_id']}.cap",
            kind="application/cap+xml",
            category=row["severity"],
        )
        for row in found
    ]
    updated = max((entry.updated for entry in entries), default=now)
    body = atom("urn:citywatch:alerts", "City alerts", f"{base}/feeds/alerts.atom", updated, entries)
    return Response(body, media_type=MEDIA_TYPE)


@feeds_router.get("/districts.atom")
async def districts_feed(request: Request, pool: WholePoolDep, now: NowDep) -> Response:
    """Each district in figures, one entry a district."""
    base = str(request.base_url).rstrip("/")
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in withhold_districts(await pool.fetch(query("open_data", "public_districts"))):
        groups.setdefault(row["district_id"], []).append(row)
    entries = [
        Entry(
            identity=f"urn:citywatch:district:{district_id}",
            title=items[0]["name"],
            updated=max(item["newest"] for item in items),
            summary="; ".join(
                f"{item['property']} {item['mean']:.4g} {item['unit']} ({item['devices']} devices)"
                if not item["withheld"]
                else f"{item['property']}: too few to tell"
                for item in items
            ),
            link=f"{base}{PREFIX}/public/districts",
            kind="application/json",
        )
        for district_id, items in groups.items()
    ]
    updated = max((entry.updated for entry in entries), default=now)
    body = atom("urn:citywatch:districts", "City districts", f"{base}/feeds/districts.atom", updated, entries)
    return Response(body, media_type=MEDIA_TYPE)


@feeds_router.get("/alerts/{alert_id}.cap")
async def alert_cap(
    pool: WholePoolDep, settings: SettingsDep, now: NowDep, alert_id: Annotated[int, Path(ge=1, le=2**63 - 1)]
) -> Response:
    """One alert as CAP 1.2; once it has cleared, as the message that cancels it."""
    row = await _public_alert(pool, alert_id)
    return Response(to_cap(_cap(row, settings)), media_type="application/cap+xml; charset=utf-8")


async def _public_alert(pool: Pool, alert_id: int) -> Record:
    found: Record | None = await pool.fetchrow(query("open_data", "public_alerts"), alert_id, 1)
    if found is None:
        raise not_found("published alert", alert_id)
    return found


def _cap(row: Record, settings: Settings) -> PublicAlert:
    identity, sender = f"citywatch-{row['alert_id']}", settings.notify.smtp_sender
    headline = row["text"] or row["title"]
    ended = row["cleared_at"] or row["recorded_at"]
    sent_at = row["recorded_at"] if row["open"] else max(ended, row["recorded_at"])
    return PublicAlert(
        identifier=identity if row["open"] else f"{identity}-end",
        sender=sender,
        sent_at=sent_at,
        event=row["title"],
        headline=headline,
        description=f"{headline}, since {row['raised_at']:%Y-%m-%d %H:%M} UTC. From an indicative sensor.",
        instruction="Follow the advice of the authorities.",
        severity=Severity(row["severity"]),
        domain=row["domain"],
        area=row["district"] or "Around the device",
        expires_at=sent_at + LASTS,
        circle=(row["latitude"], row["longitude"], RADIUS),
        kind="Alert" if row["open"] else "Cancel",
        earlier=() if row["open"] else ((sender, identity, row["recorded_at"]),),
    )
