"""Districts, sites and assets written by the API with If-Match, and calibration records."""

from typing import Any

import httpx
import pytest

from sql.connection import Pool

V1 = "/api/v1"
SQUARE = {"type": "Polygon", "coordinates": [[[2, 50], [3, 50], [3, 51], [2, 51], [2, 50]]]}


@pytest.mark.parametrize(
    ("path", "first", "then"),
    [
        pytest.param(
            "/districts/east", {"name": "East", "polygon": SQUARE}, {"name": "Far east", "population": 9}, id="district"
        ),
        pytest.param("/sites/s9", {"name": "Depot"}, {"name": "Old depot", "latitude": 50.5}, id="site"),
        pytest.param("/assets/gateway/gw-3", {"name": "Gateway"}, {"site_id": "s1"}, id="asset"),
    ],
)
async def test_a_place_is_made_changed_and_removed_and_nobody_is_overwritten(
    client: httpx.AsyncClient, city: Pool, path: str, first: dict[str, Any], then: dict[str, Any]
) -> None:
    made = await client.put(V1 + path, json=first)
    assert made.status_code == 201
    assert made.json().items() >= first.items()
    again = await client.put(V1 + path, json=first)
    assert (again.status_code, "is there already" in again.json()["detail"]) == (412, True)
    seen = await client.get(V1 + path)
    assert (seen.json(), seen.headers["etag"]) == (made.json(), made.headers["etag"])
    old = {"If-Match": made.headers["etag"]}
    changed = await client.put(V1 + path, json={**first, **then}, headers=old)
    assert changed.status_code == 200
    assert changed.json().items() >= then.items()
    for late in (await client.put(V1 + path, json=first, headers=old), await client.delete(V1 + path, headers=old)):
        assert (late.status_code, "was changed since" in late.json()["detail"]) == (412, True)
    now = {"If-Match": changed.headers["etag"]}
    assert (await client.delete(V1 + path)).status_code == 422
    assert (await client.delete(V1 + path, headers=now)).status_code == 204
    assert (await client.get(V1 + path)).status_code == 404
    gone = await client.put(V1 + path, json=first, headers=now)
    assert (gone.status_code, "is not there" in gone.json()["detail"]) == (412, True)
    kind = path.split("/")[1].removesuffix("s")
    log = [row["action"] for row in await city.fetch("SELECT action FROM audit_event ORDER BY event_id")]
    assert log == [f"{kind}.create", f"{kind}.change", f"{kind}.delete"]


async def test_what_does_not_hold_together_is_refused_with_the_reason(client: httpx.AsyncClient, city: Pool) -> None:
    async def refused(method: str, path: str, why: str, body: dict[str, Any] | None = None) -> None:
        headers = {"If-Match": (await client.get(V1 + path)).headers["etag"]} if method == "DELETE" else {}
        answer = await client.request(method, V1 + path, json=body, headers=headers)
        assert answer.status_code == 409
        assert why in answer.json()["detail"]

    await refused("DELETE", "/districts/north", "still referenced")
    await refused("DELETE", "/sites/s1", "still referenced")
    await refused("PUT", "/sites/s2", "not present", {"name": "x", "district_id": "nowhere"})
    await refused("PUT", "/assets/pole/p-1", "not present", {"name": "x", "site_id": "nowhere"})
    ring = [[0, 0], [1, 0], [1, 1]]
    for polygon, why in (
        ({"type": "Point", "coordinates": [0, 0]}, "not 'Point'"),
        ({"type": "Polygon", "coordinates": []}, "a part of it is empty"),
        ({"type": "Polygon", "coordinates": [ring]}, "ends where it begins"),
        ({"type": "Polygon", "coordinates": [[*ring, [180.5, 0], ring[0]]]}, "longitude from -180 to 180"),
        ({"type": "Polygon", "coordinates": [[*ring, ["x", 0], ring[0]]]}, "a position is two numbers"),
    ):
        await refused("PUT", "/districts/new", why, {"name": "x", "polygon": polygon})


async def test_a_site_is_assigned_its_district_and_devices_hang_on_assets(
    client: httpx.AsyncClient, city: Pool
) -> None:
    site = {"name": "Quay", "latitude": 49.5, "longitude": 0.5}
    assert (await client.put(f"{V1}/sites/quay", json=site)).json()["district_id"] == "south"
    for kind, asset_id in (("gateway", "gw-3"), ("pole", "p-1"), ("pole", "p-2")):
        await client.put(f"{V1}/assets/{kind}/{asset_id}", json={"name": asset_id, "site_id": "quay"})
    version = (await client.get(f"{V1}/device-list")).text.splitlines()[2].split(",")[-1]
    tagged = await client.patch(
        f"{V1}/devices/bin-1", json={"tags": {"gateway": "gw-3"}}, headers={"If-Match": f'"{version}"'}
    )
    assert tagged.status_code == 200
    first = (await client.get(f"{V1}/assets", params={"site_id": "quay", "limit": 2})).json()
    rest = (await client.get(f"{V1}/assets", params={"site_id": "quay", "cursor": first["next_cursor"]})).json()
    assert [(one["asset_id"], one["devices"]) for one in first["items"] + rest["items"]] == [
        ("gw-3", 1), ("p-1", 0), ("p-2", 0),
    ]  # fmt: skip
    assert (await client.get(f"{V1}/assets", params={"kind": "network"})).json()["items"] == []


async def test_a_calibration_is_recorded_for_good(client: httpx.AsyncClient, city: Pool) -> None:
    path = f"{V1}/devices/air-1/calibrations"
    body = {"property": "pm2_5", "calibrated_at": "2026-05-01T10:00:00Z", "reference": "reference station"}
    made = await client.post(path, json={**body, "result": 12.5, "expected": 11.0, "gain": 0.88})
    assert (made.status_code, made.json()["recorded_by"]) == (201, "demo")
    await client.post(path, json={**body, "note": "lamp replaced"})
    first = (await client.get(path, params={"limit": 1})).json()
    rest = (await client.get(path, params={"cursor": first["next_cursor"]})).json()
    assert [one["note"] for one in first["items"] + rest["items"]] == ["lamp replaced", ""]
    assert rest["items"] == [made.json()]
    late = await client.post(path, json={**body, "calibrated_at": "2999-01-01T00:00:00Z"})
    assert (late.status_code, "still to come" in late.json()["detail"]) == (409, True)
    assert (await client.post(f"{V1}/devices/ghost/calibrations", json=body)).status_code == 404
