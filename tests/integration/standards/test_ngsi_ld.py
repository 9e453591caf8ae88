"""NGSI-LD: key-values keep to the Smart Data Models' own schemas, read from disk."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from sql.connection import Pool

ROOT = "/ngsi-ld/v1"
TYPES = {"WasteContainer": "waste", "TrafficFlowObserved": "traffic", "AirQualityObserved": "air"}


@pytest.fixture
def models(shared_data: Path) -> dict[str, Draft202012Validator]:
    folder = shared_data / "ngsi"

    def read(name: str) -> Any:
        return json.loads((folder / name).read_bytes())

    base = "https://smart-data-models.github.io/data-models/common-schema.json"
    air = "https://raw.githubusercontent.com/smart-data-models/dataModel.Environment/master/Environment-schema.json"
    registry: Registry[Any] = Registry().with_resources(
        [
            (base, Resource.from_contents(read("common-schema.json"))),
            (air, Resource.from_contents(read("Environment-schema.json"))),
        ]
    )
    checker = Draft202012Validator.FORMAT_CHECKER
    return {
        name: Draft202012Validator(read(f"{name}/schema.json"), registry=registry, format_checker=checker)
        for name in TYPES
    }


@pytest.fixture
async def full(city: Pool) -> Pool:
    """The city with a value of every property that a model has an attribute for, ill values among them."""
    await city.execute(
        "INSERT INTO datastream (device_id, property, unit) SELECT d, p, '1' FROM (VALUES"
        " ('air-1', ARRAY['pm10', 'o3', 'nox', 'co', 'relative_humidity', 'wind_direction', 'us_aqi',"
        "  'air_temperature']), ('bin-1', ARRAY['lid_open', 'tilt', 'bin_temperature']), ('bin-2', ARRAY['tilt']),"
        " ('road-1', ARRAY['vehicle_speed', 'occupancy', 'level_of_service'])) AS v (d, ps), unnest(ps) AS p"
    )
    values = {
        "pm10": 20.5, "o3": -3, "nox": 12, "co": 0.4, "relative_humidity": 104, "wind_direction": 270, "us_aqi": 120.4,
        "air_temperature": -5, "lid_open": 1, "tilt": 70, "bin_temperature": 21, "vehicle_speed": 47, "occupancy": 12,
        "level_of_service": 6,
    }  # fmt: skip
    await city.execute(
        "INSERT INTO latest_observation (datastream_id, phenomenon_time, received_at, result, quality)"
        " SELECT datastream_id, now(), now(), v.result, 1 FROM datastream"
        "  JOIN unnest($1::text[], $2::float8[]) AS v (property, result) USING (property)"
        " ON CONFLICT DO NOTHING",
        list(values),
        [float(value) for value in values.values()],
    )
    return city


async def test_key_values_keep_to_the_published_schemas(
    client: httpx.AsyncClient, full: Pool, models: dict[str, Draft202012Validator]
) -> None:
    for name, domain in TYPES.items():
        listed = await client.get(f"{ROOT}/entities?type={name}&options=keyValues&count=true")
        devices = (await client.get(f"/api/v1/devices?domain={domain}")).json()["items"]
        # road-2 has no observation, and its model demands one.
        wanted = [device["device_id"] for device in devices if device["device_id"] != "road-2"]
        assert [one["id"] for one in listed.json()] == [f"urn:ngsi-ld:{name}:{device}" for device in wanted]
        assert listed.headers["NGSILD-Results-Count"] == str(len(wanted))
        for one in listed.json():
            models[name].validate(one)
    broken = {**listed.json()[0], "relativeHumidity": 54}
    assert not models[name].is_valid(broken)


async def test_values_are_in_the_units_of_the_models(client: httpx.AsyncClient, full: Pool) -> None:
    async def get(urn: str) -> Any:
        return (await client.get(f"{ROOT}/entities/urn:ngsi-ld:{urn}?options=keyValues")).json()

    air, road = await get("AirQualityObserved:air-1"), await get("TrafficFlowObserved:road-1")
    assert (air["pm25"], air["o3"], air["relativeHumidity"], air["windDirection"]) == (12.5, 0, 1, -90)
    assert (air["airQualityIndex"], air["airQualityLevel"]) == (120, "unhealthyForSensitiveGroups")
    assert "no2" not in air, "a missing value is no value"
    assert (road["intensity"], road["occupancy"], road["congested"]) == (4500, 0.12, True)
    assert (await get("WasteContainer:bin-1"))["fillingLevel"] == 0.85
    assert (await get("WasteContainer:bin-1"))["status"] == "dropped"


async def test_normalised_form_and_context(client: httpx.AsyncClient, full: Pool) -> None:
    path = f"{ROOT}/entities/urn:ngsi-ld:WasteContainer:bin-1"
    plain = await client.get(path)
    level = plain.json()["fillingLevel"]
    assert (level["type"], level["value"], level["unitCode"]) == ("Property", 0.85, "C62")
    assert plain.json()["location"]["type"] == "GeoProperty"
    assert "json-ld#context" in plain.headers["Link"]
    linked = await client.get(path + "?attrs=fillingLevel", headers={"Accept": "application/ld+json"})
    assert linked.headers["Content-Type"] == "application/ld+json"
    assert set(linked.json()) == {"@context", "id", "type", "fillingLevel"}
    assert (await client.get(f"{ROOT}/entities/urn:ngsi-ld:WasteContainer:none")).status_code == 404
    assert (await client.get(f"{ROOT}/types")).json()["typeList"] == list(TYPES)


async def test_counts_are_equal_through_every_door(client: httpx.AsyncClient, city: Pool) -> None:
    stored = await city.fetchval("SELECT count(*) FROM observation")
    stream = await city.fetchval("SELECT datastream_id FROM datastream WHERE property = 'pm2_5'")
    past = await client.get(f"{ROOT}/temporal/entities/urn:ngsi-ld:AirQualityObserved:air-1?attrs=pm25")
    things = await client.get("/sta/v1.1/Observations?$count=true&$top=0")
    lines = (await client.get("/api/v1/export/observations.csv?property=pm2_5")).text.splitlines()
    span = "since=2020-01-01T00:00:00Z&resolution=raw&max_points=5000"
    curve = (await client.get(f"/api/v1/observations?datastream_id={stream}&{span}")).json()["points"]
    counts = {
        "NGSI-LD": len(past.json()["pm25"]),
        "SensorThings": things.json()["@iot.count"],
        "CSV": len(lines) - 1,
        "REST": sum(point["value"] is not None for point in curve),
    }
    assert counts == dict.fromkeys(counts, stored) and stored == 1440
    for name, domain in TYPES.items():
        devices = [
            device["device_id"]
            for device in (await client.get(f"/api/v1/devices?domain={domain}")).json()["items"]
            if device["last_time"]
        ]
        entities = (await client.get(f"{ROOT}/entities?type={name}")).json()
        asked = f"/sta/v1.1/Things?$filter=properties/domain eq '{domain}'&$select=id"
        here = [thing["@iot.id"] for thing in (await client.get(asked)).json()["value"]]
        assert [one["id"].rsplit(":", 1)[1] for one in entities] == devices
        assert set(here) - {"road-2"} == set(devices)


async def test_the_past_is_bounded(client: httpx.AsyncClient, city: Pool) -> None:
    path = f"{ROOT}/temporal/entities/urn:ngsi-ld:AirQualityObserved:air-1"
    rows = await city.fetch("SELECT phenomenon_time, result FROM observation ORDER BY phenomenon_time DESC LIMIT 3")
    last = (await client.get(path + "?lastN=3")).json()["pm25"]
    assert [one["value"] for one in last] == [row["result"] for row in reversed(rows)]
    at = rows[2]["phenomenon_time"].isoformat().replace("+00:00", "Z")
    after = (await client.get(path + f"?timerel=after&timeAt={at}")).json()["pm25"]
    before = (await client.get(path + f"?timerel=before&timeAt={at}")).json()["pm25"]
    assert (len(after), len(before)) == (3, 1437)
