"""The API on a database filled by plain SQL: nothing of ours decides what is in it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from citywatch.cli.serve import serve_app
from citywatch.local.broker import LocalBroker
from citywatch.settings import Settings
from citywatch.telemetry import configure_logging
from sql.connection import Pool
from sql.engine import detect_engine
from tests.integration.secured_broker import secured_broker, settings_for

CITY = """
INSERT INTO district (district_id, name, population, polygon) VALUES
    ('north', 'North', 1000, '{"type": "Polygon", "coordinates": [[[0,50],[1,50],[1,51],[0,51],[0,50]]]}'),
    ('south', 'South', NULL, '{"type": "Polygon", "coordinates": [[[0,49],[1,49],[1,50],[0,50],[0,49]]]}');
INSERT INTO site (site_id, name, district_id, latitude, longitude) VALUES ('s1', 'Market', 'north', 50.5, 0.5);
INSERT INTO source (source_id, kind, clock) VALUES ('i94', 'replay', '2017-06-01T12:00:00Z');
INSERT INTO device (device_id, profile, domain, name, site_id, district_id, latitude, longitude, source_id,
                    expected_interval) VALUES
    ('air-1', 'citywatch/air', 'air', 'Air at the market', 's1', 'north', 50.5, 0.5, 'live', '60 s'),
    ('bin-1', 'citywatch/bin', 'waste', 'Bin one', NULL, 'north', 50.6, 0.6, 'live', '300 s'),
    ('bin-2', 'citywatch/bin', 'waste', 'Bin two', NULL, 'south', 49.5, 0.1, 'live', '300 s'),
    ('road-1', 'citywatch/road', 'traffic', 'Road', NULL, 'south', NULL, NULL, 'i94', '1 h'),
    ('road-2', 'citywatch/road', 'traffic', 'New road', NULL, NULL, 49.1, 0.9, 'live', '60 s');
INSERT INTO datastream (device_id, property, unit) VALUES
    ('air-1', 'pm2_5', 'ug/m3'), ('air-1', 'no2', 'ug/m3'), ('bin-1', 'fill_level', '%'), ('bin-2', 'fill_level', '%'),
    ('road-1', 'vehicle_flow', '{vehicles}/h');
INSERT INTO latest_observation (datastream_id, phenomenon_time, received_at, result, quality)
SELECT t.datastream_id, v.at, now(), v.result, v.quality
  FROM (VALUES ('air-1', 'pm2_5', now() - interval '30 s', 12.5, 1),
               ('air-1', 'no2', now() - interval '30 s', NULL, 9),
               ('bin-1', 'fill_level', now() - interval '20 min', 85, 2),
               ('bin-2', 'fill_level', now() - interval '5 h', 40, 1),
               ('road-1', 'vehicle_flow', timestamptz '2017-06-01T11:00:00Z', 4500, 1))
       AS v (device_id, property, at, result, quality)
  JOIN datastream AS t USING (device_id, property);
INSERT INTO rule (rule_id, version) VALUES ('bin-full', 1);
INSERT INTO rule_version (rule_id, version, text, text_hash, definition, author) VALUES
    ('bin-full', 1, '', '', '{"title": "Bin is full", "operator_action": "Send a crew", "when": 80}', 'x');
INSERT INTO alert (alert_key, rule_id, rule_version, device_id, datastream_id, severity, state, open, summary, inputs,
                   raised_at)
SELECT 'bin-full/' || n, 'bin-full', 1, t.device_id, t.datastream_id,
       (ARRAY['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'])[1 + n % 4],
       CASE WHEN n <= 5 THEN 'unacknowledged' ELSE 'normal' END,
       n <= 5, '{"message": "bin_full", "parameters": {"value": 85}, "text": "Bin one is full"}', '{"result": 85}',
       now() - n * interval '1 min'
  FROM generate_series(1, 12) AS n CROSS JOIN datastream AS t
 WHERE (t.device_id, t.property) = ('bin-1', 'fill_level');
INSERT INTO alert_event (alert_id, at, kind, to_state, actor)
SELECT alert_id, raised_at, 'raised', 'unacknowledged', 'bin-full 1' FROM alert;
INSERT INTO delivery_account (device_id, hour, received, accepted, rejected, readings, stored, duplicate, refused)
VALUES
    ('air-1', '2026-11-24T01:00:00Z', 10, 9, 1, 18, 15, 2, 1), ('air-1', '2026-11-24T02:00:00Z', 5, 5, 0, 10, 10, 0, 0),
    ('bin-1', '2026-11-24T01:00:00Z', 3, 2, 0, 2, 2, 0, 0);
INSERT INTO rejected_message (received_at, fate, reason, detail, device_id, topic, payload)
SELECT now() - n * interval '1 min', 'rejected', 'bad_json', 'not JSON at byte 0', 'air-1', 't/' || n, '\\x7b6869ff'
  FROM generate_series(1, 7) AS n;
"""


@pytest.fixture(autouse=True)
def plain_log() -> None:
    """Log as the product does: structlog's own default spends seconds on drawing each traceback."""
    configure_logging("test", style="json")


@pytest.fixture
def settings(dsn: str) -> Settings:
    return Settings(_env_file=None, store={"dsn": dsn})


@pytest.fixture
async def city(pool: Pool) -> Pool:
    """A small city: five devices on two sources, twelve alerts, a day of air."""
    await pool.execute(CITY)
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start = end - timedelta(hours=24)
    async with pool.acquire() as connection:
        await (await detect_engine(connection)).ensure(connection, [start, end])
    await pool.execute(
        "INSERT INTO observation (datastream_id, quality, phenomenon_time, received_at, result)"
        " SELECT datastream_id, 1, at, at, extract(hour FROM at)"
        "   FROM datastream, generate_series($1::timestamptz, $2::timestamptz - interval '1 min', '1 min') AS at"
        "  WHERE property = 'pm2_5'",
        start,
        end,
    )
    return pool


@pytest.fixture(scope="session")
def demo() -> FastAPI:
    """The demo's application, made once: to build its hundred routes takes longer than most tests."""
    return create_app(Settings(_env_file=None, store={"dsn": "postgresql://set.by.each.test/"}))


@pytest.fixture
async def application(demo: FastAPI, settings: Settings, dsn: str, city: Pool) -> AsyncIterator[FastAPI]:
    """The demo's application on this test's own store."""
    demo.state.settings, demo.state.dsn = settings, dsn
    async with demo.router.lifespan_context(demo):
        yield demo


@pytest.fixture
async def client(application: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def asking(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    application = create_app(settings)
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://localhost") as client,
    ):
        yield client


@pytest.fixture
async def secured(dsn: str, city: Pool, tmp_path: Path) -> AsyncIterator[tuple[httpx.AsyncClient, LocalBroker]]:
    """The API beside a broker where everybody needs an account."""
    with secured_broker(tmp_path / "secured", []) as (broker, password):
        async for client in asking(settings_for(dsn, broker, password)):
            yield client, broker


@pytest.fixture
async def address(settings: Settings, city: Pool) -> AsyncIterator[str]:
    """The host and port of a real server."""
    stop = asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        application = create_app(settings)
        serving = asyncio.create_task(serve_app(application, listening, stop))
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        stop.set()
        await serving
