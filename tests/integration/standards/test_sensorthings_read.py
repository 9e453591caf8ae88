"""SensorThings answers what plain SQL answers, for every option of a query."""

from typing import Any
from urllib.parse import quote

import httpx

from sql.connection import Pool

ROOT = "/sta/v1.1"


async def get(client: httpx.AsyncClient, path: str, status: int = 200, **options: str) -> Any:
    query = "&".join(f"${name.rstrip('_')}={quote(value)}" for name, value in options.items())
    answer = await client.get(f"{ROOT}/{path}?{query}" if query else f"{ROOT}/{path}")
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_the_root_names_every_set(client: httpx.AsyncClient) -> None:
    root = await get(client, "")
    assert [one["name"] for one in root["value"]] == [
        "Things", "Locations", "HistoricalLocations", "Datastreams", "Sensors", "ObservedProperties", "Observations",
        "FeaturesOfInterest",
    ]  # fmt: skip
    for one in root["value"]:
        listed = (await client.get(one["url"])).json()["value"]
        assert listed, one["name"]
        for entity in listed[:2]:
            again = (await client.get(entity["@iot.selfLink"])).json()
            assert again == entity, one["name"]
            for name, link in entity.items():
                if name.endswith("@iot.navigationLink"):
                    assert (await client.get(link)).status_code == 200, link


# filter of Observations, and the same said in SQL over observation o, datastream t, device d
FILTERS = [
    ("result gt 12", "o.result > 12"),
    ("result ge 5 and result lt 9 or result eq 20", "o.result >= 5 AND o.result < 9 OR o.result = 20"),
    ("not (result mod 2 eq 0)", "o.result::int % 2 <> 0"),
    ("result add 1 mul 2 eq 9", "o.result = 7"),
    ("(result add 1) mul 2 eq 8", "o.result = 3"),
    ("-result lt -20", "o.result > 20"),
    ("year(phenomenonTime) gt 2000 and hour(phenomenonTime) eq 3", "extract(hour FROM o.phenomenon_time) = 3"),
    ("minute(phenomenonTime) eq 0", "extract(minute FROM o.phenomenon_time) = 0"),
    ("phenomenonTime lt now()", "o.phenomenon_time < now()"),
    ("phenomenonTime ge 2999-01-01T00:00:00Z", "false"),
    ("Datastream/ObservedProperty/name eq 'PM2.5'", "t.property = 'pm2_5'"),
    ("Datastream/ObservedProperty/id eq 'no2'", "t.property = 'no2'"),
    ("Datastream/Thing/properties/domain eq 'air' and result eq 4", "d.domain = 'air' AND o.result = 4"),
    ("startswith(Datastream/Thing/name, 'Air') and result eq 1", "d.name LIKE 'Air%' AND o.result = 1"),
    ("substringof('nowhere', Datastream/Thing/name)", "false"),
    ("FeatureOfInterest/id eq 'air-1' and result eq 2", "d.device_id = 'air-1' AND o.result = 2"),
    ("resultQuality eq 'GOOD' and result lt 2", "o.quality = 1 AND o.result < 2"),
    ("parameters eq null and result eq 6", "o.result = 6"),
    ("result div 0.5 gt 40", "o.result > 20"),
    ("round(result) eq 3 or floor(result) eq 4 or ceiling(result) eq 5", "o.result IN (3, 4, 5)"),
]


async def test_filters_answer_as_sql_does(client: httpx.AsyncClient, city: Pool) -> None:
    for text, where in FILTERS:
        await compare(client, city, text, where)


async def compare(client: httpx.AsyncClient, city: Pool, text: str, where: str) -> None:
    wanted = await city.fetch(
        "SELECT o.datastream_id, o.phenomenon_time, o.result FROM observation AS o"
        f" JOIN datastream AS t USING (datastream_id) JOIN device AS d USING (device_id) WHERE {where}"
        " ORDER BY o.result DESC, o.phenomenon_time LIMIT 50"
    )
    count = await city.fetchval(
        "SELECT count(*) FROM observation AS o JOIN datastream AS t USING (datastream_id)"
        f" JOIN device AS d USING (device_id) WHERE {where}"
    )
    page = await get(
        client, "Observations", filter=text, orderby="result desc,phenomenonTime asc", top="50", count="true"
    )
    assert page["@iot.count"] == count
    assert [one["result"] for one in page["value"]] == [row["result"] for row in wanted]
    assert [one["phenomenonTime"] for one in page["value"]] == [
        row["phenomenon_time"].isoformat().replace("+00:00", "Z") for row in wanted
    ]


async def test_pages_give_every_observation_once(client: httpx.AsyncClient, city: Pool) -> None:
    for options in ("", "&$orderby=result", "&$orderby=phenomenonTime desc&$filter=result lt 12"):
        link, seen = f"{ROOT}/Observations?$top=400{options}", []
        while link:
            page = (await client.get(link)).json()
            seen += [one["@iot.id"] for one in page["value"]]
            link = page.get("@iot.nextLink", "")
        assert len(seen) == len(set(seen)) == (720 if "filter" in options else 1440)


async def test_expansions_nest_and_keep_their_own_options(client: httpx.AsyncClient, city: Pool) -> None:
    page = await get(
        client,
        "Things",
        expand="Datastreams($orderby=name desc;$count=true;$expand=Observations($top=2;$orderby=phenomenonTime desc;"
        "$select=result;$filter=result lt 23),ObservedProperty($select=name)),Locations",
        select="name",
        filter="properties/domain eq 'air'",
    )
    (thing,) = page["value"]
    assert thing["name"] == "Air at the market"
    assert thing["Locations"][0]["location"] == {"type": "Point", "coordinates": [0.5, 50.5]}
    assert thing["Datastreams@iot.count"] == 2
    assert [stream["ObservedProperty"] for stream in thing["Datastreams"]] == [
        {"name": "PM2.5"}, {"name": "Nitrogen dioxide"},
    ]  # fmt: skip
    newest = await city.fetch("SELECT result FROM observation WHERE result < 23 ORDER BY phenomenon_time DESC LIMIT 2")
    assert thing["Datastreams"][0]["Observations"] == [{"result": row["result"]} for row in newest]
    assert (await client.get(thing["Datastreams"][0]["Observations@iot.nextLink"])).status_code == 200
    assert thing["Datastreams"][1]["Observations"] == []
    short = await get(client, "Observations", expand="Datastream/Thing", top="3")
    assert [one["Datastream"]["Thing"]["@iot.id"] for one in short["value"]] == ["air-1"] * 3


async def test_paths_lead_from_any_entity_to_its_relations(client: httpx.AsyncClient, city: Pool) -> None:
    stream = await city.fetchval("SELECT datastream_id FROM datastream WHERE property = 'pm2_5'")
    (found,) = (await get(client, "Things('air-1')/Datastreams", filter="ObservedProperty/id eq 'pm2_5'"))["value"]
    assert found["@iot.id"] == stream
    assert (await get(client, f"Datastreams({stream})/Thing"))["@iot.id"] == "air-1"
    assert (await get(client, f"Datastreams({stream})/Sensor"))["@iot.id"] == "citywatch/air"
    assert (await get(client, "Sensors('citywatch%2Fair')/Datastreams", count="true"))["@iot.count"] == 2
    one = (await get(client, f"Datastreams({stream})/Observations", top="1"))["value"][0]
    assert (await get(client, f"Observations('{one['@iot.id']}')/Datastream/Thing/name")) == {
        "name": "Air at the market"
    }
    assert (await client.get(f"{ROOT}/Things('air-1')/name/$value")).text == "Air at the market"
    assert await get(client, "Things('air-1')/properties/domain") == {"domain": "air"}
    assert (await client.get(f"{ROOT}/Observations('{one['@iot.id']}')/parameters")).status_code == 204
    references = await get(client, "Things('air-1')/Datastreams/$ref")
    assert references["value"][0].keys() == {"@iot.selfLink"}
    assert (await get(client, "FeaturesOfInterest('air-1')/Observations", count="true"))["@iot.count"] == 1440
    history = (await get(client, "Things('air-1')/HistoricalLocations", expand="Locations,Thing"))["value"]
    assert (history[0]["Thing"]["@iot.id"], history[0]["Locations"][0]["@iot.id"]) == ("air-1", "air-1")
    assert (await get(client, "Locations('air-1')/Things"))["value"][0]["@iot.id"] == "air-1"


async def test_places_are_found_by_shape_and_distance(client: httpx.AsyncClient) -> None:
    inside = "st_within(location, geography'POLYGON((0.4 50.4, 0.7 50.4, 0.7 50.7, 0.4 50.7, 0.4 50.4))')"
    near = "geo.distance(location, geography'POINT(0.5 50.5)') lt 1000"
    assert [one["@iot.id"] for one in (await get(client, "Locations", filter=inside))["value"]] == ["air-1", "bin-1"]
    assert [one["@iot.id"] for one in (await get(client, "Locations", filter=near))["value"]] == ["air-1"]
    through = await get(client, "Things", filter=inside.replace("location,", "Locations/location,"))
    assert [one["@iot.id"] for one in through["value"]] == ["air-1", "bin-1"]


async def test_observations_as_a_data_array(client: httpx.AsyncClient) -> None:
    page = await get(client, "Observations", resultFormat="dataArray", top="5", select="result,phenomenonTime")
    (array,) = page["value"]
    assert array["components"] == ["phenomenonTime", "result"]
    assert array["dataArray@iot.count"] == len(array["dataArray"]) == 5


FAULTS: list[tuple[str, dict[str, str], int, str]] = [
    ("Things", {"filter": "name eq 5"}, 400, "a text and a number cannot be compared"),
    ("Things", {"filter": "nme eq 'x'"}, 400, "Thing has no 'nme'"),
    ("Things", {"filter": "name eq"}, 400, "at character 8 stands the end"),
    ("Things", {"filter": "name"}, 400, "a condition is true or false"),
    ("Things", {"filter": "nofunction(name)"}, 400, "no function 'nofunction'"),
    ("Things", {"filter": "(" * 60 + "true" + ")" * 60}, 400, "40 levels"),
    ("Things", {"filter": " or ".join(["name eq 'x'"] * 200)}, 400, "at most 400"),
    ("Things", {"filter": "name eq 'x' ; DROP TABLE device"}, 400, "cannot be read"),
    ("Things", {"orderby": "Datastreams/name"}, 400, "many"),
    ("Things", {"top": "-1"}, 400, "a whole number"),
    ("Things", {"select": "nme"}, 400, "no 'nme'"),
    ("Things", {"expand": "Nothing"}, 400, "no relation 'Nothing'"),
    ("Things", {"expand": "Datastreams($top=1"}, 400, "bracket"),
    ("Things", {"count": "yes"}, 400, "true or false"),
    ("Things", {"skiptoken": "nonsense"}, 400, "nextLink"),
    ("Things", {"apply": "x"}, 400, "no option here"),
    ("Observations", {"filter": "result div 0 eq 1"}, 400, "division by zero"),
    ("Observations", {"expand": "Datastream/Observations", "top": "1000"}, 400, "at most 20000 entities"),
    ("Things('none')", {}, 404, "no such Thing"),
    ("Datastreams('4')", {}, 404, "no Datastream"),
    ("Nothing", {}, 404, "no entity set 'Nothing'"),
    ("Things/name", {}, 404, "no 'name'"),
    ("Things('air-1')/Datastreams('x')", {}, 404, "no Datastream"),
    ("Things('none')/Datastreams", {}, 404, "no such Thing"),
]


async def test_what_cannot_be_answered_says_why(client: httpx.AsyncClient) -> None:
    for path, options, status, reason in FAULTS:
        problem = await get(client, path, status, **options)
        assert reason in problem["detail"]
