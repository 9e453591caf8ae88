"""Every route against every role: the routes are read from the application, what is expected is stated here once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.app import check_closed, create_app
from api.gate import PRINCIPAL
from api.permissions import Door, read_doors
from api.principal import ANONYMOUS, Principal, Role, current_principal
from citywatch.errors import SettingsError
from citywatch.settings import Settings
from dashboard.app import mount
from sql.connection import Pool

EVERYBODY = "viewer operator engineer auditor admin demo"
# path -> who may, as roles; "anonymous" where nobody needs to sign in. A method that asks for more than the others of
# its path stands before it.
EXPECTED = {
    "/health/live": "anonymous",
    "/health/ready": "anonymous",
    "/metrics": "operator engineer auditor admin demo",
    "/api/v1/openapi.json": "anonymous",
    "/api/v1/summary": EVERYBODY,
    "/api/v1/status": EVERYBODY,
    "/api/v1/districts": EVERYBODY,
    "/api/v1/districts.geojson": EVERYBODY,
    "/api/v1/basemap.geojson": EVERYBODY,
    "/api/v1/sites": EVERYBODY,
    "PUT /api/v1/districts/{district_id}": "engineer admin demo",
    "DELETE /api/v1/districts/{district_id}": "engineer admin demo",
    "/api/v1/districts/{district_id}": EVERYBODY,
    "PUT /api/v1/sites/{site_id}": "engineer admin demo",
    "DELETE /api/v1/sites/{site_id}": "engineer admin demo",
    "/api/v1/sites/{site_id}": EVERYBODY,
    "/api/v1/assets": EVERYBODY,
    "PUT /api/v1/assets/{kind}/{asset_id}": "engineer admin demo",
    "DELETE /api/v1/assets/{kind}/{asset_id}": "engineer admin demo",
    "/api/v1/assets/{kind}/{asset_id}": EVERYBODY,
    "POST /api/v1/devices/{device_id}/calibrations": "operator engineer admin demo",
    "/api/v1/devices/{device_id}/calibrations": EVERYBODY,
    "/api/v1/sources": EVERYBODY,
    "POST /api/v1/devices": "engineer admin demo",
    "/api/v1/devices": EVERYBODY,
    "PATCH /api/v1/devices/{device_id}": "engineer admin demo",
    "/api/v1/device-list": EVERYBODY,
    "POST /api/v1/device-list": "engineer admin demo",
    "/api/v1/devices.geojson": EVERYBODY,
    "/api/v1/device-clusters": EVERYBODY,
    "/api/v1/device-counts": EVERYBODY,
    "/api/v1/devices/{device_id}": EVERYBODY,
    "/api/v1/devices/{device_id}/credential": "engineer admin demo",
    "/api/v1/devices/{device_id}/commands": "operator engineer admin demo",
    "/api/v1/claims": "anonymous",
    "/api/v1/credential-jobs": "engineer admin demo",
    "/api/v1/credential-jobs/{job_id}": "engineer admin demo",
    "/api/v1/credential-jobs/{job_id}/passwords": "engineer admin demo",
    "/api/v1/commands": EVERYBODY,
    "/api/v1/commands/{command_id}": EVERYBODY,
    "/api/v1/quarantine": "operator engineer auditor admin demo",
    "/api/v1/quarantine/{device_id}/adopt": "engineer admin demo",
    "PUT /api/v1/device-profiles/{vendor}/{model}": "engineer admin demo",
    "/api/v1/device-profiles": EVERYBODY,
    "/api/v1/device-profiles/learn": "engineer admin demo",
    "/api/v1/device-profiles/{vendor}/{model}": EVERYBODY,
    "/api/v1/ingest/devices/{device_id}": "engineer admin demo",
    "/api/v1/ingest/webhooks/{envelope}": "engineer admin demo",
    "/api/v1/datastreams": EVERYBODY,
    "/api/v1/latest": EVERYBODY,
    "/api/v1/observations": EVERYBODY,
    "/api/v1/profile": EVERYBODY,
    "/api/v1/curves": EVERYBODY,
    "/api/v1/simulator": "engineer admin demo",
    "/api/v1/simulator/start": "engineer admin demo",
    "/api/v1/simulator/stop": "engineer admin demo",
    "/api/v1/scores": "engineer admin demo",
    "/api/v1/scenarios": "engineer admin demo",
    "/api/v1/alerts": EVERYBODY,
    "/api/v1/alerts/{alert_id}": EVERYBODY,
    "/api/v1/alerts/{alert_id}/acknowledge": "operator engineer admin demo",
    "/api/v1/alerts/{alert_id}/comment": "operator engineer admin demo",
    "/api/v1/alerts/{alert_id}/assign": "operator engineer admin demo",
    "/api/v1/alerts/{alert_id}/shelve": "operator engineer admin demo",
    "/api/v1/alerts/{alert_id}/unshelve": "operator engineer admin demo",
    "/api/v1/alerts/{alert_id}/reset": "operator engineer admin demo",
    "/api/v1/alerts/{alert_id}/call-back": "operator engineer admin demo",
    "/api/v1/alerts/{alert_id}/explain": EVERYBODY,
    "/api/v1/alarm-health": EVERYBODY,
    "/api/v1/rules/check": "engineer admin demo",
    "/api/v1/rules/{rule_id}/versions": EVERYBODY,
    "PUT /api/v1/rules/{rule_id}": "engineer admin demo",
    "/api/v1/rules/{rule_id}/enable": "engineer admin demo",
    "/api/v1/rules/{rule_id}/disable": "engineer admin demo",
    "POST /api/v1/backtests": "engineer admin demo",
    "DELETE /api/v1/backtests/{backtest_id}": "engineer admin demo",
    "/api/v1/backtests": EVERYBODY,
    "/api/v1/backtests/{backtest_id}": EVERYBODY,
    "POST /api/v1/work-orders": "operator engineer admin demo",
    "/api/v1/work-orders": EVERYBODY,
    "/api/v1/work-orders/{work_order_id}": EVERYBODY,
    "/api/v1/work-orders/{work_order_id}/{step}": "operator engineer admin demo",
    "POST /api/v1/maintenance": "operator engineer admin demo",
    "/api/v1/maintenance": EVERYBODY,
    "/api/v1/maintenance/{window_id}/end": "operator engineer admin demo",
    "/api/v1/notifications": "operator engineer auditor admin demo",
    "/api/v1/notifications/{notification_id}/retry": "operator engineer admin demo",
    "/api/v1/account": EVERYBODY,
    "/api/v1/rejected": "operator engineer auditor admin demo",
    "/api/v1/rejected/reasons": "operator engineer auditor admin demo",
    "/api/v1/rejected/replay": "engineer admin demo",
    "/api/v1/accounts": "admin",
    "/api/v1/accounts/{name}": "admin",
    "/api/v1/accounts/{name}/disable": "admin",
    "/api/v1/accounts/{name}/enable": "admin",
    "/api/v1/accounts/{name}/reset": "admin",
    "/api/v1/accounts/{name}/keys": "admin",
    "/api/v1/keys": "admin",
    "/api/v1/keys/{key_id}": "admin",
    "/api/v1/incidents": EVERYBODY,
    "/api/v1/quality/runs": EVERYBODY,
    "/api/v1/quality/clocks": EVERYBODY,
    "/api/v1/indicators": EVERYBODY,
    "/api/v1/indicators/{name}": EVERYBODY,
    "/api/v1/datastreams/{datastream_id}/forecast": EVERYBODY,
    "/api/v1/calculations": EVERYBODY,
    "/api/v1/calculations/{device_id}/{property}": "engineer admin demo",
    "/api/v1/compare": EVERYBODY,
    "/api/v1/equity": EVERYBODY,
    "/api/v1/routes": EVERYBODY,
    "/sta/v1.1": EVERYBODY,
    "/sta/v1.1/": EVERYBODY,
    "/sta/v1.1/{path:path}": EVERYBODY,
    "POST /sta/v1.1/CreateObservations": "engineer admin demo",
    "POST /sta/v1.1/{path:path}": "engineer admin demo",
    "/api/v1/datastreams/published": "engineer admin demo",
    "/api/v1/public/latest": "anonymous",
    "/api/v1/public/districts": "anonymous",
    "/feeds/alerts.atom": "anonymous",
    "/feeds/districts.atom": "anonymous",
    "/feeds/alerts/{alert_id}.cap": "anonymous",
    "/open311/v2/services.{form}": "anonymous",
    "/open311/v2/services/{code}.{form}": "anonymous",
    "/open311/v2/requests.{form}": "anonymous",
    "/open311/v2/requests/{number}.{form}": "anonymous",
    "/api/v1/reports": EVERYBODY,
    "/api/v1/reports/{report_id}/close": "operator engineer admin demo",
    "/api/v1/alerts/{alert_id}/reports": EVERYBODY,
    "/ngsi-ld/v1/types": EVERYBODY,
    "/ngsi-ld/v1/entities": EVERYBODY,
    "/ngsi-ld/v1/entities/{entity_id}": EVERYBODY,
    "/ngsi-ld/v1/temporal/entities/{entity_id}": EVERYBODY,
    "/api/v1/rules": EVERYBODY,
    "/api/v1/rules/{rule_id}": EVERYBODY,
    "/api/v1/export/observations.csv": EVERYBODY,
    "/api/v1/export/observations.geojson": EVERYBODY,
    "/api/v1/export/observations.parquet": EVERYBODY,
    "/api/v1/live": EVERYBODY,
    "/api/v1/me": EVERYBODY,
    "/api/v1/me/keys": "viewer operator engineer auditor admin",
    "/api/v1/me/keys/{key_id}": "viewer operator engineer auditor admin",
    "/api/v1/me/seen": "viewer operator engineer auditor admin",
    "/api/v1/audit": "auditor admin",
    "/public": "anonymous",
    "/sign-in": "anonymous",
    "/sign-in.css": "anonymous",
    "/sign-in/provider": "anonymous",
    "/sign-in/provider/answer": "anonymous",
    "/sign-out": "viewer operator engineer auditor admin",
    "/password": "viewer operator engineer auditor admin",
    "/api/v1/live/events": EVERYBODY,
    "/api/{rest:path}": "anonymous",
    "/health/{rest:path}": "anonymous",
    "/metrics/{rest:path}": "anonymous",
    "/sta/{rest:path}": "anonymous",
    "/ngsi-ld/{rest:path}": "anonymous",
    "/assets": "anonymous",
    "/_dash-component-suites/plotly/package_data/plotly.min.js": "anonymous",
    "/_dash-component-suites/{package_name}/{fingerprinted_path:path}": "anonymous",
    "/_favicon.ico": "anonymous",
    "/_dash-layout": EVERYBODY,
    "/_dash-dependencies": EVERYBODY,
    "/_dash-update-component": EVERYBODY,
    "/_reload-hash": EVERYBODY,
    "/": EVERYBODY,
    "{path:path}": EVERYBODY,
}


SAMPLES = {"command_id": "00000000-0000-4000-8000-000000000001", "vendor": "citywatch", "model": "bin",
           "entity_id": "urn:ngsi-ld:WasteContainer:bin-1", "form": "json", "code": "noise", "number": "1",
           "report_id": "1", "device_id": "bin-1", "datastream_id": "1", "backtest_id": "1", "work_order_id": "1",
           "job_id": "1", "district_id": "north", "site_id": "s1", "kind": "pole", "asset_id": "p-1",
           "window_id": "1", "notification_id": "1", "alert_id": "1", "rule_id": "bin-full",
           "rest:path": "nowhere", "path:path": "/alerts", "package_name": "dash",
           "fingerprinted_path:path": "none.js"}  # fmt: skip


@asynccontextmanager
async def started(application: FastAPI) -> AsyncIterator[FastAPI]:
    """Start and stop `application` as a server does, every layer of it included."""
    told: asyncio.Queue[Message] = asyncio.Queue()
    said: asyncio.Queue[Message] = asyncio.Queue()
    running = asyncio.create_task(application({"type": "lifespan", "state": {}}, told.get, said.put))
    await told.put({"type": "lifespan.startup"})
    answer = await said.get()
    assert answer["type"] == "lifespan.startup.complete", answer
    try:
        yield application
    finally:
        await told.put({"type": "lifespan.shutdown"})
        await running


@pytest.fixture
async def whole(settings: Settings, city: Pool) -> AsyncIterator[FastAPI]:
    """The application as it is served, dashboard included."""
    application = create_app(settings)
    mount(application, settings)
    async with started(application):
        yield application


def acting(application: FastAPI, role: Role) -> ASGIApp:
    """Return `application` as somebody of `role` meets it."""
    principal = Principal(role, "session", frozenset({role}))

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        await application({**scope, PRINCIPAL: principal}, receive, send)

    return asked


def entry(door: Door) -> str:
    """Return the key of a door's entry in EXPECTED."""
    named = {f"{method} {door.path}" for method in door.methods or ()} & set(EXPECTED)
    return named.pop() if named else door.path


def place(door: Door) -> str:
    path = door.path if door.methods or door.kind == "websocket" else f"{door.path}/1-tokens.css"
    for name, value in SAMPLES.items():
        path = path.replace(f"{{{name}}}", value)
    return path


async def knock(application: ASGIApp, path: str) -> str:
    """Return the first word of the server to a WebSocket: accept or close."""
    told: list[Message] = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]
    said: list[Message] = []

    async def receive() -> Message:
        return told.pop(0)

    async def send(message: Message) -> None:
        said.append(message)

    scope = {"type": "websocket", "path": path, "headers": [(b"host", b"localhost")], "query_string": b"", "state": {}}
    await application(scope, receive, send)
    return str(said[0]["type"]).removeprefix("websocket.")


async def test_every_route_lets_in_whom_it_should_and_nobody_else(whole: FastAPI) -> None:
    doors = list(read_doors(whole))
    assert {entry(door) for door in doors} == set(EXPECTED), (
        "a route without an entry here, or an entry without a route"
    )
    asked = 0
    for role in Role:
        app = acting(whole, role)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            for door in doors:
                may = role in EXPECTED[entry(door)].split() or EXPECTED[entry(door)] == "anonymous"
                asked += 1
                if door.kind == "websocket":
                    assert await knock(app, place(door)) == ("accept" if may else "close"), (role, door.path)
                    continue
                for method in sorted(door.methods or {"GET"}):
                    status = (await client.request(method, place(door))).status_code
                    refused = {401} if role is Role.ANONYMOUS else {403}
                    assert (status in {401, 403}) is not may, (role, method, door.path, status)
                    assert may or status in refused, (role, method, door.path, status)
    assert asked == len(doors) * len(Role)


async def test_all_methods_of_a_path_are_named_to_who_asks_with_another(whole: FastAPI) -> None:
    app = acting(whole, Role.ENGINEER)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        answer = await client.put("/api/v1/devices/bin-1/credential")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, POST")


async def test_a_method_that_a_path_does_not_take_opens_nothing(whole: FastAPI) -> None:
    app = acting(whole, Role.ANONYMOUS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            assert (await client.request(method, "/api/v1/devices")).status_code == 401


async def test_the_dashboard_asks_in_the_name_of_who_looks(whole: FastAPI) -> None:
    """A callback passes the gate as its viewer and asks the API as the same one, never as more."""
    body = {
        "output": "source-chooser.children",
        "outputs": {"id": "source-chooser", "property": "children"},
        "inputs": [{"id": "address", "property": "data", "value": {"path": "/", "search": "", "zone": "UTC"}}],
        "changedPropIds": ["address.data"],
    }
    transport = httpx.ASGITransport(whole)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await client.post("/_dash-update-component", json=body)).status_code == 200
        current_principal.set(ANONYMOUS)
        inner = httpx.ASGITransport(whole.state.in_process)
        async with httpx.AsyncClient(transport=inner, base_url="http://localhost") as nobody:
            assert (await nobody.get("/api/v1/sources")).status_code == 401


async def test_a_route_that_says_nothing_stops_the_server(settings: Settings) -> None:
    application = create_app(settings)
    silent = APIRouter()
    silent.add_api_route("/api/v1/forgotten", lambda: None)
    application.include_router(silent)
    with pytest.raises(SettingsError, match="/api/v1/forgotten"):
        check_closed(application)


async def test_nothing_stands_before_the_gate(settings: Settings) -> None:
    application = create_app(settings)
    application.add_middleware(GZipMiddleware)
    with pytest.raises(SettingsError, match="outermost"):
        check_closed(application)


def test_the_document_says_what_each_operation_asks_for(settings: Settings) -> None:
    paths = create_app(settings).openapi()["paths"]
    assert paths["/api/v1/rejected"]["get"]["x-permissions"] == ["read", "inspect"]
    assert {"401", "403"} <= set(paths["/api/v1/devices"]["get"]["responses"])
    closed = settings.model_copy(update={"serve": settings.serve.model_copy(update={"demo": False})})
    asked = create_app(closed).openapi()["paths"]
    assert [
        ("security" in p["/api/v1/devices"]["get"], "security" in p["/health/live"]["get"]) for p in (paths, asked)
    ] == [(False, False), (True, False)]
