"""How many devices there are, over HTTP: what the list says, also where there are more than anybody lists."""

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
    assert counts["districts"] == [{"district_id": None, "devices": MANY, "freshness": counts["freshness"]}]
