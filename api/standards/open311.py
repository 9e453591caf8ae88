"""Open311 GeoReport v2: citizens report, and read what became of it.

Not in the OpenAPI document: GeoReport describes itself. Names, mail addresses and telephone numbers that a client sends
are not kept. What is read in public has no description, which may tell of somebody.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl
from xml.etree import ElementTree

from fastapi import APIRouter, Path, Query, Request, Response

from api.answer import encode
from api.context import AddressDep, NowDep, WholePoolDep
from api.permissions import Allow, Permission
from api.rate import Buckets, network_of
from api.schemas import Instant
from devices.geometry import Shape, district_of, make_shapes
from sql.connection import Pool
from sql.queries import query

PREFIX = "/open311/v2"
SAME_PLACE, SAME_TIME = 50.0, timedelta(hours=24)  # metres and time within which a report repeats an open one
NEAR = 100.0  # metres from a device that a report may be about
MOST = 200
FRESH = 60.0  # seconds for which the districts' shapes are kept
REPORTS, PER = 5, timedelta(hours=1)  # how many one address may make

router = APIRouter(prefix=PREFIX, tags=["open311"], include_in_schema=False, dependencies=[Allow(Permission.PUBLIC)])
Form = Literal["json", "xml"]


@dataclass(frozen=True, slots=True)
class Service:
    """One thing that may be reported."""

    code: str
    name: str
    description: str
    domain: str
    group: str


SERVICES = {
    service.code: service
    for service in (
        Service("bin-overflowing", "Overflowing bin", "A bin is full, or waste lies beside it.", "waste", "waste"),
        Service("bin-damaged", "Damaged bin", "A bin is tipped over, burnt or broken.", "waste", "waste"),
        Service("smoke", "Smoke or smell", "Smoke, dust or a smell in the air.", "air", "environment"),
        Service("road-blocked", "Blocked road", "Traffic stands still, or the road is blocked.", "traffic", "streets"),
        Service("noise", "Noise", "It is louder here than it should be.", "noise", "environment"),
    )
}
# In memory alone: who reported is not kept. A restart forgives.
_recent = Buckets(rate=REPORTS / PER.total_seconds(), burst=REPORTS)


class GeoReportError(Exception):
    """What GeoReport answers as a list of errors."""

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status = status


def _xml(root: str, item: str, rows: list[Mapping[str, Any]]) -> bytes:
    top = ElementTree.Element(root)
    for row in rows:
        one = ElementTree.SubElement(top, item)
        for name, value in row.items():
            text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            ElementTree.SubElement(one, name).text = "".join(c for c in text if c >= " " or c in "\t\n")
    written: bytes = ElementTree.tostring(top, encoding="utf-8", xml_declaration=True)
    return written


def _answer(form: str, root: str, item: str, rows: list[Mapping[str, Any]], status: int = 200) -> Response:
    if form == "xml":
        return Response(_xml(root, item, rows), status, media_type="application/xml; charset=utf-8")
    return Response(encode(rows), status, media_type="application/json; charset=utf-8")


def _refuse(form: str, error: GeoReportError) -> Response:
    return _answer(form, "errors", "error", [{"code": error.status, "description": str(error)}], error.status)


@router.get("/services.{form}")
async def list_services(form: Form) -> Response:
    """What may be reported."""
    rows: list[Mapping[str, Any]] = [_service(service) for service in SERVICES.values()]
    return _answer(form, "services", "service", rows)


def _service(service: Service) -> dict[str, Any]:
    return {
        "service_code": service.code,
        "service_name": service.name,
        "description": service.description,
        "metadata": False,
        "type": "realtime",
        "keywords": service.domain,
        "group": service.group,
    }


@router.get("/services/{code}.{form}")
async def get_service(code: str, form: Form) -> Response:
    """One service; none asks for more than GeoReport itself does."""
    if code not in SERVICES:
        return _refuse(form, GeoReportError(404, f"there is no service {code[:80]!r}"))
    return _answer(form, "service_definitions", "service_definition", [{"service_code": code, "attributes": ""}])


@router.post("/requests.{form}")
async def report(request: Request, form: Form, pool: WholePoolDep, address: AddressDep, now: NowDep) -> Response:
    """Take a report, or count it to the open one that says the same; answers with its number."""
    try:
        given = await _fields(request)
        service, place = _service_of(given), _place(given)
        if wait := _recent.take(network_of(address)):
            raise GeoReportError(429, f"{REPORTS} reports an hour from one address; the next in {wait} s")
        number = await _store(await _shapes(request, pool), pool, service, place, given, now)
    except GeoReportError as error:
        return _refuse(form, error)
    told = {"service_request_id": str(number), "service_notice": "", "account_id": ""}
    return _answer(form, "service_requests", "request", [told], 201)


async def _fields(request: Request) -> dict[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise GeoReportError(415, f"application/x-www-form-urlencoded is needed, not {kind[:80]!r}")
    try:
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=50)
    except ValueError as error:
        raise GeoReportError(400, f"the form cannot be read: {error}") from None
    fields = dict(pairs)
    if len(fields) != len(pairs) or any("\0" in value for value in fields.values()):
        raise GeoReportError(400, "each field stands once, and holds no NUL")
    return fields


def _service_of(given: Mapping[str, str]) -> Service:
    if "service_code" not in given:
        raise GeoReportError(400, "service_code is missing")
    code = given["service_code"]
    if code not in SERVICES:
        raise GeoReportError(404, f"there is no service {code[:80]!r}; there are {', '.join(SERVICES)}")
    return SERVICES[code]


def _place(given: Mapping[str, str]) -> tuple[float, float]:
    if "lat" not in given or "long" not in given:
        raise GeoReportError(400, "lat and long are missing: this city finds no place by its address")
    try:
        latitude, longitude = float(given["lat"]), float(given["long"])
    except ValueError:
        raise GeoReportError(
            400, f"lat and long are degrees, not {given['lat'][:20]!r}, {given['long'][:20]!r}"
        ) from None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise GeoReportError(400, f"lat and long lie within 90 and 180 degrees, not {latitude}, {longitude}")
    return latitude, longitude


async def _shapes(request: Request, pool: Pool) -> list[Shape]:
    """Return the districts' shapes, read again every minute: they change once in years."""
    read_at, shapes = getattr(request.app.state, "district_shapes", (float("-inf"), []))
    if time.monotonic() - read_at > FRESH:
        shapes = make_shapes(await pool.fetch(query("devices", "district_shapes")))
        request.app.state.district_shapes = time.monotonic(), shapes
    return list(shapes)


async def _store(
    shapes: list[Shape], pool: Pool, service: Service, place: tuple[float, float], given: Mapping[str, str], now: Any
) -> int:
    description, address = given.get("description", ""), given.get("address_string", "")
    if len(description) > 4000 or len(address) > 500:
        raise GeoReportError(400, "description holds 4,000 characters at most, address_string 500")
    async with pool.acquire() as connection, connection.transaction():
        district = district_of(place[1], place[0], shapes)
        # A city that has drawn itself takes reports of itself.
        if shapes and district is None:
            raise GeoReportError(400, f"{place[0]}, {place[1]} lies outside of the city")
        await connection.execute(query("open311", "report_turn"), service.code)
        number: int | None = await connection.fetchval(
            query("open311", "repeat_report"), service.code, *place, now, SAME_PLACE, SAME_TIME
        )
        if number is None:
            number = await connection.fetchval(
                query("open311", "add_report"), service.code, service.domain, now, *place, address, description,
                district, NEAR,
            )  # fmt: skip
    assert number is not None
    return number


def _public(row: Mapping[str, Any]) -> dict[str, Any]:
    service = SERVICES.get(row["service_code"])
    return {
        "service_request_id": str(row["report_id"]),
        "status": row["status"],
        "status_notes": row["status_notes"],
        "service_name": service.name if service is not None else row["service_code"],
        "service_code": row["service_code"],
        "description": "",
        "agency_responsible": "",
        "service_notice": "",
        "requested_datetime": row["at"].isoformat().replace("+00:00", "Z"),
        "updated_datetime": row["updated_at"].isoformat().replace("+00:00", "Z"),
        "expected_datetime": None,
        "address": "",
        "address_id": "",
        "zipcode": "",
        # To about 100 metres: enough to see that it is known, not whose door it is.
        "lat": round(row["latitude"], 3),
        "long": round(row["longitude"], 3),
        "media_url": "",
    }


@router.get("/requests.{form}")
async def list_requests(
    form: Form,
    pool: WholePoolDep,
    numbers: Annotated[str | None, Query(alias="service_request_id", pattern=r"^\d{1,18}(,\d{1,18}){0,99}$")] = None,
    codes: Annotated[str | None, Query(alias="service_code", pattern=r"^[a-z,-]{1,200}$")] = None,
    status: Annotated[Literal["open", "closed"] | None, Query()] = None,
    start: Annotated[Instant | None, Query(alias="start_date")] = None,
    end: Annotated[Instant | None, Query(alias="end_date")] = None,
) -> Response:
    """Reports, newest first, at most 200."""
    wanted = None if numbers is None else [int(number) for number in numbers.split(",")]
    chosen = None if codes is None else codes.split(",")
    found = await pool.fetch(query("open311", "reports"), chosen, status, start, end, wanted, None, MOST)
    return _answer(form, "service_requests", "request", [_public(row) for row in found])


@router.get("/requests/{number}.{form}")
async def get_request(form: Form, pool: WholePoolDep, number: Annotated[int, Path(ge=1, le=2**63 - 1)]) -> Response:
    """One report."""
    found = await pool.fetch(query("open311", "reports"), None, None, None, None, [number], None, 1)
    if not found:
        return _refuse(form, GeoReportError(404, f"there is no request {number}"))
    return _answer(form, "service_requests", "request", [_public(found[0])])
