"""Curves of many datastreams in one answer."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from api.routes import curves
from sql.connection import Pool

START = datetime(2026, 11, 23, tzinfo=UTC)
FILL = """
INSERT INTO rollup_hour (datastream_id, bucket, n, n_good, n_all, sum, sin_sum, cos_sum, min, max, last, last_time)
SELECT t.datastream_id, $1::timestamptz + h * interval '1 hour', 4, 3, 4, 40 * (1 + h), 0, 0, 5, 15, 10, $1
  FROM datastream AS t CROSS JOIN unnest(ARRAY[0, 1, 4]) AS h
 WHERE t.property IN ('fill_level', 'vehicle_flow')
"""


@pytest.fixture
async def filled(pool: Pool, client: httpx.AsyncClient) -> httpx.AsyncClient:
    await pool.execute(FILL, START)
    return client


async def ask(client: httpx.AsyncClient, **query: str) -> httpx.Response:
    span = {"since": START.isoformat(), "until": (START + timedelta(days=1)).isoformat()}
    return await client.get("/api/v1/curves", params={**span, **query})


async def test_curves_are_one_per_datastream_and_break_over_a_hole(filled: httpx.AsyncClient) -> None:
    items = (await ask(filled, property="fill_level")).json()["items"]
    assert [item["device_id"] for item in items] == ["bin-1", "bin-2"]
    values = [point["value"] for point in items[0]["points"]]
    assert values == [10.0, 20.0, None, 50.0]
    assert items[0]["points"][0]["good_share"] == 0.75


async def test_curves_never_mix_sources(filled: httpx.AsyncClient) -> None:
    assert (await ask(filled, property="vehicle_flow")).json()["items"] == []
    replayed = (await ask(filled, property="vehicle_flow", source_id="i94")).json()["items"]
    assert [item["device_id"] for item in replayed] == ["road-1"]


async def test_curves_leave_the_last_moment_out(filled: httpx.AsyncClient) -> None:
    until = (START + timedelta(hours=1)).isoformat()
    items = (await ask(filled, property="fill_level", until=until)).json()["items"]
    assert [len(item["points"]) for item in items] == [1, 1]


async def test_a_span_that_ends_before_it_begins_holds_nothing(filled: httpx.AsyncClient) -> None:
    answer = await ask(filled, property="fill_level", since="2026-11-25T00:00:00Z")
    assert (answer.status_code, answer.json()["items"]) == (200, [])


async def test_curves_refuse_more_than_an_answer_holds(
    filled: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curves, "MOST_POINTS", 5)
    answer = await ask(filled, property="fill_level")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/too-much")
    monkeypatch.setattr(curves, "MOST_POINTS", 6)
    assert (await ask(filled, property="fill_level")).status_code == 200


async def test_readings_themselves_are_an_export(filled: httpx.AsyncClient) -> None:
    answer = await ask(filled, property="fill_level", resolution="raw")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid")
