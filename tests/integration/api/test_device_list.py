"""The registry written through the API: one device by a form, many by a list, nobody overwritten unseen."""

import httpx

from sql.connection import Pool


async def test_a_device_is_registered_and_changed_by_whoever_saw_it_last(client: httpx.AsyncClient, city: Pool) -> None:
    new = {"device_id": "bin-9", "profile": "citywatch/bin", "latitude": 50.25, "longitude": 0.00002, "tags": {"n": 1}}
    made = await client.post("/api/v1/devices", json=new)
    assert made.status_code == 201, made.text
    assert (made.headers["ETag"], made.json()["domain"], made.json()["district_id"]) == ('"1"', "waste", "north")
    again = await client.post("/api/v1/devices", json=new)
    assert (again.status_code, "registered already" in again.text) == (409, True)

    change = {"name": "Bin nine", "latitude": 49.5}
    assert (await client.patch("/api/v1/devices/bin-9", json=change)).status_code == 422  # which version?
    changed = await client.patch("/api/v1/devices/bin-9", json=change, headers={"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    assert (changed.headers["ETag"], changed.json()["name"]) == ('"2"', "Bin nine")
    assert (changed.json()["district_id"], changed.json()["longitude"]) == ("south", 0.00002)
    late = await client.patch("/api/v1/devices/bin-9", json={"name": "Other"}, headers={"If-Match": '"1"'})
    assert (late.status_code, "version 2" in late.json()["detail"]) == (412, True)
    emptied = await client.patch("/api/v1/devices/bin-9", json={"name": None}, headers={"If-Match": '"2"'})
    assert emptied.json()["name"] == ""
    missing = await client.patch("/api/v1/devices/ghost", json={"name": "x"}, headers={"If-Match": '"1"'})
    assert missing.status_code == 404

    wrong = {"device_id": "bin-10", "profile": "citywatch/none", "site_id": "nowhere", "expected_interval": "5"}
    refused = await client.post("/api/v1/devices", json=wrong)
    assert refused.status_code == 409
    for named in ("citywatch/none", "nowhere", "expected_interval: '5'"):
        assert named in refused.json()["detail"]
    told = await city.fetch("SELECT action, object FROM audit_event ORDER BY event_id")
    assert [tuple(row) for row in told] == [
        ("device.create", "device/bin-9"),
        ("device.change", "device/bin-9"),
        ("device.change", "device/bin-9"),
    ]


async def test_a_list_is_given_out_edited_and_taken_back(client: httpx.AsyncClient, city: Pool) -> None:
    given = await client.get("/api/v1/device-list", params={"domain": "waste"})
    assert given.headers["Content-Type"].startswith("text/csv")
    text = given.text
    assert text.count("\n") == 3
    edited = text.replace("Bin two", "Bin too")
    dry = (await client.post("/api/v1/device-list", params={"dry_run": True}, content=edited)).json()
    assert (dry["changed"], dry["unchanged"], dry["dry_run"], dry["faults"]) == (1, 1, True, [])
    assert await city.fetchval("SELECT count(*) FROM audit_event") == 0
    done = (await client.post("/api/v1/device-list", content=edited)).json()
    assert (done["changed"], done["dry_run"]) == (1, False)
    assert await city.fetchval("SELECT name FROM device WHERE device_id = 'bin-2'") == "Bin too"
    stale = (await client.post("/api/v1/device-list", content=text)).json()
    assert [(f["line"], f["column"], f["kind"]) for f in stale["faults"]] == [(3, "version", "version_stale")]
    assert (await client.post("/api/v1/device-list", content=b"")).json()["faults"][0]["kind"] == "no_header"
