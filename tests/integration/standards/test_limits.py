"""Who is limited to a part of the city sees that part through every standard, and makes nothing."""

import httpx
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from api.gate import PRINCIPAL
from api.principal import Limits, Principal, Role
from sql.connection import Pool


async def test_nothing_outside_of_the_limits_is_seen(application: FastAPI, city: Pool) -> None:
    limits = Limits(districts=frozenset({"south"}))
    principal = Principal("southerner", "session", frozenset({Role.ENGINEER}), limits=limits)

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        await application({**scope, PRINCIPAL: principal}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(asked), base_url="http://localhost") as client:

        async def ids(path: str) -> list[str]:
            answer = await client.get(path)
            assert answer.status_code == 200, answer.text
            body = answer.json()
            return [one.get("@iot.id", one.get("id")) for one in (body if isinstance(body, list) else body["value"])]

        assert await ids("/sta/v1.1/Things") == ["bin-2", "road-1"]
        assert await ids("/sta/v1.1/Sensors") == ["citywatch/bin", "citywatch/road"]
        assert await ids("/sta/v1.1/Locations") == ["bin-2"]
        assert await ids("/sta/v1.1/Observations") == [], "all of them are of a station in the north"
        assert await ids("/sta/v1.1/FeaturesOfInterest") == ["bin-2"]
        assert (await client.get("/sta/v1.1/Things('air-1')")).status_code == 404
        assert await ids("/ngsi-ld/v1/entities") == [
            "urn:ngsi-ld:WasteContainer:bin-2", "urn:ngsi-ld:TrafficFlowObserved:road-1",
        ]  # fmt: skip
        past = await client.get("/ngsi-ld/v1/temporal/entities/urn:ngsi-ld:AirQualityObserved:air-1")
        assert past.status_code == 404
        assert (await client.get("/api/v1/export/observations.csv")).text.count("\n") == 1
        refused = await client.post("/sta/v1.1/Things", json={"description": "x"})
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-permitted")
