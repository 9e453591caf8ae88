"""What deriving costs: 2,000 devices at 2,000 readings a second, in CPU seconds of the worker that derives.

Seventy minutes of readings across a full hour are put into store and tail as ingest does (8.4 million; the fold runs
beside and is not counted), then taken and worked out by the worker in this process: so long that the hour and its
quarters have values to be written.
"""

import asyncio
import math
import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg

from citywatch.cli.score_system import scratch
from citywatch.local.postgres import local_postgres
from citywatch.telemetry import configure_logging
from indicators.worker import Worker
from sql.connection import Connection
from sql.engine import detect_engine
from sql.fold import fold_once
from sql.migrate import migrate
from sql.pool import set_up

DEVICES = 2000
SECONDS = int(os.environ.get("PROOF_INDICATOR_SECONDS", "4200"))
HOUR_END = datetime(2026, 3, 3, 8, tzinfo=UTC)
# what devices of a domain measure, how many of ten are of it, and every how many seconds they report: 2,000 readings a
# second come from roads and air stations, while bins are as quick as bins ever are
KINDS = (("air", ("pm2_5", "no2"), 2, 1), ("traffic", ("vehicle_speed",), 6, 1), ("waste", ("fill_level",), 2, 60))
SHARE_PROMISED = 1 / 3

DEVICE = """
INSERT INTO device (device_id, profile, domain, source_id, expected_interval)
SELECT $1 || n, 'citywatch/native', $2, 'live', make_interval(secs => $4::int) FROM generate_series(1, $3::int) AS n"""
STREAM = """
INSERT INTO datastream (device_id, property, unit) SELECT device_id, $1, '1' FROM device WHERE domain = $2"""
READINGS = """
WITH new AS (
    INSERT INTO observation (datastream_id, quality, phenomenon_time, received_at, result)
    SELECT datastream_id, 1, t, t, 20 + 10 * sin(datastream_id + extract(epoch FROM t) / 600)
      FROM datastream JOIN device USING (device_id)
     CROSS JOIN generate_series($1::timestamptz, $2::timestamptz, '1 s') AS t
     WHERE method IS NULL
       AND (extract(epoch FROM t)::bigint + datastream_id) % extract(epoch FROM expected_interval)::int = 0
    RETURNING datastream_id, phenomenon_time, received_at, result, quality),
turn AS (SELECT nextval('ingest_batch_seq') AS seq)
INSERT INTO ingest_batch (seq, at, datastream_id, phenomenon_time, received_at, result, quality)
SELECT (SELECT seq FROM turn), $2, array_agg(datastream_id), array_agg(phenomenon_time), array_agg(received_at),
       array_agg(result), array_agg(quality)
  FROM new"""


async def measure(dsn: str) -> dict[str, float]:
    """Fill, then derive; return the figures."""
    configure_logging("proof")
    connection: Connection = await asyncpg.connect(dsn)
    await set_up(connection)
    await migrate(connection)
    for domain, names, tenths, every in KINDS:
        await connection.execute(DEVICE, f"{domain}-", domain, DEVICES * tenths // 10, every)
        for name in names:
            await connection.execute(STREAM, name, domain)
    engine = await detect_engine(connection)
    begin = HOUR_END - timedelta(seconds=SECONDS * 0.8)
    end = begin + timedelta(seconds=SECONDS)
    await engine.ensure(connection, [begin, end])
    worker = Worker(connection, engine)
    used = periods = rows = written = 0.0
    wall = time.monotonic()
    for step in range(math.ceil(SECONDS / 2)):
        first = begin + timedelta(seconds=2 * step)
        await connection.execute(READINGS, first, first + timedelta(seconds=1))
        while await fold_once(connection):
            pass
        before = time.process_time()
        done = await worker.step(first + timedelta(seconds=2))
        while done.periods:
            periods, rows, written = periods + done.periods, rows + done.rows, written + done.written.new
            while await fold_once(connection):
                pass
            done = await worker.step(first + timedelta(seconds=2))
        used += time.process_time() - before
        rows += done.rows
    await connection.close()
    return {
        "readings": rows,
        "periods": periods,
        "values_written": written,
        "cpu_s": round(used, 2),
        "share_of_a_core": round(used / SECONDS, 3),
        "seconds_in_all": round(time.monotonic() - wall, 1),
    }


async def prepare(dsn: str) -> None:
    """Make the database."""
    admin = await asyncpg.connect(dsn)
    await admin.execute("CREATE DATABASE citywatch")
    await admin.close()


def prove() -> dict[str, object]:
    """Measure and hold against a third of a core."""
    with tempfile.TemporaryDirectory(dir=scratch(), prefix="citywatch-cost-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with local_postgres(folder / "postgres") as postgres:
            asyncio.run(prepare(postgres.dsn("postgres")))
            figures = asyncio.run(measure(postgres.dsn()))
    print(figures, flush=True)
    assert figures["readings"] >= DEVICES * SECONDS, figures
    assert figures["share_of_a_core"] < SHARE_PROMISED, figures
    assert figures["values_written"] > 0, figures
    return {"devices": DEVICES, "readings_per_s": DEVICES, "seconds_of_readings": SECONDS, **figures}
