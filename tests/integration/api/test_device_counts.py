"""How many devices there are, over HTTP: what the list says, also where there are more than anybody lists."""

from typing import Any

import httpx

from dashboard.client import ApiClient
from sql.connection import Pool

MANY = 10_005


async def test_counts_say_what_the_list_says(client: httpx.AsyncClient) -> None:
    devices = (await client.get("/api/v1/devices", params={"source_id": "live"})).json()["items"]
    found = (await client.get("/api/v1/device-counts")).json()
    assert found["devices"] == sum(found["freshness"].values()) == len(devices)
    for name, count in found["freshness"].items():
        assert count == sum(device["freshness"] == name for device in devices)
    for district in found["districts"]:
        here = [device for device in devices if device["district_id"] == district["district_id"]]
        assert (district["devices"], district["freshness"]["fresh"]) == (
            len(here),
            sum(device["freshness"] == "fresh" for device in here),
        )
    assert sum(district["devices"] for district in found["districts"]) == len(devices)


async def test_more_devices_than_a_page_lists_are_all_counted(client: httpx.AsyncClient, city: Pool) -> None:
    await city.execute("INSERT INTO source (source_id, kind) VALUES ('many', 'replay')")
    await city.execute(
        "INSERT INTO device (device_id, profile, domain, name, source_id, expected_interval)"
        " SELECT 'many-' || n, 'citywatch/bin', 'waste', '', 'many', '1 hour' FROM generate_series(1, $1::int) AS n",
        MANY,
    )
    counts = await ApiClient(client).counts(source_id="many")
    assert counts["devices"] == counts["freshness"]["never"] == MANY
    none = dict.fromkeys(("CRITICAL", "HIGH", "MEDIUM", "LOW"), 0)
    assert counts["districts"] == [
        {"district_id": None, "devices": MANY, "freshness": counts["freshness"], "open_alerts": none}
    ]


async def test_open_alerts_are_counted_where_they_are(client: httpx.AsyncClient, city: Pool) -> None:
    """Of bin-1 in the north five are open; one is about the south itself, one about the whole live city."""
    await city.execute(
        "INSERT INTO alert (alert_key, rule_id, rule_version, area, severity, state, open, summary, inputs, raised_at,"
        " retracted_at)"
        " SELECT 'area/' || n, 'bin-full', 1, area, 'HIGH', 'unacknowledged', open, '{}', '{}', now(),"
        "        CASE WHEN n = 3 THEN now() END"
        "   FROM (VALUES (1, 'district:south', true), (2, 'city', true), (3, 'district:south', false))"
        "     AS v (n, area, open)"
    )
    counts = {one["district_id"]: one["open_alerts"] for one in await districts_of(client, "live")}
    assert {name: sum(each.values()) for name, each in counts.items()} == {"north": 5, "south": 1, None: 1}
    assert counts["north"] == {"CRITICAL": 1, "HIGH": 2, "MEDIUM": 1, "LOW": 1}
    listed = (await client.get("/api/v1/alerts", params={"open": True, "source_id": "live"})).json()["items"]
    for name, each in counts.items():
        assert sum(each.values()) == sum(alert["district_id"] == name for alert in listed)
    assert all(not any(one["open_alerts"].values()) for one in await districts_of(client, "i94"))


async def districts_of(client: httpx.AsyncClient, source_id: str) -> list[Any]:
    answer = await client.get("/api/v1/device-counts", params={"source_id": source_id})
    return list(answer.json()["districts"])
