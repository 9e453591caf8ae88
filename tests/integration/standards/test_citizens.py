"""Open data, the public feeds and citizens' reports: what everybody sees, and what nobody should."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import xmlschema

from api.rate import Buckets
from api.standards import open311
from sql.connection import Pool

PUBLISHED = "/api/v1/datastreams/published"
ATOM = "{http://www.w3.org/2005/Atom}"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_nothing_is_public_until_it_is_published(client: httpx.AsyncClient, city: Pool) -> None:
    async def public() -> list[Any]:
        return [
            (row["device_id"], row["result"]) for row in (await client.get("/api/v1/public/latest")).json()["items"]
        ]

    assert await public() == []
    assert (await client.get("/api/v1/public/districts")).json()["items"] == []
    changed = await client.put(PUBLISHED, json={"published": True, "domain": "waste"})
    assert changed.json() == {"changed": 2}
    assert (await client.put(PUBLISHED, json={"published": True, "domain": "waste"})).json() == {"changed": 0}
    assert await public() == [("bin-1", 85), ("bin-2", 40)]
    districts = (await client.get("/api/v1/public/districts")).json()["items"]
    assert [(row["name"], row["property"], row["mean"], row["devices"]) for row in districts] == [
        ("North", "fill_level", 85, 1), ("South", "fill_level", 40, 1),
    ]  # fmt: skip
    await client.put(PUBLISHED, json={"published": False, "device_id": "bin-1"})
    assert await public() == [("bin-2", 40)]
    logged = await city.fetch("SELECT action, object FROM audit_event ORDER BY event_id")
    assert [tuple(row) for row in logged][-1] == ("datastreams.publish", "1 datastreams")


async def test_small_counts_of_people_are_not_told(client: httpx.AsyncClient, city: Pool) -> None:
    await city.execute(
        "INSERT INTO datastream (device_id, property, unit, published)"
        " VALUES ('road-2', 'pedestrian_flow', '{persons}/h', true);"
        "INSERT INTO latest_observation SELECT datastream_id, now(), now(), 3, 1 FROM datastream WHERE published"
    )
    (row,) = (await client.get("/api/v1/public/latest")).json()["items"]
    assert (row["result"], row["withheld"]) == (None, True)


async def test_alerts_as_a_feed_and_as_cap(client: httpx.AsyncClient, city: Pool, shared_data: Path) -> None:
    schema = xmlschema.XMLSchema(str(shared_data / "cap" / "cap12.xsd"))
    await client.put(PUBLISHED, json={"published": True, "property": "fill_level"})
    feed = ElementTree.fromstring((await client.get("/feeds/alerts.atom")).content)
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == await city.fetchval("SELECT count(*) FROM alert WHERE open AND NOT silent")
    for entry in entries:
        link = entry.find(f"{ATOM}link")
        assert link is not None
        message = await client.get(link.attrib["href"])
        assert message.headers["content-type"].startswith("application/cap+xml")
        schema.validate(message.text)
        assert "<msgType>Alert</msgType>" in message.text
    ended = await client.get("/feeds/alerts/7.cap")
    schema.validate(ended.text)
    assert "<msgType>Cancel</msgType>" in ended.text
    await client.put(PUBLISHED, json={"published": False})
    assert (await client.get("/feeds/alerts/1.cap")).status_code == 404
    assert b"<entry>" not in (await client.get("/feeds/districts.atom")).content


async def report(client: httpx.AsyncClient, form: str = "json", **fields: Any) -> httpx.Response:
    return await client.post(f"/open311/v2/requests.{form}", data=fields)


async def test_a_report_is_taken_once_and_stands_beside_the_alert(client: httpx.AsyncClient, city: Pool) -> None:
    open311._recent = Buckets(rate=1, burst=100)
    services = (await client.get("/open311/v2/services.json")).json()
    assert "bin-overflowing" in [service["service_code"] for service in services]
    place = {"service_code": "bin-overflowing", "lat": "50.6002", "long": "0.6"}
    first = await report(client, **place, description="Call me: 01 23 45", email="me@example.org")
    assert first.status_code == 201, first.text
    number = first.json()[0]["service_request_id"]
    again = await report(client, "xml", **{**place, "lat": "50.6003"})
    assert ElementTree.fromstring(again.content).findtext("request/service_request_id") == number
    other = await report(client, **{**place, "service_code": "bin-damaged"})
    assert other.json()[0]["service_request_id"] != number
    (public,) = (await client.get(f"/open311/v2/requests/{number}.json")).json()
    assert (public["status"], public["description"], public["lat"]) == ("open", "", 50.6)
    assert "example.org" not in str([dict(row) for row in await city.fetch("SELECT * FROM citizen_report")])
    (evidence, _) = sorted((await client.get("/api/v1/alerts/1/reports")).json()["items"], key=lambda r: r["report_id"])
    assert (evidence["device_id"], evidence["times"], evidence["description"]) == ("bin-1", 2, "Call me: 01 23 45")
    closed = await client.post(f"/api/v1/reports/{number}/close", json={"note": "Emptied"})
    assert (closed.status_code, closed.json()["status"]) == (200, "closed")
    assert (await client.post(f"/api/v1/reports/{number}/close", json={"note": "x"})).status_code == 409
    listed = (await client.get("/open311/v2/requests.json?status=closed")).json()
    assert [(row["service_request_id"], row["status_notes"]) for row in listed] == [(number, "Emptied")]
    assert len((await client.get("/api/v1/reports?status=open")).json()["items"]) == 1


async def test_what_cannot_be_taken_says_why(client: httpx.AsyncClient, city: Pool) -> None:
    open311._recent = Buckets(rate=0.001, burst=2)
    place = {"lat": "50.6", "long": "0.6"}
    for fields, status, reason in [
        (place, 400, "service_code is missing"),
        ({**place, "service_code": "dragons"}, 404, "no service 'dragons'"),
        ({"service_code": "noise"}, 400, "lat and long are missing"),
        ({"service_code": "noise", "lat": "north", "long": "0"}, 400, "are degrees"),
        ({"service_code": "noise", "lat": "91", "long": "0"}, 400, "lie within"),
        ({"service_code": "noise", "lat": "nan", "long": "0"}, 400, "lie within"),
        ({"service_code": "noise", "lat": "10", "long": "10"}, 400, "outside of the city"),
        ({**place, "service_code": "noise"}, 201, ""),
        ({**place, "service_code": "noise"}, 429, "an hour from one address"),
    ]:
        answer = await report(client, **fields)
        assert answer.status_code == status, answer.text
        assert reason in answer.text
    wrong = await client.post("/open311/v2/requests.json", json={})
    assert wrong.status_code == 415
    assert (await client.get("/open311/v2/requests/99.xml")).status_code == 404
