"""Bulk export: 10 million observations as CSV and Parquet in under 200 MB of memory, beside `psql \\copy`.

The default form exports 2 million; `PROOF_ROWS=10000000` is the full one. `PROOF_DSN` names a store that `fill` has
filled already: filling takes longer than measuring.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import duckdb
import psutil

from docs.proof.own_store import own_store
from sql.engine import detect_engine
from sql.pool import set_up
from tests.installation import ROOT

ROWS = int(os.environ.get("PROOF_ROWS", "2000000"))
STREAMS = 200
START = datetime(2026, 1, 5, tzinfo=UTC)
MEMORY = 200  # MB


async def fill(dsn: str) -> None:
    """Make `ROWS` observations of `STREAMS` datastreams, a minute apart, one in a thousand missing."""
    connection = await asyncpg.connect(dsn)
    try:
        await set_up(connection)
        await connection.execute(
            "INSERT INTO device (device_id, profile, domain)"
            " SELECT 'd' || n, 'citywatch/air', (ARRAY['air', 'waste'])[1 + n % 2]"
            "   FROM generate_series(1, $1::int) AS n",
            STREAMS,
        )
        await connection.execute(
            "INSERT INTO datastream (device_id, property, unit) SELECT device_id, 'pm2_5', 'ug/m3' FROM device"
        )
        each = ROWS // STREAMS
        times = [START + timedelta(minutes=n) for n in range(0, each + 10_080, 10_080)]
        await (await detect_engine(connection)).ensure(connection, times)
        await connection.execute(
            "INSERT INTO observation (datastream_id, phenomenon_time, received_at, result, quality)"
            " SELECT datastream_id, at, at + interval '1.5 s', CASE WHEN n % 1000 <> 0 THEN random() * 40 END,"
            "        CASE WHEN n % 1000 <> 0 THEN 1 ELSE 9 END"
            "   FROM datastream, generate_series(1, $1::int) AS n,"
            "        LATERAL (SELECT $2::timestamptz + n * interval '1 min' AS at) AS t",
            each,
            START,
        )
        await connection.execute("VACUUM ANALYZE observation")
    finally:
        await connection.close()


def measured(command: list[str], env: dict[str, str]) -> tuple[float, float]:
    """Run a command and return its seconds and the most memory it held, in MB."""
    begun = time.perf_counter()
    process = psutil.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    most = 0
    while process.poll() is None:
        try:
            most = max(most, process.memory_info().rss)
        except psutil.Error:
            break
        time.sleep(0.05)
    assert process.wait() == 0, command
    return time.perf_counter() - begun, most / 1e6


def prove() -> dict[str, object]:
    """Export all of it by each way."""
    filled = os.environ.get("PROOF_DSN")
    if filled is not None:
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            return export_all(filled, Path(folder))
    with own_store() as (dsn, own):
        asyncio.run(fill(dsn))
        return export_all(dsn, own)


def export_all(dsn: str, folder: Path) -> dict[str, object]:
    """Return rows a second and memory of each way, beside `psql \\copy`."""
    env = {**os.environ, "CITYWATCH_STORE__DSN": dsn}
    text = (
        "SELECT t.device_id, t.property, t.unit, o.phenomenon_time, o.received_at, o.result, o.quality, o.tests"
        " FROM observation AS o JOIN datastream AS t USING (datastream_id)"
    )
    copied, _ = measured(["psql", dsn, "-c", f"\\copy ({text}) TO '{folder}/psql.csv' CSV HEADER"], env)
    figures: dict[str, object] = {"rows": ROWS, "psql_copy_rows_per_s": round(ROWS / copied)}
    for kind in ("csv", "parquet"):
        path = folder / f"all.{kind}"
        seconds, memory = measured([sys.executable, "-m", "citywatch", "export", str(path)], env)
        reader = "read_csv" if kind == "csv" else "read_parquet"
        (found,) = duckdb.sql(f"SELECT count(*), count(result) FROM {reader}('{path}')").fetchall()
        assert found == (ROWS, ROWS - ROWS // 1000), f"{kind} holds {found}"
        assert memory < MEMORY, f"{kind} took {memory:.0f} MB"
        figures[kind] = {
            "rows_per_s": round(ROWS / seconds),
            "of_psql_copy": round(copied / seconds, 2),
            "memory_mb": round(memory),
            "bytes_per_row": round(path.stat().st_size / ROWS, 1),
        }
    seconds, memory = measured(
        [sys.executable, "-m", "citywatch", "export", str(folder / "parts"), "--partitioned"], env
    )
    counted = duckdb.sql(
        "SELECT domain, count(DISTINCT day), count(*) FROM"
        f" read_parquet('{folder}/parts/**/*.parquet', hive_partitioning = true)"
        " GROUP BY domain ORDER BY domain"
    ).fetchall()
    assert sum(row[2] for row in counted) == ROWS, counted
    assert memory < MEMORY, f"the partitioned export took {memory:.0f} MB"
    figures["partitioned"] = {
        "rows_per_s": round(ROWS / seconds),
        "memory_mb": round(memory),
        "days": {domain: days for domain, days, _ in counted},
    }
    return figures
