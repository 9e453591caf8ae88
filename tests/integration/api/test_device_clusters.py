"""Devices gathered for a map, over HTTP: the same as the list of devices says, within what an account may see."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.gate import PRINCIPAL
from api.principal import Limits, Principal, Role
from sql.connection import Pool

PATH = "/api/v1/device-clusters"


async def asked(client: httpx.AsyncClient, **query: Any) -> Mapping[str, Any]:
    answer = await client.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_clusters_say_what_the_list_says(client: httpx.AsyncClient) -> None:
    devices = (await client.get("/api/v1/devices", params={"source_id": "live"})).json()["items"]
    located = [device for device in devices if device["longitude"] is not None]
    found = await asked(client, zoom=22)
    assert found["devices"] == len(located) == 4
    one = {item["device"]["device_id"]: item for item in found["items"]}
    for device in located:
        item = one[device["device_id"]]
        assert (item["longitude"], item["latitude"]) == (device["longitude"], device["latitude"])
        assert item["freshness"][device["freshness"]] == 1
        assert item["worst_severity"] == device["worst_severity"]
    assert one["bin-1"]["waiting"]
    (gathered,) = (await asked(client, zoom=0))["items"]
    assert (gathered["count"], gathered["worst_severity"], gathered["alerting"]) == (4, "CRITICAL", 1)


async def test_clusters_are_chosen_by_box_domain_source_and_device(client: httpx.AsyncClient) -> None:
    assert (await asked(client, bbox="0.55,50.55,0.65,50.65"))["devices"] == 1
    assert (await asked(client, domain="waste"))["domains"] == {"waste": 2}
    assert (await asked(client, source_id="i94"))["devices"] == 0, "road-1 has no place"
    assert (await asked(client, source_id="nowhere"))["items"] == []
    assert sorted(item["count"] for item in (await asked(client, zoom=0, device_id="bin-2"))["items"]) == [1, 3]


async def test_an_earlier_time_shows_the_alerts_of_then(client: httpx.AsyncClient, city: Pool) -> None:
    await city.execute(
        "UPDATE alert SET raised_at = now() - interval '5 h', cleared_at = now() - interval '3 h', open = false,"
        " state = 'normal' WHERE severity = 'CRITICAL'"
    )

    async def worst(hours: float) -> object:
        at = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
        found = await asked(client, zoom=0, at=at)
        assert found["freshness"] is None
        return found["items"][0]["worst_severity"]

    assert [await worst(hours) for hours in (6, 4, 2)] == [None, "CRITICAL", None]


@pytest.mark.parametrize(
    "query", [{"zoom": "23"}, {"zoom": "-1"}, {"bbox": "1,2,3"}, {"at": "yesterday"}, {"device_id": "a b"}, {"x": "1"}]
)
async def test_what_makes_no_sense_is_refused(client: httpx.AsyncClient, query: dict[str, str]) -> None:
    answer = await client.get(PATH, params=query)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_limited_account_sees_its_part_only(application: FastAPI) -> None:
    async def devices(limits: Limits) -> list[str]:
        principal = Principal("ada", "key", frozenset({Role.VIEWER}), 1, limits)

        async def as_ada(scope: Any, receive: Any, send: Any) -> None:
            await application({**scope, PRINCIPAL: principal}, receive, send)

        transport = httpx.ASGITransport(as_ada)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return sorted(item["device"]["device_id"] for item in (await asked(client, zoom=22))["items"])

    assert await devices(Limits(districts=frozenset({"north"}))) == ["air-1", "bin-1"]
    assert await devices(Limits(districts=frozenset({"north", "south"}), domains=frozenset({"waste"}))) == [
        "bin-1",
        "bin-2",
    ]
    assert await devices(Limits(domains=frozenset({"noise"}))) == []
