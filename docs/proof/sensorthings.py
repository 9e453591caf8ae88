"""SensorThings on 1,000,000 observations: every query option answers what plain SQL answers, and how fast.

`PROOF_ROWS` changes the number of observations.
"""

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx

from api.app import create_app
from citywatch.settings import Settings
from citywatch.telemetry import configure_logging
from docs.proof.own_store import own_store
from sql.engine import detect_engine
from sql.pool import set_up

ROWS = int(os.environ.get("PROOF_ROWS", "1000000"))
STREAMS = 500
START = datetime(2026, 1, 5, tzinfo=UTC)
ROOT = "/sta/v1.1"
FROM = (
    "FROM observation AS o JOIN datastream AS t USING (datastream_id) JOIN device AS d USING (device_id)"
    " WHERE {} ORDER BY {}"
)

# name; path; options; the same in SQL: WHERE and ORDER BY over observation o, datastream t, device d
QUESTIONS: list[tuple[str, str, dict[str, str], str, str]] = [
    ("first page", "Observations", {}, "true", "o.datastream_id, o.phenomenon_time"),
    ("newest of one stream", "Datastreams(7)/Observations", {"orderby": "phenomenonTime desc", "top": "10"},
     "o.datastream_id = 7", "o.phenomenon_time DESC"),
    ("span of one stream", "Datastreams(7)/Observations",
     {"filter": "phenomenonTime ge 2026-01-05T06:00:00Z and phenomenonTime lt 2026-01-05T12:00:00Z"},
     "o.datastream_id = 7 AND o.phenomenon_time >= '2026-01-05 06:00+00' AND o.phenomenon_time < '2026-01-05 12:00+00'",
     "o.phenomenon_time"),
    ("highest of all", "Observations", {"orderby": "result desc,phenomenonTime", "top": "20"}, "true",
     "o.result DESC, o.phenomenon_time, o.datastream_id"),
    ("filter on result", "Observations", {"filter": "result gt 39.9"}, "o.result > 39.9",
     "o.datastream_id, o.phenomenon_time"),
    ("arithmetic", "Observations", {"filter": "result mul 2 sub 1 lt 0.5"}, "o.result * 2 - 1 < 0.5",
     "o.datastream_id, o.phenomenon_time"),
    ("or and not", "Observations", {"filter": "not (result lt 39.5) or result lt 0.1"},
     "NOT o.result < 39.5 OR o.result < 0.1", "o.datastream_id, o.phenomenon_time"),
    ("functions of time", "Observations", {"filter": "hour(phenomenonTime) eq 3 and minute(phenomenonTime) eq 7"},
     "extract(hour FROM o.phenomenon_time) = 3 AND extract(minute FROM o.phenomenon_time) = 7",
     "o.datastream_id, o.phenomenon_time"),
    ("through relations", "Observations",
     {"filter": "Datastream/Thing/properties/domain eq 'waste' and result gt 39.8"},
     "d.domain = 'waste' AND o.result > 39.8", "o.datastream_id, o.phenomenon_time"),
    ("functions of text", "Observations", {"filter": "endswith(Datastream/Thing/name, '17') and result gt 39"},
     "d.device_id LIKE '%17' AND o.result > 39", "o.datastream_id, o.phenomenon_time"),
    ("quality", "Observations", {"filter": "resultQuality eq 'SUSPECT'"}, "o.quality = 3",
     "o.datastream_id, o.phenomenon_time"),
    ("feature of interest", "FeaturesOfInterest('d7')/Observations", {}, "d.device_id = 'd7'",
     "o.datastream_id, o.phenomenon_time"),
    ("skip", "Observations", {"orderby": "phenomenonTime desc", "skip": "500", "top": "50"}, "true",
     "o.phenomenon_time DESC, o.datastream_id"),
]  # fmt: skip


async def fill(dsn: str) -> None:
    """Make `STREAMS` devices with a place and a datastream each, and `ROWS` observations."""
    connection = await asyncpg.connect(dsn)
    try:
        await set_up(connection)
        await connection.execute(
            "INSERT INTO device (device_id, profile, domain, latitude, longitude)"
            " SELECT 'd' || n, 'p' || n % 3, (ARRAY['air', 'waste'])[1 + n % 2], 50 + n / 1000.0, n / 1000.0"
            "   FROM generate_series(1, $1::int) AS n",
            STREAMS,
        )
        await connection.execute(
            "INSERT INTO datastream (device_id, property, unit)"
            " SELECT device_id, 'pm2_5', 'ug/m3' FROM device ORDER BY device_id"
        )
        each = ROWS // STREAMS
        times = [START + timedelta(minutes=n) for n in range(0, each + 10_080, 10_080)]
        await (await detect_engine(connection)).ensure(connection, times)
        await connection.execute(
            "INSERT INTO observation (datastream_id, phenomenon_time, received_at, result, quality)"
            " SELECT datastream_id, at, at, random() * 40, CASE WHEN n % 997 = 0 THEN 3 ELSE 1 END"
            "   FROM datastream, generate_series(1, $1::int) AS n,"
            "        LATERAL (SELECT $2::timestamptz + n * interval '1 min' AS at) AS t",
            each,
            START,
        )
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def ask(client: httpx.AsyncClient, path: str, options: dict[str, str]) -> tuple[Any, float]:
    """Return an answer and its seconds."""
    query = "&".join(f"${name}={quote(value)}" for name, value in options.items())
    begun = time.perf_counter()
    answer = await client.get(f"{ROOT}/{path}?{query}")
    seconds = time.perf_counter() - begun
    assert answer.status_code == 200, answer.text
    return answer.json(), seconds


async def run(dsn: str) -> dict[str, object]:
    """Ask every question both ways."""
    await fill(dsn)
    application = create_app(Settings(_env_file=None, store={"dsn": dsn}))
    figures: dict[str, object] = {"observations": ROWS}
    transport = httpx.ASGITransport(application)
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=120) as client,
    ):
        plain = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
        for name, path, options, where, order in QUESTIONS:
            page, seconds = await ask(client, path, {"top": "100", **options})
            counted, count_seconds = await ask(client, path, {**options, "top": "0", "skip": "0", "count": "true"})
            tail = FROM.format(where, order)
            top, skip = int(options.get("top", 100)), int(options.get("skip", 0))
            begun = time.perf_counter()
            rows = await plain.fetch(
                f"SELECT o.datastream_id, o.phenomenon_time, o.result {tail} LIMIT {top} OFFSET {skip}"
            )
            sql_seconds = time.perf_counter() - begun
            count = await plain.fetchval(f"SELECT count(*) FROM (SELECT 1 {tail}) AS all_of_them")
            assert counted["@iot.count"] == count, f"{name}: {counted['@iot.count']} counted, {count} in SQL"
            seen = [(one["@iot.id"], one["result"]) for one in page["value"]]
            epoch = datetime(1970, 1, 1, tzinfo=UTC)
            wanted = [(f"{row[0]}-{(row[1] - epoch) // timedelta(microseconds=1)}", row[2]) for row in rows]
            assert seen == wanted, f"{name}: {seen[:3]} where SQL has {wanted[:3]}"
            figures[name] = {
                "matches": count,
                "page_ms": round(seconds * 1000, 1),
                "count_ms": round(count_seconds * 1000, 1),
                "plain_sql_page_ms": round(sql_seconds * 1000, 1),
            }
        nested = {"top": "50", "expand": "Datastreams($expand=Observations($top=1;$orderby=phenomenonTime desc))"}
        page, seconds = await ask(client, "Things", nested)
        newest = await plain.fetchval("SELECT max(phenomenon_time) FROM observation")
        for thing in page["value"]:
            (found,) = thing["Datastreams"][0]["Observations"]
            assert datetime.fromisoformat(found["phenomenonTime"]) == newest, found
        figures["50 things with their newest observation"] = {"page_ms": round(seconds * 1000, 1)}
        await plain.close()
    return figures


def prove() -> dict[str, object]:
    """Run it on a database of its own."""
    configure_logging("proof", style="json")
    with own_store() as (dsn, _folder):
        return asyncio.run(run(dsn))
