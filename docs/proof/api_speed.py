"""Latest state of 5,000 devices in one call under 50 ms, a year of one datastream at 1,000 points under 100 ms.

Measured in the server: from the request's arrival in the application to its last byte, compression included.
"""

import asyncio
import statistics
import time
from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
from fastapi import FastAPI

from api.app import create_app
from citywatch.settings import Settings
from citywatch.telemetry import configure_logging
from docs.proof.own_store import own_store
from sql.engine import detect_engine
from sql.pool import set_up

DEVICES = 5000
ROUNDS = 15
LATEST_LIMIT, YEAR_LIMIT = 0.050, 0.100  # s
EVERY = timedelta(minutes=5)


async def fill(dsn: str, start: datetime) -> None:
    """Make the devices with four latest values each, and a year of one datastream every five minutes, folded."""
    connection = await asyncpg.connect(dsn)
    try:
        await set_up(connection)
        await connection.execute(
            "INSERT INTO device (device_id, profile, domain)"
            " SELECT 'd' || n, 'p', 'air' FROM generate_series(1, $1::int) AS n",
            DEVICES,
        )
        await connection.execute(
            "INSERT INTO datastream (device_id, property, unit) SELECT device_id, p, 'ug/m3'"
            "  FROM device, unnest(ARRAY['pm2_5', 'pm10', 'no2', 'o3']) AS p"
        )
        await connection.execute(
            "INSERT INTO latest_observation SELECT datastream_id, now(), now(), random() * 40, 1 FROM datastream"
        )
        weeks = [start + timedelta(days=n) for n in range(0, 373, 7)]
        await (await detect_engine(connection)).ensure(connection, weeks)
        await connection.execute(
            "INSERT INTO observation (datastream_id, phenomenon_time, received_at, result, quality)"
            " SELECT 1, at, at, random() * 40, 1 FROM generate_series($1::timestamptz, $2::timestamptz, $3) AS at",
            start,
            start + timedelta(days=365),
            EVERY,
        )
        for name, width in (("minute", "1 minute"), ("quarter", "15 minutes"), ("hour", "1 hour"), ("day", "1 day")):
            await connection.execute(
                f"INSERT INTO rollup_{name} (datastream_id, bucket, n, n_good, n_all, sum, sin_sum, cos_sum, min, max,"
                "                           last, last_time)"
                f" SELECT 1, time_bucket('{width}', phenomenon_time), count(*), count(*), count(*), sum(result), 0, 0,"
                "         min(result), max(result), max(result), max(phenomenon_time)"
                "    FROM observation GROUP BY 2"
            )
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def served(application: FastAPI, path: str) -> float:
    """Return the seconds from a request's arrival to its last byte; the client's own work is not in it."""
    name, _, query = path.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": name, "raw_path": name.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(b"host", b"localhost"), (b"accept-encoding", b"gzip")], "client": ("127.0.0.1", 1),
        "server": ("localhost", 80), "state": {},
    }  # fmt: skip
    statuses = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    begun = time.perf_counter()
    await application(scope, receive, send)
    seconds = time.perf_counter() - begun
    assert statuses == [200], statuses
    return seconds


async def run(dsn: str) -> dict[str, object]:
    """Ask, again and again."""
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start = end - timedelta(days=365)
    await fill(dsn, start)
    application = create_app(Settings(_env_file=None, store={"dsn": dsn}))
    span = f"since={start:%Y-%m-%dT%H:%M:%SZ}&until={end:%Y-%m-%dT%H:%M:%SZ}"
    questions = {
        "latest of 5,000 devices, one property": ("/api/v1/latest?property=pm2_5", LATEST_LIMIT),
        # Buckets are whole: about 1,000 points gives days, 2,190 gives four hours each.
        "a year at 1,000 points": (f"/api/v1/observations?datastream_id=1&{span}&max_points=1000", YEAR_LIMIT),
        "a year at 2,190 points": (f"/api/v1/observations?datastream_id=1&{span}&max_points=2190", YEAR_LIMIT),
    }
    figures: dict[str, object] = {}
    missed = []
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://localhost") as client,
    ):
        for name, (path, limit) in {**questions, "latest of 20,000 streams": ("/api/v1/latest", 1.0)}.items():
            body = (await client.get(path)).json()
            took = [await served(application, path) for _ in range(ROUNDS)]
            middle = statistics.median(took)
            figures[name] = {
                "median_ms": round(middle * 1000, 1),
                "worst_ms": round(max(took) * 1000, 1),
                "items": len(body.get("items", body.get("points", []))),
                "limit_ms": limit * 1000,
            }
            if middle > limit:
                missed.append(name)
    assert not missed, f"{missed}: {figures}"
    return figures


def prove() -> dict[str, object]:
    """Run it on a database of its own."""
    configure_logging("proof", style="json")
    with own_store() as (dsn, _folder):
        return asyncio.run(run(dsn))
