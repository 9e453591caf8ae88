"""Writes the fixture of a version: its schema with data, as plain SQL. `python -m tests.versions 0.1.0`.

Once per version of CHANGELOG.md, when its schema is what that version ships; never changed afterwards.
"""

import asyncio
import random
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from citywatch.local.postgres import LocalPostgres, binaries, local_postgres
from sql.connection import Connection
from sql.engine import detect_engine
from sql.fold import fold_once
from sql.migrate import migrate
from sql.pool import open_pool
from tests.integration.storing import Row, revise, write

START = datetime(2026, 3, 26, tzinfo=UTC)  # two weeks' partitions, and the end of winter time
SEED = 1
REGISTRY = """
INSERT INTO district (district_id, name, population, polygon) VALUES
    ('north', 'North', 12000, '{"type": "Polygon", "coordinates": [[[0, 50], [1, 50], [1, 51], [0, 51], [0, 50]]]}'),
    ('south', 'South', NULL, '{"type": "Polygon", "coordinates": [[[0, 49], [1, 49], [1, 50], [0, 50], [0, 49]]]}');
INSERT INTO site (site_id, name, district_id, latitude, longitude) VALUES ('square', 'Square', 'north', 50.5, 0.5);
INSERT INTO source (source_id, kind, clock) VALUES ('history', 'replay', '2016-03-01 00:00+00');
INSERT INTO device (device_id, profile, domain, name, site_id, district_id, latitude, longitude, source_id, tags) VALUES
    ('air-1', 'citywatch/air', 'air', 'Air "one"', 'square', 'north', 50.5, 0.5, 'live', '{"cabinet": "7"}'),
    ('bin-1', 'citywatch/bin', 'waste', E'Bin\\twith a tab', NULL, 'south', 49.5, 0.25, 'live', '{}'),
    ('old-1', 'citywatch/native', 'traffic', 'aged', NULL, NULL, NULL, NULL, 'history', '{}');
INSERT INTO datastream (device_id, property, unit) VALUES ('air-1', 'pm2_5', 'ug/m3'),
    ('air-1', 'wind_direction', 'deg'), ('bin-1', 'fill_level', '%'), ('old-1', 'vehicle_flow', '/h');
"""
RECORDS = """
INSERT INTO rejected_message (received_at, fate, reason, detail, device_id, topic, payload, payload_size) VALUES
    ('2026-03-27 10:00+00', 'rejected', 'bad_json', 'line 1', 'air-1', 'city/v1/devices/air-1/telemetry',
     '\\x7b00ff', 3);
INSERT INTO delivery_account VALUES ('air-1', '2026-03-27 10:00+00', 10, 9, 1, 18, 15, 2, 1);
INSERT INTO delivery (device_id, delivery_key, received_at) VALUES ('air-1', 'k', '2026-03-27 10:00+00');
INSERT INTO rule (rule_id, version) VALUES ('bin-full', 1);
INSERT INTO rule_version (rule_id, version, text, text_hash, definition, author)
     VALUES ('bin-full', 1, 'rule: bin-full', 'h', '{}', 'file');
INSERT INTO incident (cause, title, severity, began_at, newest_at)
     VALUES ('gateway:g1', 'g1', 'HIGH', '2026-03-27 10:00+00', '2026-03-27 11:00+00');
INSERT INTO alert (alert_key, rule_id, rule_version, device_id, datastream_id, severity, state, open, summary, inputs,
                   raised_at, cleared_at, incident_id) VALUES
    ('bin-full/bin-1', 'bin-full', 1, 'bin-1', 3, 'HIGH', 'unacknowledged', true, '{}', '{}', '2026-03-27 10:00+00',
     NULL, 1),
    ('bin-full/bin-1', 'bin-full', 1, 'bin-1', 3, 'HIGH', 'normal', false, '{}', '{}', '2026-03-26 10:00+00',
     '2026-03-26 12:00+00', NULL);
INSERT INTO alert_event (alert_id, at, kind, to_state, actor) VALUES
    (1, '2026-03-27 10:00+00', 'raised', 'unacknowledged', 'bin-full v1'),
    (2, '2026-03-26 10:00+00', 'raised', 'unacknowledged', 'bin-full v1'),
    (2, '2026-03-26 12:00+00', 'cleared', 'normal', 'bin-full v1');
INSERT INTO notification (alert_id, channel, target, state, due_at)
     VALUES (1, 'webhook', 'https://example.org/hook', 'sent', '2026-03-27 10:00+00');
"""


async def fill(connection: Connection) -> None:
    """Put a little of everything into a migrated database."""
    dice = random.Random(SEED)
    await connection.execute(REGISTRY)
    times = [START + timedelta(minutes=61 * step) for step in range(180)]
    await (await detect_engine(connection)).ensure(connection, times)
    for stream in (1, 2, 3, 4):
        rows = []
        for time in times:
            quality = dice.choice([1, 1, 1, 1, 2, 3, 4, 9])
            rows.append(Row(stream, time, None if quality == 9 else round(dice.uniform(0, 360), 3), quality))
        for first in range(0, len(rows), 200):
            async with connection.transaction():
                await write(connection, rows[first : first + 200], START)
        async with connection.transaction():
            await revise(connection, [row._replace(quality=3) for row in rows[:5] if row.quality < 9], START)
    while await fold_once(connection):
        pass
    await connection.execute(RECORDS)


async def _make(server: LocalPostgres) -> None:
    pool = await open_pool(server.dsn("postgres"), process="fixture", size=1)
    await pool.execute("CREATE DATABASE fixture")
    await pool.close()
    pool = await open_pool(server.dsn("fixture"), process="fixture", size=1)
    async with pool.acquire() as connection:
        await migrate(connection)
        await fill(connection)
    await pool.close()


def dump(server: LocalPostgres) -> str:
    """Return the database as SQL that any client can execute in one piece."""
    options = ["--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=200", server.dsn("fixture")]
    text = subprocess.run([binaries() / "pg_dump", *options], check=True, capture_output=True, text=True).stdout
    lines = (line for line in text.splitlines() if line and not line.startswith(("--", "\\")))
    return "\n".join(lines) + "\n"


def main(version: str) -> None:
    """Write `tests/versions/VERSION.sql`."""
    path = Path(__file__).parent / f"{version}.sql"
    with tempfile.TemporaryDirectory() as folder, local_postgres(Path(folder) / "server") as server:
        asyncio.run(_make(server))
        path.write_text(f"-- Citywatch {version}: schema and data.\n{dump(server)}", encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1])
