from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from api import alert_schemas, ingest_schemas, rule_schemas, schemas, status_schemas
from api.routes import accounts
from api.routes.observations import MOST_ROWS
from sql.connection import Pool
from sql.engine import detect_engine
from sql.fold import fold_once

V1 = "/api/v1"
MINUTE = timedelta(minutes=1)


async def get(client: httpx.AsyncClient, path: str, shape: type[BaseModel] | None = None, **query: Any) -> Any:
    answer = await client.get(V1 + path, params=query)
    assert answer.status_code == 200, answer.text
    if shape is not None:
        shape.model_validate_json(answer.content)
    return answer.json()


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/summary", status_schemas.Summary),
        ("/status", status_schemas.Status),
        ("/districts", schemas.DistrictList),
        ("/sites", schemas.SiteList),
        ("/sources", schemas.SourceList),
        ("/devices", schemas.DevicePage),
        ("/devices/bin-1", schemas.Device),
        ("/datastreams", schemas.DatastreamPage),
        ("/latest", schemas.LatestList),
        ("/alerts", alert_schemas.AlertPage),
        ("/alerts/1", alert_schemas.AlertDetail),
        ("/rules", rule_schemas.RuleList),
        ("/rules/bin-full", rule_schemas.Rule),
        ("/account", ingest_schemas.AccountPage),
        ("/rejected", ingest_schemas.RejectedPage),
        ("/rejected/reasons", ingest_schemas.ReasonCounts),
    ],
)
async def test_every_list_has_the_documented_shape(
    client: httpx.AsyncClient, path: str, shape: type[BaseModel]
) -> None:
    await get(client, path, shape)


async def test_freshness_goes_by_each_sources_own_clock(client: httpx.AsyncClient) -> None:
    devices = (await get(client, "/devices"))["items"]
    assert {device["device_id"]: device["freshness"] for device in devices} == {
        "air-1": "fresh",
        "bin-1": "stale",
        "bin-2": "silent",
        "road-1": "fresh",  # an hour old on the clock of its replay, nine years on ours
        "road-2": "never",
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"domain": "waste"}, ["bin-1", "bin-2"]),
        ({"district_id": "north"}, ["air-1", "bin-1"]),
        ({"profile": "citywatch/road"}, ["road-1", "road-2"]),
        ({"freshness": "silent"}, ["bin-2"]),
        ({"source_id": "i94"}, ["road-1"]),
        ({"bbox": "0.4,50,0.7,51"}, ["air-1", "bin-1"]),
        ({"bbox": "0.55,-90,0.2,90"}, ["bin-1", "bin-2", "road-2"]),
        ({"domain": "waste", "district_id": "south"}, ["bin-2"]),
    ],
)
async def test_devices_are_filtered(client: httpx.AsyncClient, query: dict[str, Any], found: list[str]) -> None:
    assert [device["device_id"] for device in (await get(client, "/devices", **query))["items"]] == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"severity": "HIGH"}, [1, 5, 9]),
        ({"state": "unacknowledged", "severity": "HIGH"}, [1, 5]),
        ({"state": ["unacknowledged", "normal"]}, list(range(1, 13))),
        ({"state": ["shelved", "suppressed"]}, []),
        ({"source_id": "i94"}, [13]),
        ({"source_id": "live", "open": True}, [1, 2, 3, 4, 5, 14]),
    ],
)
async def test_alerts_are_filtered(
    client: httpx.AsyncClient, city: Pool, query: dict[str, Any], found: list[int]
) -> None:
    if "source_id" in query:
        await city.execute(
            "INSERT INTO alert (alert_key, rule_id, rule_version, device_id, severity, state, open, summary, inputs,"
            " raised_at) VALUES"
            " ('replayed', 'bin-full', 1, 'road-1', 'LOW', 'unacknowledged', true, '{}', '{}', now()),"
            " ('of no device', 'bin-full', 1, NULL, 'LOW', 'unacknowledged', true, '{}', '{}', now())"
        )
    items = (await get(client, "/alerts", **query))["items"]
    assert sorted(alert["alert_id"] for alert in items) == found


async def test_a_device_comes_with_its_latest_values_and_worst_alert(client: httpx.AsyncClient) -> None:
    device = await get(client, "/devices/bin-1", schemas.Device)
    assert [(row["property"], row["result"]) for row in device["latest"]] == [("fill_level", 85)]
    assert device["worst_severity"] == "CRITICAL"


@pytest.mark.parametrize(
    ("path", "key", "total"),
    [("/devices", "device_id", 5), ("/datastreams", "datastream_id", 5), ("/alerts", "alert_id", 12),
     ("/rejected", "rejected_id", 7), ("/account", "device_id", 2)],
)  # fmt: skip
async def test_pages_add_up_to_the_whole(client: httpx.AsyncClient, path: str, key: str, total: int) -> None:
    whole = [item[key] for item in (await get(client, path))["items"]]
    assert len(whole) == total
    seen: list[Any] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await get(client, path, limit=2, **cursor)
        seen += [item[key] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == whole


async def test_hourly_account_pages_and_keeps_its_total(client: httpx.AsyncClient) -> None:
    first = await get(client, "/account", ingest_schemas.AccountPage, by="hour", limit=1)
    second = await get(client, "/account", ingest_schemas.AccountPage, by="hour", limit=1, cursor=first["next_cursor"])
    assert [row["items"][0]["hour"] for row in (first, second)] == ["2026-11-24T01:00:00Z", "2026-11-24T02:00:00Z"]
    assert first["total"] == second["total"]
    assert first["total"]["received"] == 18
    assert first["items"][0]["closes"] is True
    assert first["total"]["closes"] is False  # bin-1 received three and accepted two


async def test_acknowledging_changes_state_and_journal_once(client: httpx.AsyncClient, city: Pool) -> None:
    path = f"{V1}/alerts/1/acknowledge"
    answer = await client.post(path, json={"comment": "on it"}, headers={"X-Citywatch-Operator": "Ada"})
    assert answer.status_code == 200, answer.text
    alert = alert_schemas.AlertDetail.model_validate_json(answer.content)
    assert (alert.state, alert.open, alert.acknowledged_by) == ("acknowledged", True, "Ada (unverified)")
    assert [(event.kind, event.actor, event.comment) for event in alert.events] == [
        ("raised", "bin-full 1", ""),
        ("acknowledged", "Ada (unverified)", "on it"),
    ]
    assert alert.rule == {"title": "Bin is full", "operator_action": "Send a crew"}
    again = await client.post(path)
    assert (again.status_code, again.json()["acknowledged_by"]) == (200, "Ada (unverified)")
    closed = await client.post(f"{V1}/alerts/12/acknowledge")
    assert (closed.status_code, closed.json()["type"]) == (409, "/problems/not-possible")
    assert (await client.post(f"{V1}/alerts/99/acknowledge")).status_code == 404
    assert await city.fetchval("SELECT count(*) FROM alert_event WHERE alert_id = 1") == 2


async def test_an_alert_is_assigned_shelved_and_brought_back(client: httpx.AsyncClient) -> None:
    until = datetime.now(UTC) + timedelta(hours=2)
    steps: list[tuple[str, dict[str, Any] | None, int]] = [
        ("assign", {"to": "Crew North"}, 200),
        ("comment", {"comment": "lid found open"}, 200),
        ("comment", {"comment": ""}, 422),
        ("shelve", {"until": until.isoformat(), "comment": "road works"}, 200),
        ("acknowledge", None, 409),
        ("unshelve", None, 200),
        ("shelve", {"until": (until + timedelta(days=30)).isoformat(), "comment": "for ever"}, 409),
        ("shelve", {"until": "2026-11-24T06:00:00", "comment": "no zone"}, 422),
        ("reset", None, 409),
    ]
    for step, body, status in steps:
        answer = await client.post(f"{V1}/alerts/1/{step}", json=body, headers={"X-Citywatch-Operator": "Ada"})
        assert answer.status_code == status, (step, answer.text)
        if step == "shelve" and status == 200:
            assert (answer.json()["state"], answer.json()["shelved_until"][:16]) == (
                "shelved",
                f"{until:%Y-%m-%dT%H:%M}",
            )
    alert = await get(client, "/alerts/1", alert_schemas.AlertDetail)
    assert (alert["assigned_to"], alert["shelved_until"]) == ("Crew North", None)
    assert [event["kind"] for event in alert["events"]] == ["raised", "assigned", "commented", "shelved", "unshelved"]


async def test_an_alert_about_a_district_is_found_in_it(client: httpx.AsyncClient, city: Pool) -> None:
    await city.execute("UPDATE alert SET device_id = NULL, area = 'district:south' WHERE alert_id = 2")
    listed = (await get(client, "/alerts", district_id="south"))["items"]
    assert [alert["district_id"] for alert in listed if alert["alert_id"] == 2] == ["south"]
    assert 2 not in [alert["alert_id"] for alert in (await get(client, "/alerts", district_id="north"))["items"]]


async def test_a_retracted_alert_is_not_listed(client: httpx.AsyncClient, city: Pool) -> None:
    await city.execute("UPDATE alert SET retracted_at = now(), open = false WHERE alert_id = 2")
    listed = [alert["alert_id"] for alert in (await get(client, "/alerts"))["items"]]
    assert sorted(listed) == [1, *range(3, 13)]
    assert (await get(client, "/alerts/2", alert_schemas.AlertDetail))["retracted_at"] is not None


async def test_open_alerts_of_a_rule_are_the_live_city_s(client: httpx.AsyncClient, city: Pool) -> None:
    await city.execute("UPDATE alert SET device_id = 'road-1' WHERE alert_id <= 2")  # a replay's
    (rule,) = (await get(client, "/rules", rule_schemas.RuleList))["items"]
    assert rule["open_alerts"] == 3


async def test_an_unknown_state_of_alerts_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{V1}/alerts", params={"state": "open"})
    assert answer.status_code == 422
    assert "'unacknowledged'" in answer.text
    assert len((await get(client, "/alerts", alert_schemas.AlertPage, state="unacknowledged"))["items"]) == 5


async def test_what_was_turned_away_is_counted_by_reason(
    client: httpx.AsyncClient, city: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await city.execute(
        "INSERT INTO rejected_message (received_at, fate, reason, detail, device_id, topic, payload)"
        " SELECT now() - n * interval '1 h', 'refused', 'too_old', '', 'bin-1', 't', '' FROM generate_series(1, 3) AS n"
    )

    async def counted(**asked: str) -> tuple[dict[str, int], bool]:
        found = await get(client, "/rejected/reasons", ingest_schemas.ReasonCounts, **asked)
        return {f"{row['fate']} {row['reason']}": row["messages"] for row in found["items"]}, found["complete"]

    assert await counted() == ({"rejected bad_json": 7, "refused too_old": 3}, True)
    assert await counted(device_id="bin-1") == ({"refused too_old": 3}, True)
    ago = {words: str(await city.fetchval("SELECT now() - $1::text::interval", words)) for words in ("90 min", "5 min")}
    assert await counted(since=ago["90 min"].replace(" ", "T"), until=ago["5 min"].replace(" ", "T")) == (
        {"rejected bad_json": 3, "refused too_old": 1}, True)  # fmt: skip
    monkeypatch.setattr(accounts, "COUNTED", 8)
    assert await counted() == ({"rejected bad_json": 7, "refused too_old": 1}, False)


async def test_rejected_payloads_are_shown_however_broken(client: httpx.AsyncClient) -> None:
    (item,) = (await get(client, "/rejected", ingest_schemas.RejectedPage, limit=1))["items"]
    assert (item["payload_text"], item["payload_size"]) == ("{hi\\xff", 4)
    assert (await client.get(f"{V1}/rejected", params={"limit": 1001})).status_code == 422


@pytest.mark.parametrize("path", ["/districts", "/districts.geojson", "/latest"])
async def test_unchanged_answers_are_not_sent_again(client: httpx.AsyncClient, city: Pool, path: str) -> None:
    first = await client.get(V1 + path)
    held = {"If-None-Match": first.headers["etag"]}
    again = await client.get(V1 + path, headers=held)
    assert (again.status_code, again.content) == (304, b"")
    await city.execute("UPDATE district SET name = 'Norther' WHERE district_id = 'north'")
    await city.execute("INSERT INTO consumer_position (consumer, seq) VALUES ('fold', 7)")
    assert (await client.get(V1 + path, headers=held)).status_code == 200


@pytest.mark.parametrize(
    "path", ["/api/v1/alerts", "/api/v1/rules/bin-full", "/api/v1/scenarios", "/ngsi-ld/v1/types", "/sta/v1.1/Things"]
)
async def test_any_whole_answer_has_a_tag_of_its_own(client: httpx.AsyncClient, city: Pool, path: str) -> None:
    first = await client.get(path)
    held = {"If-None-Match": f'W/"another", {first.headers["etag"]}'}
    again = await client.get(path, headers=held)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert "content-type" not in again.headers
    packed = await client.get(path, headers={**held, "Accept-Encoding": "identity"})
    assert packed.status_code == 304
    assert (await client.get(path, headers={"If-None-Match": 'W/"another"'})).content == first.content


async def test_what_changed_what_is_streamed_and_what_failed(client: httpx.AsyncClient, city: Pool) -> None:
    first = await client.get(f"{V1}/alerts")
    await city.execute("UPDATE alert SET assigned_to = 'ada' WHERE alert_key = 'bin-full/3'")
    changed = await client.get(f"{V1}/alerts", headers={"If-None-Match": first.headers["etag"]})
    assert (changed.status_code, changed.headers["etag"] == first.headers["etag"]) == (200, False)
    for path, status in ((f"{V1}/export/observations.csv", 200), (f"{V1}/alerts/99999", 404), ("/health/live", 200)):
        answer = await client.get(path, headers={"If-None-Match": "*"})
        assert (answer.status_code, "etag" in answer.headers) == (status, False), path


async def test_maps_are_geojson(client: httpx.AsyncClient) -> None:
    districts = await get(client, "/districts.geojson")
    assert [feature["properties"]["name"] for feature in districts["features"]] == ["North", "South"]
    devices = await get(client, "/devices.geojson", domain="waste")
    assert devices["features"][0]["geometry"] == {"type": "Point", "coordinates": [0.6, 50.6]}
    assert devices["features"][0]["properties"]["freshness"] == "stale"


async def test_health_and_metrics(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health/live")).json()["status"] == "ok"
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["checks"]) == (200, {"store": "ok", "migrations": "ok"})
    text = (await client.get("/metrics")).text
    assert 'citywatch_devices{freshness="stale"} 1.0' in text
    assert 'route="/health/ready",status="200"' in text


async def test_summary_counts_what_sql_counts(client: httpx.AsyncClient) -> None:
    summary = await get(client, "/summary", status_schemas.Summary)
    assert (summary["devices"], summary["fresh"], summary["stale"], summary["silent"]) == (5, 2, 1, 2)
    assert summary["open_alerts"] == {"CRITICAL": 1, "HIGH": 2, "MEDIUM": 1, "LOW": 1}
    assert [figure["name"] for figure in summary["figures"]] == ["pm2_5"]


async def fold_all(pool: Pool) -> None:
    """Hand every observation to the fold, as ingest would have."""
    await pool.execute(
        "INSERT INTO ingest_batch (seq, datastream_id, phenomenon_time, received_at, result, quality)"
        " SELECT nextval('ingest_batch_seq'), array_agg(datastream_id), array_agg(phenomenon_time),"
        "        array_agg(received_at), array_agg(result), array_agg(quality) FROM observation"
    )
    async with pool.acquire() as connection:
        while await fold_once(connection):
            pass


async def number_of(client: httpx.AsyncClient, device_id: str, name: str) -> int:
    (stream,) = (await get(client, "/datastreams", device_id=device_id, property=name))["items"]
    return int(stream["datastream_id"])


async def test_curves_agree_with_sql_at_every_resolution(client: httpx.AsyncClient, city: Pool) -> None:
    await fold_all(city)
    number = await number_of(client, "air-1", "pm2_5")
    first = await city.fetchval("SELECT min(phenomenon_time) FROM observation")
    last = await city.fetchval("SELECT max(phenomenon_time) FROM observation")
    span = {"datastream_id": number, "since": first.isoformat(), "until": (last + MINUTE).isoformat()}
    for resolution, buckets in [("minute", 1440), ("quarter", 96), ("hour", 24)]:
        series = await get(client, "/observations", schemas.Series, resolution=resolution, **span)
        assert sum(point["n"] for point in series["points"]) == 1440
        assert len(series["points"]) == buckets
    by_hour = await city.fetch(
        "SELECT date_trunc('hour', phenomenon_time) AS at, avg(result) AS mean FROM observation GROUP BY 1 ORDER BY 1"
    )
    assert [point["value"] for point in series["points"]] == [row["mean"] for row in by_hour]
    raw = await get(client, "/observations", schemas.Series, resolution="raw", max_points=5000, **span)
    assert len(raw["points"]) == 1440
    thinned = await get(client, "/observations", schemas.Series, max_points=100, **span)
    assert len(thinned["points"]) <= 101
    profile = await get(
        client, "/profile", schemas.Profile, property="pm2_5", district_id="north", since=span["since"],
        until=span["until"],
    )  # fmt: skip
    assert [point["value"] for point in profile["points"]] == [row["mean"] for row in by_hour]
    empty = await get(client, "/profile", schemas.Profile, property="pm2_5", district_id="south")
    assert empty["points"] == []


async def test_a_replays_curve_ends_at_its_own_now(client: httpx.AsyncClient, city: Pool) -> None:
    number = await number_of(client, "road-1", "vehicle_flow")
    async with city.acquire() as connection:
        at = datetime(2017, 6, 1, 11, tzinfo=UTC)
        await (await detect_engine(connection)).ensure(connection, [at])
        await connection.execute("INSERT INTO observation VALUES ($1, 1, 0, $2, now(), 4500)", number, at)
    series = await get(client, "/observations", schemas.Series, datastream_id=number)
    assert [(point["time"], point["value"]) for point in series["points"]] == [("2017-06-01T11:00:00Z", 4500)]


async def test_a_curve_that_cannot_be_says_why(client: httpx.AsyncClient, city: Pool) -> None:
    number = await number_of(client, "air-1", "no2")
    await city.execute(
        "INSERT INTO observation (datastream_id, quality, phenomenon_time, received_at, result)"
        " SELECT $1, 1, at, at, 1 FROM (SELECT newest - n * interval '10 ms' AS at"
        "   FROM (SELECT max(phenomenon_time) AS newest FROM observation) AS o, generate_series(1, $2) AS n) AS v",
        number,
        MOST_ROWS + 1,
    )
    cases: list[tuple[dict[str, Any], int]] = [
        ({"datastream_id": 999}, 404),
        ({"datastream_id": number}, 200),  # by itself it takes what it can afford
        ({"datastream_id": number, "resolution": "raw"}, 422),
        ({"datastream_id": number, "since": "1990-01-01T00:00:00Z", "resolution": "minute"}, 200),
        ({"datastream_id": number, "since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, 200),
    ]
    for query, status in cases:
        answer = await client.get(f"{V1}/observations", params=query)
        assert answer.status_code == status, (query, answer.text)
