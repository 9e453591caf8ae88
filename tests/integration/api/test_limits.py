"""An account limited to a district or a domain: every route that reads, none of which may tell of what lies outside."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from api.app import create_app
from api.gate import PRINCIPAL
from api.live_shape import Shape, Subscription, Tick
from api.permissions import read_doors
from api.principal import Limits, Principal, Role
from citywatch.settings import Settings
from sql.connection import Pool
from tests.integration.api.signed_in import add, browser, closed, sign_in
from tests.integration.api.test_permissions import place

NORTH = Limits(districts=frozenset({"north"}))
WASTE = Limits(domains=frozenset({"waste"}))
# The city of conftest has north: air-1, bin-1; south: bin-2, road-1; nowhere: road-2. This gives the south its share.
SOUTH = """
INSERT INTO alert (alert_key, rule_id, rule_version, device_id, datastream_id, severity, state, open, summary, inputs,
                   raised_at)
SELECT 'bin-full/south', 'bin-full', 1, 'bin-2', datastream_id, 'HIGH', 'unacknowledged', true,
       '{"message": "bin_full", "parameters": {}, "text": "Bin two is full"}', '{}', now()
  FROM datastream WHERE device_id = 'bin-2';
INSERT INTO alert_event (alert_id, at, kind, to_state, actor)
SELECT alert_id, raised_at, 'raised', 'unacknowledged', 'rule' FROM alert WHERE device_id = 'bin-2';
INSERT INTO delivery_account (device_id, hour, received, accepted, rejected, readings, stored, duplicate, refused)
VALUES ('bin-2', '2026-11-24T01:00:00Z', 3, 2, 0, 2, 2, 0, 0);
INSERT INTO rejected_message (received_at, fate, reason, detail, device_id, topic, payload)
VALUES (now(), 'rejected', 'bad_json', '', 'bin-2', 't', ''), (now(), 'rejected', 'bad_json', '', NULL, 'road-2', '');
INSERT INTO observation (datastream_id, quality, phenomenon_time, received_at, result)
SELECT t.datastream_id, 1, o.phenomenon_time, o.received_at, 1
  FROM datastream AS t CROSS JOIN observation AS o WHERE t.device_id IN ('bin-1', 'bin-2');
INSERT INTO rollup_area_hour (district_id, domain, property, bucket, n, n_good, n_all, sum, sin_sum, cos_sum)
SELECT d, 'waste', 'fill_level', date_trunc('hour', now()) - interval '2 h', 1, 1, 1, v, 0, 0
  FROM (VALUES ('north', 10), ('south', 70)) AS a (d, v);
"""
PARAMETERS = {
    "/api/v1/curves": {"property": "fill_level", "since": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z"},
    "/api/v1/profile": {"property": "fill_level"},
    "/api/v1/observations": {"datastream_id": "1"},
    "/api/v1/compare": {
        "property": "fill_level",
        "before_since": "2026-01-01T00:00:00Z",
        "before_until": "2026-02-01T00:00:00Z",
        "after_since": "2026-02-01T00:00:00Z",
        "after_until": "2026-03-01T00:00:00Z",
    },
    "/api/v1/quality/runs": {"since": "2026-01-01T00:00:00Z"},
}
# Never ends, and says nothing before something happens: see test_live_changes_stay_inside.
STREAM = "/api/v1/live/events"
# What says nothing of any place, and is the same for all: rules, sources of time, processes, the map's streets.
THE_SAME = {
    "/api/v1/openapi.json", "/api/v1/rules", "/api/v1/rules/{rule_id}", "/api/v1/sources", "/api/v1/status",
    "/api/v1/basemap.geojson", "/api/v1/me",
}  # fmt: skip


# What a part of the city cannot be told: a look-back reads all of it, the audit log tells of everybody.
REFUSED = {
    "/api/v1/backtests", "/api/v1/backtests/{backtest_id}", "/api/v1/accounts", "/api/v1/keys",
    "/api/v1/credential-jobs", "/api/v1/credential-jobs/{job_id}", "/api/v1/simulator",
    "/api/v1/scores", "/api/v1/audit",
}  # fmt: skip
# What holds for the whole city, and is not changed from a part of it.
WHOLE: list[tuple[str, str, dict[str, object]]] = [
    ("PUT", "/api/v1/rules/bin-full", {"text": "x", "tests": "x", "reason": "x"}),
    ("POST", "/api/v1/rules/bin-full/enable", {"reason": "x"}),
    ("POST", "/api/v1/rules/bin-full/disable", {"reason": "x"}),
    ("POST", "/api/v1/backtests", {}),
    ("DELETE", "/api/v1/backtests/1", {}),
    ("POST", "/api/v1/credential-jobs", {}),
    ("DELETE", "/api/v1/credential-jobs/1", {}),
    ("PUT", "/api/v1/districts/north", {"name": "North", "polygon": {}}),
    ("PUT", "/api/v1/sites/s1", {"name": "Market"}),
    ("PUT", "/api/v1/assets/pole/p-1", {"name": "Pole"}),
    ("POST", "/api/v1/credential-jobs/1/passwords", {"key": "x" * 44}),
    ("PUT", "/api/v1/datastreams/published", {"published": True}),
    ("PUT", "/api/v1/device-profiles/acme/bin", {"text": "x"}),
    (
        "PUT",
        "/api/v1/calculations/bin-2/half",
        {
            "formula": "a / 2",
            "inputs": {"a": {"device_id": "bin-2", "property": "fill_level"}},
            "unit": "%",
            "reason": "x",
        },
    ),
    ("DELETE", "/api/v1/calculations/bin-2/half", {}),
    ("POST", "/api/v1/quarantine/road-9/adopt", {}),
    ("POST", "/api/v1/ingest/devices/bin-2", {}),
    ("POST", "/api/v1/ingest/webhooks/tts_v3", {}),
    ("POST", "/api/v1/rejected/replay", {}),
    ("POST", "/api/v1/simulator/start", {"scenario": "festival"}),
    ("POST", "/api/v1/simulator/stop", {}),
    ("POST", "/api/v1/accounts", {"name": "eve", "role": "viewer"}),
    ("PUT", "/api/v1/accounts/ada", {"role": "viewer"}),
    ("POST", "/api/v1/accounts/ada/keys", {"label": "x"}),
    ("POST", "/api/v1/maintenance", {"tag": "crew:1", "ends_at": "2999-01-01T00:00:00Z", "reason": "Lids replaced"}),
]


@pytest.fixture
async def application(settings: Settings, city: Pool) -> AsyncIterator[FastAPI]:
    await city.execute(SOUTH)
    application = create_app(closed(settings))
    async with application.router.lifespan_context(application):
        yield application


def seeing(application: FastAPI, limits: Limits | None) -> httpx.AsyncClient:
    """Return a client of an account that is limited so."""
    principal = Principal("ada", "key", frozenset({Role.ENGINEER, Role.ADMIN}), 1, limits)

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        await application({**scope, PRINCIPAL: principal}, receive, send)

    app: ASGIApp = asked
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://city.example")


async def test_no_route_tells_of_what_lies_outside(application: FastAPI) -> None:
    """Every GET of the API, as an account of the north and as one of the waste department."""
    told: dict[str, str] = {}
    faults: list[object] = []
    async with seeing(application, NORTH) as north, seeing(application, WASTE) as waste:
        for door in read_doors(application):
            if (
                door.path == STREAM
                or door.kind != "http"
                or not door.path.startswith("/api/v1/")
                or "GET" not in (door.methods or ())
            ):
                continue
            path = place(door)
            for who, client, foreign in (
                ("north", north, ("bin-2", "road-1", "road-2", "south")),
                ("waste", waste, ("air-1", "road-1", "road-2")),
            ):
                answer = await client.get(path, params=PARAMETERS.get(door.path))
                if door.path in REFUSED:
                    assert answer.status_code == 403, path
                    continue
                # 422: give it what it needs in PARAMETERS, so that it says something.
                # The rule of the fixture has no condition, so its alerts cannot be explained.
                if answer.status_code not in (200, 404) and not path.endswith("/explain"):
                    faults.append((who, path, answer.status_code, answer.text[:300]))
                if answer.status_code == 200 and door.path not in THE_SAME:
                    told[who] = told.get(who, "") + answer.text
                    faults += [(who, path, name) for name in foreign if name in answer.text]
    assert not faults, "\n".join(map(str, faults))
    assert "bin-1" in told["north"]
    assert "air-1" in told["north"]
    assert "bin-2" in told["waste"]


@pytest.mark.parametrize(
    "path",
    [
        "/devices/bin-2",
        "/devices/road-2",
        "/alerts/13",
        "/observations?datastream_id=4",
    ],
)
async def test_what_lies_outside_is_not_there(application: FastAPI, path: str) -> None:
    """Asked for by name it is not forbidden but unknown, so that nobody learns that it exists."""
    async with seeing(application, NORTH) as north, seeing(application, None) as all_:
        assert (await all_.get(f"/api/v1{path}")).status_code == 200
        answer = await north.get(f"/api/v1{path}")
        assert answer.status_code == 404


async def test_what_holds_for_all_is_not_changed_from_a_part(application: FastAPI, city: Pool) -> None:
    async with seeing(application, NORTH) as north:
        for method, path, body in WHOLE:
            answer = await north.request(method, path, json=body)
            assert (answer.status_code, "part of the city" in answer.text) == (403, True), (path, answer.text)
    assert await city.fetchval("SELECT count(*) FROM audit_event") == 0


async def test_what_strangers_sent_is_not_told_to_a_part(application: FastAPI, city: Pool) -> None:
    await city.execute(
        "INSERT INTO rejected_message (received_at, fate, reason, detail, device_id, topic, payload,"
        " payload_size) VALUES (now(), 'rejected', 'unknown_device', '', 'new-1', 't', '{\"co2\": 700}', 12)"
    )
    asked = {"device_id": "new-1", "key": "acme/air"}
    async with seeing(application, NORTH) as north, seeing(application, None) as all_:
        found = [(await c.get("/api/v1/quarantine")).json()["items"] for c in (north, all_)]
        assert [len(items) for items in found] == [0, 1]
        learned = [await c.post("/api/v1/device-profiles/learn", json=asked) for c in (north, all_)]
        assert [answer.status_code for answer in learned] == [409, 200], learned[0].text
        assert "co2" not in learned[0].text


async def test_figures_count_what_is_seen(application: FastAPI) -> None:
    async with seeing(application, NORTH) as north, seeing(application, None) as all_:
        assert [(await c.get("/api/v1/summary")).json()["devices"] for c in (north, all_)] == [2, 5]
        assert [len((await c.get("/api/v1/alerts")).json()["items"]) for c in (north, all_)] == [12, 13]
        curve = [
            (await c.get("/api/v1/profile?property=fill_level")).json()["points"][0]["value"] for c in (north, all_)
        ]
        assert curve == [10, 40]
        lines = [(await c.get("/api/v1/export/observations.csv")).text.count("\n") for c in (north, all_)]
        assert lines == [1 + 2 * 1440, 1 + 3 * 1440]
        tags = [(await c.get("/api/v1/latest")).headers["etag"] for c in (north, all_)]
        assert tags[0] != tags[1]


async def test_sensorthings_ends_at_the_same_border(application: FastAPI) -> None:
    async with seeing(application, NORTH) as north, seeing(application, None) as all_:
        for path in ("Things", "Datastreams", "Datastreams?$expand=Thing"):
            seen = [(await c.get(f"/sta/v1.1/{path}")).text for c in (north, all_)]
            assert ["bin-1" in text for text in seen] == [True, True], path
            assert ["bin-2" in text for text in seen] == [False, True], path


async def test_nobody_acts_outside_of_the_own_part(application: FastAPI, city: Pool) -> None:
    async with seeing(application, NORTH) as north:
        assert (await north.post("/api/v1/alerts/13/acknowledge")).status_code == 404
        assert (await north.post("/api/v1/alerts/1/acknowledge")).status_code == 200
    assert await city.fetchval("SELECT acknowledged_at FROM alert WHERE alert_id = 13") is None


async def test_a_table_nobody_decided_on_is_closed(application: FastAPI, city: Pool) -> None:
    await city.execute("ALTER TABLE rule RENAME TO rule_before; CREATE TABLE rule AS SELECT * FROM rule_before")
    async with seeing(application, NORTH) as north, seeing(application, None) as all_:
        assert (await all_.get("/api/v1/rules")).status_code == 200
        answer = await north.get("/api/v1/rules")
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-permitted")


async def test_limits_come_from_the_account(application: FastAPI, city: Pool) -> None:
    await add(city, "ada", "viewer", districts=["north"], domains=["waste"])
    async with browser(application) as client:
        await sign_in(client, "ada")
        assert [d["device_id"] for d in (await client.get("/api/v1/devices")).json()["items"]] == ["bin-1"]
        assert (await client.get("/api/v1/me")).json()["districts"] == ["north"]


def test_live_changes_stay_inside() -> None:
    def row(number: int, district: str | None, domain: str) -> dict[str, object]:
        place = {"domain": domain, "district_id": district, "latitude": 1.0, "longitude": 1.0}
        return {"datastream_id": number, "alert_id": number, "device_id": f"d{number}", **place}

    rows = [row(1, "north", "air"), row(2, "south", "air"), row(3, None, "air")]
    tick = Tick(1, None, rows, rows, {None: {"devices": 3}, NORTH: {"devices": 1}})  # type: ignore[arg-type]
    asked = Subscription(views=frozenset({"summary", "alerts", "latest"}))
    north, all_ = Shape.of(asked, NORTH).encode(tick), Shape.of(asked).encode(tick)
    assert north is not None
    assert all_ is not None
    assert ("d1" in north, "d2" in north, "d3" in north, '"devices":1' in north) == (True, False, False, True)
    assert ("d2" in all_, "d3" in all_, '"devices":3' in all_) == (True, True, True)
    assert Shape.of(asked, WASTE).encode(tick) is None
