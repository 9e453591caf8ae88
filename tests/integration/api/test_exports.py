"""Exports give every row, in bounded memory, and say so when they cannot."""

import asyncio
import csv
import io
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import orjson
import pytest
from fastapi import FastAPI

from api.export import AT_ONCE, Write, copy_csv
from sql.connection import Connection, Pool

EXPORT = "/api/v1/export/observations"


@pytest.fixture
async def mixed(city: Pool) -> Pool:
    """Observations of all qualities, of a device without a place, and values that CSV and JSON find hard."""
    await city.execute(
        "INSERT INTO observation (datastream_id, quality, phenomenon_time, received_at, result)"
        " SELECT t.datastream_id, v.quality, l.at + v.n * interval '1 min', l.at, v.result"
        "   FROM datastream AS t, (SELECT max(phenomenon_time) AS at FROM observation) AS l,"
        "        (VALUES (1, 9, NULL), (2, 4, -3.5), (3, 3, 'NaN'), (4, 1, 1e300), (5, 2, 0.1))"
        "             AS v (n, quality, result)"
        "  WHERE t.device_id IN ('bin-1', 'road-1')"
    )
    return city


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ({}, "true"),
        ({"domain": "waste"}, "d.domain = 'waste'"),
        ({"device_id": "road-1"}, "d.device_id = 'road-1'"),
        ({"property": "pm2_5", "district_id": "north"}, "t.property = 'pm2_5'"),
        ({"source_id": "i94"}, "d.source_id = 'i94'"),
        ({"since": "2999-01-01T00:00:00Z"}, "false"),
        ({"property": "pm2_5\nUNION SELECT 'x'"}, "false"),
        ({"property": "\r;DROP TABLE alert;--"}, "false"),
        ({"property": "\\'; --", "device_id": "$2 $1"}, "false"),
    ],
)
async def test_exports_hold_what_sql_counts(
    client: httpx.AsyncClient, mixed: Pool, query: dict[str, str], where: str
) -> None:
    rows = await mixed.fetch(
        "SELECT t.device_id, o.* FROM observation AS o JOIN datastream AS t USING (datastream_id)"
        f" JOIN device AS d USING (device_id) WHERE {where} ORDER BY t.device_id, t.property, o.phenomenon_time"
    )
    table = list(csv.DictReader(io.StringIO((await client.get(EXPORT + ".csv", params=query)).text)))
    collection = orjson.loads((await client.get(EXPORT + ".geojson", params=query)).content)
    assert len(table) == len(collection["features"]) == len(rows)
    for line, feature, row in zip(table, collection["features"], rows, strict=True):
        assert (line["device_id"], int(line["quality"])) == (row["device_id"], row["quality"])
        assert datetime.fromisoformat(line["phenomenon_time"]).astimezone(UTC) == row["phenomenon_time"]
        assert repr(float(line["result"]) if line["result"] else None) == repr(row["result"])
        assert feature["properties"]["device_id"] == row["device_id"]


async def test_an_export_that_fails_on_the_way_is_cut_not_short(
    application: FastAPI, client: httpx.AsyncClient, city: Pool
) -> None:
    async def give_up(connection: Connection, write: Write, _arguments: tuple[Any, ...]) -> None:
        rows = "SELECT 1 / (400000 - n), repeat('x', 100) FROM generate_series(1, 500000) AS n"
        await connection.copy_from_query(rows, output=write, format="csv")

    taken = 0
    with pytest.raises(asyncpg.DivisionByZeroError):
        async for piece in application.state.exports.pieces(give_up, ()):
            taken += len(piece)
    assert taken > 1_000_000
    await city.execute("ALTER TABLE observation RENAME COLUMN tests TO other")
    refused = await client.get(EXPORT + ".csv")
    assert (refused.status_code, refused.json()["type"]) == (500, "/problems/internal")


async def test_exports_leave_connections_to_others(application: FastAPI, client: httpx.AsyncClient) -> None:
    exports = application.state.exports
    anything = (None,) * 7
    running = [exports.pieces(copy_csv, anything) for _ in range(AT_ONCE)]
    for each in running:
        await anext(each)
    refused = await client.get(EXPORT + ".csv")
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/too-many-exports")
    assert (await client.get("/api/v1/devices")).status_code == 200
    for each in running:
        await each.aclose()
    async with asyncio.timeout(10):
        assert (await client.get(EXPORT + ".csv")).status_code == 200
