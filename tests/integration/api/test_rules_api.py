"""Rules, look-backs, work orders, maintenance and alarm health over HTTP."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from api import rule_schemas, work_schemas
from rules.definitions import FOLDER
from sql.connection import Pool
from sql.engine import detect_engine

V1 = "/api/v1"
RULE = (FOLDER / "pm2-5-high.yaml").read_text(encoding="utf-8")
TESTS = (FOLDER / "pm2-5-high.test.yaml").read_text(encoding="utf-8")


async def test_a_rule_is_checked_put_versioned_and_switched(client: httpx.AsyncClient, city: Pool) -> None:
    found = (await client.post(f"{V1}/rules/check", json={"text": RULE, "tests": TESTS})).json()
    assert found["mistakes"] == []
    assert found["rule"]["title"]
    broken = (await client.post(f"{V1}/rules/check", json={"text": RULE.replace("at_least", "at_lest")})).json()
    assert broken["rule"] is None
    assert broken["mistakes"][0].startswith("rule:5: expected one condition out of at_least")
    untested = (
        await client.post(f"{V1}/rules/check", json={"text": RULE, "tests": "rule: pm2-5-high\ntests: []"})
    ).json()
    assert any("expected a list of at least 1" in line for line in untested["mistakes"])

    change = {"text": RULE, "tests": TESTS, "reason": "from the desk"}
    answer = await client.put(f"{V1}/rules/pm2-5-high", json=change, headers={"X-Citywatch-Operator": "eve"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["version"], answer.json()["enabled"]) == (1, True)
    second = {**change, "text": RULE.replace("severity: MEDIUM", "severity: HIGH") + "\n", "known_version": 0}
    refused = await client.put(f"{V1}/rules/pm2-5-high", json=second)
    assert refused.status_code == 409
    assert "is at version 1 by now, not 0" in refused.json()["detail"]
    assert (await client.put(f"{V1}/rules/pm2-5-high", json={**second, "known_version": 1})).json()["version"] == 2
    wrong = await client.put(f"{V1}/rules/other", json=change)
    assert "the rule is called 'pm2-5-high'" in wrong.json()["detail"]

    versions = rule_schemas.RuleVersions.model_validate_json(
        (await client.get(f"{V1}/rules/pm2-5-high/versions")).content
    ).items
    assert [(each.version, each.tests == TESTS, each.reason) for each in versions] == [
        (2, True, "from the desk"),
        (1, True, "from the desk"),
    ]
    assert versions[1].author == "eve (unverified)"
    assert len({each.text_hash for each in versions}) == 2

    off = await client.post(f"{V1}/rules/pm2-5-high/disable", json={"reason": "too many"})
    assert off.json()["enabled"] is False
    again = await client.post(f"{V1}/rules/pm2-5-high/disable", json={"reason": "too many"})
    assert (again.status_code, again.json()["detail"]) == (409, "the rule is off already")
    assert (await client.post(f"{V1}/rules/none/enable", json={"reason": "x"})).status_code == 404
    actions = [row[0] for row in await city.fetch("SELECT action FROM audit_event ORDER BY event_id")]
    assert actions == ["rule.version", "rule.version", "rule.disable"]


async def finished(client: httpx.AsyncClient, number: int) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            found: dict[str, Any] = (await client.get(f"{V1}/backtests/{number}")).json()
            if found["state"] not in ("waiting", "running"):
                return found
            await asyncio.sleep(0.05)


async def test_a_changed_rule_is_looked_back_at_as_a_job(client: httpx.AsyncClient, city: Pool) -> None:
    begin = datetime(2026, 3, 2, tzinfo=UTC)
    async with city.acquire() as connection:
        await (await detect_engine(connection)).ensure(connection, [begin])
    await city.execute(
        "INSERT INTO observation (datastream_id, quality, phenomenon_time, received_at, result)"
        " SELECT datastream_id, 1, at, at, CASE WHEN extract(hour FROM at) IN (3, 4, 9) THEN 90 ELSE 10 END"
        "   FROM datastream, generate_series($1::timestamptz, $1 + interval '1 day', '1 min') AS at"
        "  WHERE property = 'pm2_5'",
        begin,
    )
    change = {"text": RULE, "tests": TESTS, "reason": "first"}
    assert (await client.put(f"{V1}/rules/pm2-5-high", json=change)).status_code == 200
    span = {"since": "2026-03-02T00:00:00Z", "until": "2026-03-03T00:00:00Z"}
    stricter = RULE.replace("on_delay: 1h", "on_delay: 100m").replace("on_delay: 30m", "on_delay: 100m")
    answer = await client.post(f"{V1}/backtests", json={"rule_id": "pm2-5-high", "text": stricter, **span})
    assert answer.status_code == 200, answer.text
    job = await finished(client, answer.json()["backtest_id"])
    assert job["state"] == "done", job
    rule_schemas.Backtest.model_validate(job)
    assert (job["done"], job["of"]) == (5, 5)
    result = job["result"]
    assert result["load"]["alerts"] == result["alerts"]
    change_found = result["against_present"]
    assert change_found["added"] == 0
    assert change_found["alerts_before"] == change_found["same"] + change_found["moved"] + change_found["removed"]
    assert (await client.get(f"{V1}/backtests")).json()["items"][0]["result"] is None

    late = await client.delete(f"{V1}/backtests/{job['backtest_id']}")
    assert (late.status_code, late.json()["detail"]) == (409, "the look-back is over already")
    for body, complaint in [
        ({"rule_id": "nothing", **span}, "no rule 'nothing' in force"),
        ({"rule_id": "pm2-5-high", **span, "until": "2036-03-02T00:00:00Z"}, "at most 400 days"),
        ({"rule_id": "pm2-5-high", "text": "id: x", **span}, "is missing"),
        ({"rule_id": "other", "text": RULE, **span}, "defines another rule"),
    ]:
        refused = await client.post(f"{V1}/backtests", json=body)
        assert refused.status_code == 409
        assert complaint in refused.json()["detail"]


async def test_work_is_handed_over_and_reported_back(client: httpx.AsyncClient, city: Pool) -> None:
    made = await client.post(f"{V1}/work-orders", json={"alert_id": 1, "queue": "Waste North"})
    assert made.status_code == 200, made.text
    order = work_schemas.WorkOrderDetail.model_validate_json(made.content)
    assert (order.state, order.task, order.device_id) == ("waiting", "Send a crew", "bin-1")
    assert (await client.post(f"{V1}/work-orders", json={"alert_id": 1, "queue": "x"})).status_code == 409
    assert (await client.post(f"{V1}/work-orders", json={"alert_id": 99, "queue": "x"})).status_code == 404
    assert (await client.post(f"{V1}/work-orders", json={"queue": "x"})).status_code == 409
    path = f"{V1}/work-orders/{order.work_order_id}"
    refused = await client.post(f"{path}/done", json={})
    assert "after that comes accepted, cancelled, not done" in refused.json()["detail"]
    await client.post(f"{path}/accepted", json={"crew": "Crew 4"})
    done = await client.post(f"{path}/done", json={"note": "emptied", "photo_url": "https://photos.example/1.jpg"})
    assert [event["to_state"] for event in done.json()["events"]] == ["waiting", "accepted", "done"]
    assert (await client.get(f"{V1}/work-orders", params={"open": True})).json()["items"] == []
    items = (await client.get(f"{V1}/work-orders", params={"queue": "Waste North", "state": "done"})).json()["items"]
    assert [item["crew"] for item in items] == ["Crew 4"]
    assert "emptied" in str((await client.get(f"{V1}/alerts/1")).json()["events"])


async def test_maintenance_is_planned_listed_and_ended(client: httpx.AsyncClient, city: Pool) -> None:
    ends = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    made = await client.post(
        f"{V1}/maintenance", json={"district_id": "north", "ends_at": ends, "reason": "road works"}
    )
    assert made.status_code == 200, made.text
    (window,) = work_schemas.MaintenanceList.model_validate_json(made.content).items
    assert window.running
    both = {"district_id": "north", "device_id": "bin-1", "ends_at": ends, "reason": "x"}
    assert (await client.post(f"{V1}/maintenance", json=both)).status_code == 409
    nobody = {"device_id": "bin-99", "ends_at": ends, "reason": "x"}
    assert (await client.post(f"{V1}/maintenance", json=nobody)).status_code == 404
    assert (await client.post(f"{V1}/maintenance/{window.window_id}/end")).json()["items"] == []
    assert len((await client.get(f"{V1}/maintenance", params={"over": True})).json()["items"]) == 1


async def test_what_stands_since_a_replays_past_is_not_open_for_a_day(client: httpx.AsyncClient, city: Pool) -> None:
    async def stale() -> list[int]:
        listed = (await client.get(f"{V1}/alarm-health")).json()["stale"]
        return [each["alert_id"] for each in listed]

    stood = await city.fetchrow(
        "UPDATE alert SET raised_at = now() - interval '3 years', cleared_at = NULL, open = true, silent = false,"
        " state = 'unacknowledged' WHERE alert_id = (SELECT min(alert_id) FROM alert WHERE device_id IS NOT NULL)"
        " RETURNING alert_id, device_id"
    )
    assert stood is not None
    alert_id, device_id = stood
    assert alert_id in await stale()
    await city.execute("INSERT INTO source (source_id, kind) VALUES ('past', 'replay')")
    await city.execute("UPDATE device SET source_id = 'past' WHERE device_id = $1", device_id)
    assert alert_id not in await stale()


async def test_alarm_health_and_dead_letters_are_shown(client: httpx.AsyncClient, city: Pool) -> None:
    health = work_schemas.AlarmHealth.model_validate_json((await client.get(f"{V1}/alarm-health")).content)
    figures = {each["name"]: each for each in health.measures}
    assert figures["alerts"]["value"] == 12
    assert figures["share_high_or_critical"]["met"] is False
    assert health.by_severity == {"CRITICAL": 3, "HIGH": 3, "MEDIUM": 3, "LOW": 3}
    assert (await client.get(f"{V1}/alarm-health", params={"since": "2020-01-01T00:00:00Z"})).status_code == 409
    await city.execute(
        "INSERT INTO notification (alert_id, channel, target, state, reason, due_at)"
        " VALUES (1, 'webhook', 'http://x', 'dead', 'nobody answers', now())"
    )
    (dead,) = (await client.get(f"{V1}/notifications", params={"state": "dead"})).json()["items"]
    assert dead["reason"] == "nobody answers"
    retried = await client.post(f"{V1}/notifications/{dead['notification_id']}/retry")
    assert retried.json()["items"][0]["state"] == "pending"
    assert (await client.post(f"{V1}/notifications/{dead['notification_id']}/retry")).status_code == 409
