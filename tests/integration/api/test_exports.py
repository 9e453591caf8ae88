"""Exports give every row, in bounded memory, and say so when they cannot."""

import asyncio
import csv
import io
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import duckdb
import httpx
import orjson
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI

from api import export, export_parquet
from api.export import AT_ONCE, Write
from sql.connection import Connection, Pool
from tests.installation import ROOT
from tests.integration.ingest_run import until

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


async def test_parquet_holds_what_csv_holds(client: httpx.AsyncClient, mixed: Pool) -> None:
    for query in ({}, {"domain": "waste"}, {"since": "2999-01-01T00:00:00Z"}):
        table = list(csv.DictReader(io.StringIO((await client.get(EXPORT + ".csv", params=query)).text)))
        answer = await client.get(EXPORT + ".parquet", params=query)
        assert answer.headers["content-type"] == "application/vnd.apache.parquet"
        rows = pq.read_table(io.BytesIO(answer.content)).to_pylist()
        assert len(rows) == len(table)
        for line, row in zip(table, rows, strict=True):
            assert [line[name] for name in ("device_id", "property", "unit")] == [
                row[name] for name in ("device_id", "property", "unit")
            ]
            assert datetime.fromisoformat(line["phenomenon_time"]).astimezone(UTC) == row["phenomenon_time"]
            assert datetime.fromisoformat(line["received_at"]).astimezone(UTC) == row["received_at"]
            assert repr(float(line["result"]) if line["result"] else None) == repr(row["result"])
            assert (int(line["quality"]), int(line["tests"])) == (row["quality"], row["tests"])


async def test_parquet_comes_in_row_groups(application: FastAPI, city: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_parquet, "PIECE", 1000)
    monkeypatch.setattr(export_parquet, "GROUP", 5000)
    await city.execute(
        "INSERT INTO observation (datastream_id, quality, phenomenon_time, received_at, result)"
        " SELECT (SELECT datastream_id FROM datastream WHERE property = 'no2'), 1, at, at, 1"
        "   FROM (SELECT min(phenomenon_time) AS first FROM observation) AS f,"
        "        generate_series(f.first, f.first + interval '20 hours', '2 s') AS at"
    )
    pieces = [piece async for piece in application.state.exports.pieces(export_parquet.copy_parquet, (None,) * 7)]
    file = pq.ParquetFile(io.BytesIO(b"".join(pieces)))
    assert file.metadata.num_rows == await city.fetchval("SELECT count(*) FROM observation")
    assert file.metadata.num_row_groups > 1
    assert len(pieces) > 1


async def test_the_command_writes_what_the_api_gives(
    client: httpx.AsyncClient, mixed: Pool, dsn: str, tmp_path: Path
) -> None:
    async def command(*arguments: str) -> str:
        run = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "citywatch", "export", *arguments, cwd=ROOT,
            env={**os.environ, "CITYWATCH_STORE__DSN": dsn}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await run.communicate()
        assert run.returncode == 0
        return out.decode()

    assert (
        await command("-", "--format", "csv", "--domain", "waste")
        == (await client.get(EXPORT + ".csv", params={"domain": "waste"})).text
    )
    told = orjson.loads(await command(str(tmp_path / "city"), "--partitioned", "--json"))
    found = duckdb.sql(
        "SELECT domain, day::date AS day, device_id, count(*), sum(result) FILTER (WHERE result BETWEEN -1e9 AND 1e9)"
        f" FROM read_parquet('{tmp_path}/city/**/*.parquet', hive_partitioning = true)"
        " GROUP BY ALL ORDER BY device_id, day"
    ).fetchall()
    wanted = await mixed.fetch(
        "SELECT d.domain, o.phenomenon_time::date, device_id, count(*),"
        "       sum(result) FILTER (WHERE result BETWEEN -1e9 AND 1e9)"
        "  FROM observation AS o JOIN datastream USING (datastream_id) JOIN device AS d USING (device_id)"
        " GROUP BY 1, 2, 3 ORDER BY 3, 2"
    )
    assert [tuple(row) for row in wanted] == found
    assert told["rows"] == sum(row[3] for row in found)


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


async def endless(_connection: Connection, write: Write, _arguments: tuple[Any, ...]) -> None:
    """An export that has not ended, however small the city is and however fast the machine."""
    while True:
        await write(b"x")


async def test_exports_leave_connections_to_others(application: FastAPI, client: httpx.AsyncClient) -> None:
    exports = application.state.exports
    running = [exports.pieces(endless, ()) for _ in range(AT_ONCE)]
    for each in running:
        await anext(each)
    refused = await client.get(EXPORT + ".csv")
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/too-many-exports")
    assert (await client.get("/api/v1/devices")).status_code == 200
    for each in running:
        await each.aclose()
    async with asyncio.timeout(10):
        assert (await client.get(EXPORT + ".csv")).status_code == 200


async def test_a_reader_that_only_holds_on_is_given_up(
    application: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slowly a client takes what there is, the connection is free after a time, though it never lets go."""
    monkeypatch.setattr(export, "LONGEST", timedelta(seconds=1))

    exports = application.state.exports
    running = [exports.pieces(endless, ()) for _ in range(AT_ONCE)]
    for each in running:
        await anext(each)

    async def has_room() -> bool:
        return (await client.get(EXPORT + ".csv?device_id=none")).status_code == 200

    await until(has_room, "room for another export")
    for each in running:
        with pytest.raises(TimeoutError):
            async for _ in each:
                pass
