"""Forecasts, comparisons, equity and routes over HTTP, on hours put into the rollups by plain SQL."""

import asyncio
import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

import citywatch.__main__  # noqa: F401  registers the commands
from api.problems import ProblemError
from api.routes.routes import FEW, solve_apart
from citywatch.cli import app
from citywatch.settings import load_settings
from indicators.collection import Task
from indicators.routes import Stop, Truck
from sql.connection import Pool

HOURS = """
INSERT INTO rollup_hour (datastream_id, bucket, n, n_good, n_all, sum, sin_sum, cos_sum, min, max, last, last_time)
SELECT t.datastream_id, at, 4, 4, 4, 4 * v.value, 0, 0, v.value, v.value, v.value, at
  FROM datastream AS t
 CROSS JOIN generate_series($2::timestamptz, $3::timestamptz, '1 hour') AS at
 CROSS JOIN LATERAL (SELECT (40 + 15 * sin(extract(hour FROM at) / 24 * 6.2832)
                                + (hashtext(at::text || t.device_id) % 1000) / 500.0)
                            * CASE WHEN at >= $4 AND t.device_id = 'air-1' THEN 0.8 ELSE 1 END AS value) AS v
 WHERE t.property = $1"""
BEGIN, CHANGE, END = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 5, 7))


@pytest.fixture
async def hours(pool: Pool) -> None:
    await pool.execute(
        "INSERT INTO device (device_id, profile, domain, district_id) VALUES ('air-2', 'citywatch/air', 'air', 'south')"
    )
    await pool.execute("INSERT INTO datastream (device_id, property, unit) VALUES ('air-2', 'no2', 'ug/m3')")
    await pool.execute(HOURS, "no2", BEGIN, END - timedelta(hours=1), CHANGE)


async def test_every_indicator_is_listed_and_answers(client: httpx.AsyncClient) -> None:
    names = {each["name"] for each in (await client.get("/api/v1/indicators")).json()["items"]}
    assert "us_aqi" in names
    found = (await client.post("/api/v1/indicators/us_aqi", json={"pm2_5": 35.9})).json()
    assert (found["value"], found["responsible"]) == (102, ["pm2_5"])
    refused = await client.post("/api/v1/indicators/us_aqi", json={"pm2_5": "much"})
    assert (refused.status_code, "pm2_5" in refused.json()["detail"]) == (409, True)
    assert (await client.post("/api/v1/indicators/karma", json={})).status_code == 404


async def test_the_next_day_comes_with_its_own_score(client: httpx.AsyncClient, pool: Pool, hours: None) -> None:
    number = await pool.fetchval("SELECT datastream_id FROM datastream WHERE device_id = 'air-2' AND property = 'no2'")
    found = (await client.get(f"/api/v1/datastreams/{number}/forecast")).json()
    assert [point["time"] for point in found["points"]][:2] == ["2026-07-01T00:00:00Z", "2026-07-01T01:00:00Z"]
    assert len(found["points"]) == 24
    assert all(p["low"] <= p["expected"] <= p["high"] for p in found["points"])
    six = found["points"][6]["expected"]
    assert 52 < six < 58, "a sine of 15 around 40 stands at 55 at six o'clock"
    assert found["score"]["n"] > 200
    assert found["score"]["gain"] > 0.1


async def test_a_datastream_without_history_says_so(client: httpx.AsyncClient, pool: Pool) -> None:
    number = await pool.fetchval("SELECT datastream_id FROM datastream WHERE device_id = 'bin-2'")
    found = (await client.get(f"/api/v1/datastreams/{number}/forecast")).json()
    assert found["points"] == []
    assert "three weeks" in found["reason"]
    assert (await client.get("/api/v1/datastreams/999999/forecast")).status_code == 404


async def test_a_measure_is_found_where_it_was_taken_and_not_elsewhere(client: httpx.AsyncClient, hours: None) -> None:
    periods = {
        "before_since": BEGIN.isoformat(), "before_until": CHANGE.isoformat(),
        "after_since": CHANGE.isoformat(), "after_until": END.isoformat(),
    }  # fmt: skip
    found = (await client.get("/api/v1/compare", params={"property": "no2", **periods})).json()
    effects = {each["district_id"]: each for each in found["items"]}
    assert effects["north"]["low"] <= -0.2 <= effects["north"]["high"] < -0.15
    assert (effects["north"]["found"], effects["south"]["found"]) == (True, False)
    controlled = (await client.get("/api/v1/compare", params={"property": "no2", "control": "south", **periods})).json()
    assert [each["district_id"] for each in controlled["items"]] == ["north"]
    assert controlled["items"][0]["found"]
    turned = {**periods, "before_since": END.isoformat()}
    assert (await client.get("/api/v1/compare", params={"property": "no2", **turned})).status_code == 409


async def test_equity_names_every_district_with_n(client: httpx.AsyncClient) -> None:
    found = (await client.get("/api/v1/equity")).json()
    north, south = found["districts"]
    assert (north["district_id"], north["residents"], north["devices"], north["coverage"]) == ("north", 1000, 2, 20.0)
    assert (south["residents"], south["coverage"]) == (None, None)
    assert (found["n"], found["parity"], found["gini"]) == (1, 1.0, 0.0)


async def test_hours_in_which_bins_stood_full_are_counted(client: httpx.AsyncClient, pool: Pool) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for days, levels in ((2, (100, 99, 50, 100)), (3, (98, 40, 30, 20)), (40, (100, 100, 100, 100))):
        day = today - timedelta(days=days)
        for table, step, values in (("hour", timedelta(hours=7), levels), ("day", timedelta(0), (max(levels),))):
            for number, level in enumerate(values):
                await pool.execute(
                    f"INSERT INTO rollup_{table} (datastream_id, bucket, n, n_good, n_all, sum, sin_sum, cos_sum, min,"
                    " max, last, last_time) SELECT datastream_id, $1, 1, 1, 1, $2, 0, 0, $2, $2, $2, $1"
                    " FROM datastream WHERE device_id = 'bin-1' AND property = 'fill_level'",
                    day + number * step,
                    float(level),
                )
    (north, _) = (await client.get("/api/v1/equity")).json()["districts"]
    assert (north["bins"], north["overflow_hours"], north["overflow_hours_per_bin"]) == (1, 3, 3.0)


async def test_full_bins_are_planned_for_and_told_in_three_forms(client: httpx.AsyncClient, pool: Pool) -> None:
    await pool.execute("UPDATE device SET latitude = 50.55, longitude = 0.55 WHERE device_id = 'bin-2'")
    where = {"least_level": 30, "depot_latitude": 50.5, "depot_longitude": 0.5}
    plan = (await client.get("/api/v1/routes", params=where)).json()
    assert (plan["bins"], plan["left_out"]) == (2, [])
    (route,) = plan["routes"]
    assert {visit["bin_id"] for visit in route["visits"]} == {"bin-1", "bin-2"}
    assert route["load"] == round(240 * 0.85) + round(240 * 0.4)
    drawn = await client.get("/api/v1/routes", params={**where, "format": "geojson"})
    assert drawn.headers["content-type"] == "application/geo+json"
    assert drawn.json()["features"][0]["geometry"]["type"] == "LineString"
    sheet = await client.get("/api/v1/routes", params={**where, "format": "csv", "truck": route["truck"]})
    assert [row["bin_id"] for row in csv.DictReader(io.StringIO(sheet.text))] == [v["bin_id"] for v in route["visits"]]
    small = (await client.get("/api/v1/routes", params={**where, "capacity": 200, "trucks": 1})).json()
    assert [left["bin_id"] for left in small["left_out"]] == ["bin-1"], "204 litres do not fit into 200"
    nothing = (await client.get("/api/v1/routes", params={"least_level": 100})).json()
    assert (nothing["bins"], nothing["routes"]) == (0, [])


async def test_bins_that_may_be_full_by_then_are_planned_for_as_well(client: httpx.AsyncClient, pool: Pool) -> None:
    await pool.execute("UPDATE device SET latitude = 50.55, longitude = 0.55 WHERE device_id = 'bin-2'")
    level = await pool.fetchrow(
        "SELECT phenomenon_time, received_at FROM latest_observation JOIN datastream USING (datastream_id)"
        " WHERE device_id = 'bin-2' AND property = 'fill_level'"
    )
    assert level is not None
    for name, hours in (("time_to_full", 30.0), ("time_to_full_low", 20.0)):
        await pool.execute(
            "WITH new AS (INSERT INTO datastream (device_id, property, unit, method, edition)"
            " VALUES ('bin-2', $1, 'h', 'by hand', '1') RETURNING datastream_id)"
            " INSERT INTO latest_observation (datastream_id, phenomenon_time, received_at, result, quality)"
            " SELECT datastream_id, $2, $3, $4, 1 FROM new",
            name,
            level["phenomenon_time"],
            level["received_at"],
            hours,
        )
    planned = {}
    for within in (None, 19, 21):
        plan = (
            await client.get(
                "/api/v1/routes", params={"least_level": 80, **({"full_within": within} if within else {})}
            )
        ).json()
        planned[within] = {visit["bin_id"] for route in plan["routes"] for visit in route["visits"]}
    assert planned == {None: {"bin-1"}, 19: {"bin-1"}, 21: {"bin-1", "bin-2"}}
    assert (await client.get("/api/v1/routes", params={"full_within": 0})).status_code == 422
    # A forecast is told each quarter of an hour where levels come more than once a minute.
    await pool.execute(
        "UPDATE latest_observation SET phenomenon_time = phenomenon_time - interval '16 minutes' WHERE datastream_id IN"
        " (SELECT datastream_id FROM datastream WHERE device_id = 'bin-2' AND property LIKE 'time_to_full%')"
    )
    for every, bins in (("10 minutes", {"bin-1"}), ("10 seconds", {"bin-1", "bin-2"})):
        await pool.execute("UPDATE device SET expected_interval = $1::text::interval WHERE device_id = 'bin-2'", every)
        plan = (await client.get("/api/v1/routes", params={"least_level": 80, "full_within": 21})).json()
        assert {visit["bin_id"] for route in plan["routes"] for visit in route["visits"]} == bins, every


def names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


async def test_the_command_line_says_the_same(
    client: httpx.AsyncClient, dsn: str, hours: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYWATCH_STORE__DSN", dsn)
    load_settings.cache_clear()

    async def run(*arguments: str) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, app, ["indicators", *arguments])
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

    try:
        spans = (f"{BEGIN.isoformat()}/{CHANGE.isoformat()}", f"{CHANGE.isoformat()}/{END.isoformat()}")
        told = await run("compare", "no2", "--before", spans[0], "--after", spans[1])
        assert "north: -2" in told and "found; 61 and 61 days" in told
        as_json = json.loads(await run("compare", "no2", "--before", spans[0], "--after", spans[1], "--json"))
        assert {each["district_id"]: each["found"] for each in as_json["items"]} == {"north": True, "south": False}
        assert "North: 2 devices, 20.0 per 10,000 residents" in await run("equity")
        assert json.loads(await run("equity", "--json"))["districts"][1]["coverage"] is None
        planned = await run("routes", "--least-level", "30", "--depot", "50.5,0.5", "--into", str(tmp_path))
        assert "truck 1: " in planned and "bin-1" in planned
        assert names(tmp_path) == {"truck-1.csv", "routes.geojson"}
        wrong = await asyncio.to_thread(CliRunner().invoke, app, ["indicators", "compare", "no2", "--before", "x"])
        assert wrong.exit_code == 2
    finally:
        load_settings.cache_clear()


async def test_a_calculation_is_set_listed_and_ended(client: httpx.AsyncClient) -> None:
    body = {
        "formula": "mean(one, two)",
        "inputs": {
            "one": {"device_id": "bin-1", "property": "fill_level"},
            "two": {"device_id": "bin-2", "property": "fill_level"},
        },
        "unit": "%",
        "reason": "how full the quarter is",
    }
    path = "/api/v1/calculations/bin-1/fill_of_both"
    assert (await client.put(path, params={"dry_run": True}, json=body)).json()["items"] == []
    (set_one,) = (await client.put(path, json=body)).json()["items"]
    assert (set_one["version"], set_one["every"], set_one["ended_at"]) == (1, "hour", None)
    assert set_one["inputs"] == body["inputs"]
    refused = await client.put(path, params={"dry_run": True}, json={**body, "unit": "cm"})
    assert (refused.status_code, refused.json()["detail"]) == (409, "the formula gives %, not cm")
    assert len((await client.put(path, json={**body, "every": "day"})).json()["items"]) == 2
    assert [each["version"] for each in (await client.get("/api/v1/calculations")).json()["items"]] == [2]
    assert (await client.delete(path)).status_code == 200
    assert (await client.get("/api/v1/calculations")).json()["items"] == []
    assert (await client.delete(path)).status_code == 404


async def test_plans_take_turns_and_none_waits_for_ever() -> None:
    many = range(FEW + 1)
    stops = tuple(Stop(f"bin-{n}", demand=2) for n in many)  # too much for the truck: said at once
    task = Task(stops, (Truck("1", capacity=1),), ((59.0, 18.0), *((59.0, 18.0 + n / 1000) for n in many)))
    turn = asyncio.Semaphore(1)
    async with turn:
        with pytest.raises(ProblemError, match="other plans are being made") as refused:
            await solve_apart(turn, task, patience=0.01)
        waiting = asyncio.create_task(solve_apart(turn, task))
        await asyncio.sleep(0)
    plan, _ = await waiting
    assert len(plan.left_out) == FEW + 1
    assert (refused.value.status, refused.value.wait, turn.locked()) == (503, 5, False)
