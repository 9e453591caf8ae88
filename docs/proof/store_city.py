"""A month of a city in the store: how fast it is read, what it takes, and what continuous aggregates would do."""

import json
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from citywatch.setting_groups import StoreSettings
from citywatch.settings import Settings
from docs.proof.store_servers import migrated, scale
from sql.care import look_after
from sql.connection import Connection, Pool
from sql.engine import detect_engine
from sql.observations import store_observations
from sql.pool import open_pool
from sql.queries import query
from sql.store_status import read_store_status

STREAMS, DAYS, ROWS = 3000, 30, 20_000_000
PROPERTIES = 10
END = datetime(2026, 6, 1, tzinfo=UTC)  # a Monday
START = END - timedelta(days=DAYS)
ONE = 1500  # the datastream that is looked at
RUNS = 15
MOST = {
    "latest of all": 15.0,
    "24 h of one to 500 points": 20.0,
    "30 days of one, raw": 50.0,
    "city-wide hourly over 30 days": 20.0,
    "400 days of daily rollups": 10.0,
}  # ms

REGISTRY = """
INSERT INTO district (district_id, name, polygon) SELECT 'd' || i, 'd' || i, '{}' FROM generate_series(0, 7) AS i;
INSERT INTO device (device_id, profile, domain, district_id, longitude, latitude)
     SELECT 'device-' || i, 'citywatch/native', (ARRAY['air', 'traffic', 'waste'])[1 + i % 3], 'd' || i % 8,
            18 + random(), 59 + random()
       FROM generate_series(0, 299) AS i;
INSERT INTO datastream (device_id, property, unit)
     SELECT 'device-' || i, 'property_' || p, '1' FROM generate_series(0, 299) AS i, generate_series(0, 9) AS p;
INSERT INTO fold_stream SELECT s.datastream_id, s.property, d.domain, d.district_id, false
  FROM datastream AS s JOIN device AS d USING (device_id);
"""
# In the order in which a city sends: time after time, all datastreams. Values of one decimal that wander through the
# day, stamps to the second, arrivals to the millisecond.
FILL = """
INSERT INTO observation (datastream_id, phenomenon_time, received_at, result, quality)
SELECT s, at + offs, at + offs + (50 + 1950 * random())::int * interval '1 ms',
       round((20 + s % 50 + 8 * sin(extract(epoch FROM at) / 13751) + random() * 2)::numeric, 1)::float8,
       CASE WHEN random() < 0.01 THEN 3 ELSE 1 END
  FROM generate_series($1::timestamptz, $2::timestamptz - interval '1 us', $3::interval) AS at
 CROSS JOIN LATERAL (SELECT s, (s % 60) * interval '1 s' AS offs FROM generate_series(1, 3000) AS s) AS stream
"""
HOUR = """
INSERT INTO rollup_hour (datastream_id, bucket, n, n_good, n_all, sum, sin_sum, cos_sum, min, max, last, last_time)
SELECT datastream_id, time_bucket('1 hour', phenomenon_time), count(*), count(*) FILTER (WHERE quality = 1),
       count(*), sum(result), 0, 0, min(result), max(result), NULL, max(phenomenon_time)
  FROM observation GROUP BY 1, 2
"""
DAY = """
INSERT INTO rollup_day (datastream_id, bucket, n, n_good, n_all, sum, sin_sum, cos_sum, min, max, last, last_time)
SELECT datastream_id, time_bucket('1 day', bucket), sum(n), sum(n_good), sum(n_all), sum(sum), 0, 0, min(min), max(max),
       NULL, max(last_time)
  FROM rollup_hour GROUP BY 1, 2
"""
AREA = """
INSERT INTO {table}
SELECT s.property, r.bucket, s.domain, s.district_id, sum(n), sum(n_good), sum(n_all), sum(sum), 0, 0
  FROM {single} AS r JOIN fold_stream AS s USING (datastream_id) GROUP BY 1, 2, 3, 4
"""
LATEST = """
INSERT INTO latest_observation SELECT datastream_id, o.* FROM datastream CROSS JOIN LATERAL (
    SELECT phenomenon_time, received_at, result, quality FROM observation
     WHERE datastream_id = datastream.datastream_id ORDER BY phenomenon_time DESC LIMIT 1) AS o
"""
LONG = """
INSERT INTO rollup_day (datastream_id, bucket, n, n_good, n_all, sum, sin_sum, cos_sum, min, max)
SELECT $1, $2::timestamptz - i * interval '1 day', 200, 200, 200, 4000, 0, 0, 1, 40 FROM generate_series(1, 370) AS i
"""


async def build(pool: Pool) -> int:
    """Fill the store with a month of a city and return the number of observations."""
    interval = timedelta(seconds=DAYS * 86400 * STREAMS / (ROWS * scale()))
    async with pool.acquire() as connection:
        await connection.execute("SET statement_timeout = 0")
        await connection.execute(REGISTRY)
        engine = await detect_engine(connection)
        await engine.ensure(connection, [START + timedelta(days=day) for day in range(DAYS + 1)])
        at, total = START, 0
        while at < END:
            until = min(END, at + max(interval, timedelta(days=1)))
            status = await connection.execute(FILL, at, until, interval)
            total += int(status.rsplit(" ", 1)[1])
            at += -(-(until - at) // interval) * interval
    return total


async def roll_up(pool: Pool) -> None:
    """Fill the rollups and the latest observations that the fold would have kept."""
    async with pool.acquire() as connection:
        await connection.execute("SET statement_timeout = 0; SET work_mem = '1GB'")
        await connection.execute(HOUR)
        await connection.execute(DAY)
        for table in ("hour", "day"):
            await connection.execute(AREA.format(table=f"rollup_area_{table}", single=f"rollup_{table}"))
        await connection.execute(LATEST)
        await connection.execute(LONG, ONE, START)
        await connection.execute("VACUUM ANALYZE")


async def server_time(connection: Connection, text: str, *arguments: object) -> float:
    """Return what the server needs to plan and execute, in ms: the median of warm runs."""
    times = []
    for _ in range(RUNS + 3):
        (row,) = await connection.fetch(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {text}", *arguments)
        plan = row[0] if isinstance(row[0], list) else json.loads(row[0])
        times.append(plan[0]["Planning Time"] + plan[0]["Execution Time"])
    return round(float(statistics.median(times[3:])), 2)


async def reads(pool: Pool) -> dict[str, float]:
    """Return the server time of each read a screen makes, in ms."""
    day, hour = timedelta(days=1), timedelta(hours=1)
    raw, rollup = query("read", "series_raw"), query("read", "series_rollup")
    asked: dict[str, tuple[Any, ...]] = {
        "latest of all": (query("api", "latest"), None, None, None, None),
        "24 h of one to 500 points": (raw, ONE, END - day, END),
        "30 days of one, raw": (raw, ONE, START, END),
        "30 days of one, by hour": (rollup.replace("rollup_minute", "rollup_hour"), ONE, START, END, hour),
        "city-wide hourly over 30 days": (query("read", "profile"), "property_3", START, END, None, None),
        "400 days of daily rollups": (
            rollup.replace("rollup_minute", "rollup_day"),
            ONE,
            END - 400 * day,
            END,
            day,
        ),
    }
    async with pool.acquire() as connection:
        return {name: await server_time(connection, *call) for name, call in asked.items()}


async def pack(pool: Pool) -> dict[str, float]:
    """Pack every complete week, as the product does, and return how long it took."""
    started = time.monotonic()
    settings = Settings(store=StoreSettings(pack_after=timedelta(0)))
    done = await look_after(pool, settings, END + timedelta(days=7))
    seconds = time.monotonic() - started
    async with pool.acquire() as connection:
        await connection.execute("SET statement_timeout = 0")
        await connection.execute("VACUUM ANALYZE")
    return {"weeks": len(done.packed), "seconds": round(seconds, 1)}


async def late(pool: Pool) -> dict[str, float]:
    """Return the ms that 1,000 rows into packed weeks take: new ones of many datastreams, and the same again."""
    times = [START + timedelta(days=9, seconds=1.5 * number) for number in range(1000)]
    streams = [1 + number * 7 % STREAMS for number in range(1000)]
    found = {}
    async with pool.acquire() as connection:
        for name in ("new", "again"):
            started = time.perf_counter()
            row = await store_observations(
                connection,
                datastreams=streams,
                times=times,
                received=times,
                results=[1.0] * 1000,
                quality=[1] * 1000,
                tests=[0] * 1000,
            )
            assert row["stored"] == (1000 if name == "new" else 0)
            found[name] = round(1000 * (time.perf_counter() - started), 1)
    return found


async def month(dsn: str) -> dict[str, object]:
    """Build the month, row after row as it would have come in."""
    pool = await migrated(dsn)
    try:
        return {"rows": await build(pool), "bytes": await _size(pool)}
    finally:
        await pool.close()


async def rollups(dsn: str) -> dict[str, object]:
    """Build the rollups of the month."""
    pool = await open_pool(dsn, process="proof", size=1)
    try:
        await roll_up(pool)
        return {"bytes": await _size(pool)}
    finally:
        await pool.close()


async def as_ingested(dsn: str) -> dict[str, object]:
    """Read the month before any week of it is packed: the most that a reader meets with, and not promised."""
    pool = await open_pool(dsn, process="proof", size=1)
    try:
        return {"server_ms": await reads(pool)}
    finally:
        await pool.close()


async def packing(dsn: str, engine: str) -> dict[str, object]:
    """Pack the month as the product does, and weigh it; raises AssertionError where it takes too much room."""
    pool = await open_pool(dsn, process="proof", size=2)
    try:
        figures: dict[str, Any] = dict(await pack(pool))
        status = await read_store_status(pool, Settings())
        figures["bytes_per_row"] = round(status.packed_bytes_per_row or 0, 1)
        figures["packed_share"] = status.packed_share
    finally:
        await pool.close()
    assert figures["packed_share"] == 1, figures
    # Segments of a small run hold too few rows to compress well: judged at a quarter of the full size and above.
    assert engine == "plain" or scale() < 0.25 or figures["bytes_per_row"] <= 16, figures
    return figures


async def packed(dsn: str) -> dict[str, object]:
    """Read the packed month; raises AssertionError where a promise is missed."""
    pool = await open_pool(dsn, process="proof", size=1)
    try:
        found = await reads(pool)
    finally:
        await pool.close()
    slow = {name: found[name] for name, most in MOST.items() if found[name] >= most}
    assert not slow, {"server_ms": found, "missed": slow}
    return {"server_ms": found, "promised_ms": MOST}


async def lateness(dsn: str, engine: str) -> dict[str, object]:
    """Write late rows into packed weeks, and on TimescaleDB compare continuous aggregates with our rollups."""
    pool = await open_pool(dsn, process="proof", size=1)
    try:
        figures: dict[str, object] = {"late_1000_ms": await late(pool)}
        if engine == "timescale":
            figures["continuous_aggregates"] = await continuous_aggregates(pool)
        return figures
    finally:
        await pool.close()


async def _size(pool: Pool) -> int:
    return int(await pool.fetchval(query("care", "database_size")))


async def continuous_aggregates(pool: Pool) -> dict[str, object]:
    """Measure what TimescaleDB's own rollups do with the same month: build, size, read, and late rows."""
    create = (
        "CREATE MATERIALIZED VIEW cagg_hour WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS"
        " SELECT datastream_id, time_bucket('1 hour', phenomenon_time) AS bucket, count(*) AS n, sum(result) AS sum,"
        " min(result) AS min, max(result) AS max FROM observation WHERE quality <= 3 GROUP BY 1, 2 WITH NO DATA"
    )
    one = "SELECT bucket, n, sum, min, max FROM cagg_hour WHERE datastream_id = $1 AND bucket >= $2 AND bucket < $3"
    whole = (
        "SELECT bucket, sum(n), sum(sum) FROM cagg_hour JOIN datastream USING (datastream_id)"
        " WHERE property = $1 AND bucket >= $2 AND bucket < $3 GROUP BY bucket"
    )
    async with pool.acquire() as connection:
        await connection.execute("SET statement_timeout = 0")
        await connection.execute(create)
        refresh = f"CALL refresh_continuous_aggregate('cagg_hour', '{START.isoformat()}', '{END.isoformat()}')"
        started = time.monotonic()
        await connection.execute(refresh)
        built = time.monotonic() - started
        found = {
            "build_s": round(built, 1),
            "bytes": await connection.fetchval("SELECT hypertable_size('cagg_hour')"),
            "rollup_hour_bytes": await connection.fetchval("SELECT pg_total_relation_size('rollup_hour')"),
            "one_30_days_ms": await server_time(connection, one, ONE, START, END),
            "city_30_days_ms": await server_time(connection, whole, "property_3", START, END),
        }
        times = [START + timedelta(days=8, seconds=1.5 * number + 0.5) for number in range(1000)]
        await connection.execute(
            "INSERT INTO observation (datastream_id, phenomenon_time, received_at, result, quality)"
            " SELECT s, t, t, 1, 1 FROM unnest($1::int[], $2::timestamptz[]) AS u (s, t)",
            [1 + number * 7 % STREAMS for number in range(1000)],
            times,
        )
        # Late rows are not seen until the next refresh: the real-time part begins where the materialised one ends.
        seen = await connection.fetchval("SELECT sum(n) FROM cagg_hour WHERE bucket < $1", END)
        started = time.monotonic()
        await connection.execute(refresh)
        found["refresh_after_1000_late_rows_s"] = round(time.monotonic() - started, 2)
        found["late_rows_missing_before"] = (
            await connection.fetchval("SELECT sum(n) FROM cagg_hour WHERE bucket < $1", END) - seen
        )
        await connection.execute("DROP MATERIALIZED VIEW cagg_hour")
    return found
