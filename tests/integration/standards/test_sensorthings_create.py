"""The bodies of the OGC conformance suite: complete ones make entities, incomplete ones are told what they lack."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from sql.connection import Pool

ROOT = "/sta/v1.1"
THING = {"description": "A thing", "Locations": [{"description": "x", "encodingType": "application/geo+json",
         "location": {"type": "Point", "coordinates": [0.5, 50.5]}}]}  # fmt: skip
UNIT = {"name": "Celsius", "symbol": "degC", "definition": "http://qudt.org/vocab/unit#DegreeCelsius"}


class Bodies:
    """Published bodies with the ids of entities that exist put into their blanks."""

    def __init__(self, folder: Path, ids: dict[str, Any]) -> None:
        self.folder = folder
        self.ids = ids

    def read(self, name: str) -> Any:
        text = (self.folder / f"{name}.json").read_text(encoding="utf-8")
        return json.loads(re.sub(r"\$([A-Z]+)[-_]ID", lambda blank: json.dumps(self.ids[blank[1]]), text))


async def post(client: httpx.AsyncClient, path: str, body: Any, status: int = 201) -> Any:
    answer = await client.post(f"{ROOT}/{path}", json=body)
    assert answer.status_code == status, f"{path} {body}: {answer.text}"
    if status == 201 and "Location" in answer.headers:
        assert (await client.get(answer.headers["Location"])).json() == answer.json()
    return answer.json()


@pytest.fixture
async def bodies(client: httpx.AsyncClient, shared_data: Path) -> Bodies:
    folder = shared_data / "sensorthings"
    read = Bodies(folder, {}).read
    thing = await post(client, "Things", THING)
    sensor = await post(client, "Sensors", read("sensors/2"))
    observed = await post(client, "ObservedProperties", read("observedproperties/2"))
    feature = await post(client, "FeaturesOfInterest", read("foi/foi"))
    stream = await post(
        client,
        "Datastreams",
        {
            "description": "entropy", "observationType": "OM_Measurement", "unitOfMeasurement": UNIT,
            "Thing": {"@iot.id": thing["@iot.id"]}, "Sensor": {"@iot.id": sensor["@iot.id"]},
            "ObservedProperty": {"@iot.id": observed["@iot.id"]},
        },
    )  # fmt: skip
    names = {"THING": thing, "SENSOR": sensor, "OBSERVEDPROPERTY": observed, "OBSPROP": observed, "FOI": feature,
             "DATASTREAM": stream}  # fmt: skip
    return Bodies(folder, {name: entity["@iot.id"] for name, entity in names.items()})


async def test_complete_bodies_are_accepted(client: httpx.AsyncClient, bodies: Bodies, city: Pool) -> None:
    thing = f"Things('{bodies.ids['THING']}')"
    stream = f"Datastreams({bodies.ids['DATASTREAM']})"
    complete = [
        ("Things", "thing/4"), ("Things", "thing/6"), ("Things", "thing/complete"), ("Things", "thing/shovel"),
        ("Locations", "locations/location"), (f"{thing}/Locations", "locations/location"),
        ("Sensors", "sensors/2"), ("Sensors", "sensors/4"), ("ObservedProperties", "observedproperties/2"),
        ("ObservedProperties", "observedproperties/4"), ("FeaturesOfInterest", "foi/2"),
        ("FeaturesOfInterest", "foi/foi"), ("Datastreams", "datastreams/5"), ("Datastreams", "datastreams/7"),
        ("Datastreams", "datastreams/datastream"), (f"{thing}/Datastreams", "datastreams/3"),
        (f"{thing}/Datastreams", "datastreams/embeddedEntities2"),
        (f"{thing}/Datastreams", "datastreams/nestedDatastream"),
        (f"{stream}/Observations", "observations/1"), (f"{stream}/Observations", "observations/2"),
        (f"{stream}/Observations", "observations/4"), (f"{stream}/Observations", "observations/6"),
        (f"{stream}/Observations", "observations/11"), (f"{stream}/Observations", "observations/13"),
        (f"{stream}/Observations", "observations/observationWithoutPTime"), ("Observations", "observations/8"),
    ]  # fmt: skip
    for path, name in complete:
        body = bodies.read(name)
        made = await post(client, path, body)
        for key in ("description", "properties", "location", "feature", "unitOfMeasurement", "result"):
            if key in body and isinstance(body[key], dict):
                assert body[key].items() <= made[key].items(), name
            elif key in body:
                assert made[key] == body[key], name
    # Those name times that are taken by others above: each on a datastream of its own.
    for name in ("observations/intervalPhenomenonTime", "observations/linkedDataStreamWithFOI"):
        fresh = await post(client, f"{thing}/Datastreams", bodies.read("datastreams/nestedDatastream"))
        made = await post(client, "Observations", {**bodies.read(name), "Datastream": {"@iot.id": fresh["@iot.id"]}})
        assert made["phenomenonTime"] == bodies.read(name)["phenomenonTime"]
    links = (await client.post(f"{ROOT}/CreateObservations", json=bodies.read("observations/dataArray"))).json()
    assert [(await client.get(link)).json()["phenomenonTime"] for link in links] == [
        "2010-12-23T17:20:00Z", "2010-12-23T17:21:00Z",
    ]  # fmt: skip
    # What was made is the city's own: a device on the map, datastreams and observations in the log and the account.
    device = (await client.get(f"/api/v1/devices/{bodies.ids['THING']}")).json()
    assert (device["district_id"], device["latitude"]) == (None, 51.05)
    logged = await city.fetchval("SELECT sum(size) FROM ingest_batch")
    stored = await city.fetchval("SELECT sum(stored) FROM delivery_account WHERE device_id LIKE 'thing-%'")
    assert logged == stored == await city.fetchval("SELECT count(*) FROM observation WHERE quality = 2")


async def test_incomplete_bodies_are_told_what_they_lack(client: httpx.AsyncClient, bodies: Bodies) -> None:
    unit = {**bodies.read("datastreams/5"), "unitOfMeasurement": bodies.read("unitsOfMeasurement/noName")}
    incomplete = [
        ("Datastreams", bodies.read("datastreams/1"), "Thing is missing; Sensor is missing; ObservedProperty"),
        ("Datastreams", bodies.read("datastreams/3"), "Thing is missing"),
        ("Datastreams", bodies.read("datastreams/linkedSensor"), "ObservedProperty is missing"),
        ("Datastreams", bodies.read("datastreams/linkedThing"), "Sensor is missing"),
        ("Datastreams", bodies.read("datastreams/linkedObservedProperty"), "Thing is missing"),
        ("Datastreams", unit, "unitOfMeasurement lacks its name"),
        ("Things", bodies.read("thing/2"), "Datastreams[0]: Sensor is missing; ObservedProperty is missing"),
        ("Locations", bodies.read("locations/2"), "Thing is not a property of Locations"),
        ("Locations", bodies.read("locations/4"), "location is not GeoJSON"),
        ("Observations", bodies.read("observations/1"), "Datastream is missing"),
        ("Observations", bodies.read("observations/observationWithoutPTime"), "Datastream is missing"),
        ("Observations", {"result": 1, "Datastream": {"@iot.id": 99999}}, "there is no Datastream 99999"),
        ("Observations", {"result": "x", "Datastream": {"@iot.id": 1}}, "is to be a number"),
        ("Observations", {"result": 1, "Datastream": {"@iot.id": 1}, "phenomenonTime": "now"}, "is not a time"),
        ("Observations", {"result": 1, "Datastream": {"@iot.id": 1}, "phenomenonTime": "0001-01-01T00:00:00Z"}, "1970"),
        ("Things", [], "is to be an object"),
        ("Things('air-1')", {"description": "x"}, "made in a collection"),
        ("CreateObservations", {}, "a list of data arrays"),
        ("CreateObservations", [{"dataArray": []}], "Datastream, components is missing"),
    ]  # fmt: skip
    before = (await client.get(f"{ROOT}/Things?$count=true&$top=0")).json()["@iot.count"]
    for path, body, reason in incomplete:
        assert reason in (await post(client, path, body, 400))["detail"], path
    broken = await client.post(f"{ROOT}/Things", content=b'{"description":')
    assert (broken.status_code, "not JSON" in broken.json()["detail"]) == (400, True)
    await post(client, "Things('none')/Datastreams", bodies.read("datastreams/3"), 404)
    # An observation may not contradict the one that is there, and a device's place is the registry's.
    stream = f"Datastreams({bodies.ids['DATASTREAM']})/Observations"
    await post(client, stream, bodies.read("observations/2"))
    await post(client, stream, bodies.read("observations/2"))
    await post(client, stream, {**bodies.read("observations/2"), "result": 4}, 409)
    await post(client, "Things('air-1')/Locations", bodies.read("locations/location"), 409)
    assert (await client.get(f"{ROOT}/Things?$count=true&$top=0")).json()["@iot.count"] == before
