"""What Grafana and notebooks may read, as the role they come with; and devices by place."""

import random
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from devices.geometry import distance_between
from sql.connection import Connection, Pool
from sql.fold import fold_once
from sql.queries import query
from tests.integration.storing import Row, add_streams, make_room, write

START = datetime(2026, 1, 5, tzinfo=UTC)
VIEWS = [
    "alert",
    "area_hour",
    "datastream",
    "day",
    "delivery",
    "device",
    "hour",
    "latest",
    "observation",
    "quarter_hour",
]


async def test_the_reader_sees_the_views_and_nothing_else(pool: Pool) -> None:
    streams = await add_streams(pool, ["pm2_5", "wind_direction"], "north")
    await make_room(pool, [START])
    async with pool.acquire() as connection:
        rows = [Row(s, START + timedelta(minutes=m), 350.0 + 20 * (m % 2), 1) for s in streams for m in range(60)]
        async with connection.transaction():
            await write(connection, [row._replace(result=(row.result or 0) % 360) for row in rows], START)
        await fold_once(connection)
        async with connection.transaction():
            await connection.execute("SET LOCAL ROLE citywatch_reader")
            for view in VIEWS:
                await connection.fetch(f"SELECT * FROM analytics.{view}")
            hours = {r["property"]: r["mean"] for r in await connection.fetch("SELECT * FROM analytics.hour")}
            assert hours["pm2_5"] == pytest.approx(180)
            assert min(hours["wind_direction"], 360 - hours["wind_direction"]) < 1e-6
            area = await connection.fetchrow(
                "SELECT n, mean, district_id FROM analytics.area_hour WHERE property = 'pm2_5'"
            )
            assert area is not None
            assert tuple(area) == (60, pytest.approx(180), "north")
            assert await connection.fetchval("SELECT count(*) FROM analytics.observation WHERE trusted") == 120
        for statement in ("SELECT * FROM device", "DELETE FROM analytics.delivery", "CREATE TABLE analytics.mine ()"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with connection.transaction():
                    await connection.execute("SET LOCAL ROLE citywatch_reader")
                    await connection.execute(statement)
    found = await pool.fetch("SELECT viewname::text FROM pg_views WHERE schemaname = 'analytics' ORDER BY 1")
    assert [row[0] for row in found] == VIEWS


@pytest.fixture
async def places(pool: Pool) -> dict[str, tuple[float, float]]:
    """5,000 devices over a city far north, where a degree of longitude is short."""
    dice = random.Random(5)
    places = {f"d-{n}": (dice.uniform(18, 18.5), dice.uniform(59, 59.5)) for n in range(5000)}
    await pool.execute(
        "INSERT INTO device (device_id, profile, domain, longitude, latitude)"
        " SELECT i, 'citywatch/native', 'air', x, y FROM unnest($1::text[], $2::float8[], $3::float8[]) AS u (i, x, y)",
        list(places),
        [place[0] for place in places.values()],
        [place[1] for place in places.values()],
    )
    await pool.execute("INSERT INTO device (device_id, profile, domain) VALUES ('nowhere', 'citywatch/native', 'air')")
    await pool.execute("ANALYZE device")
    return places


async def test_nearest_is_exact_and_by_index(pool: Pool, places: dict[str, tuple[float, float]]) -> None:
    for at in ((18.25, 59.25), (18.0, 59.5), (30.0, 65.0)):
        wanted = sorted((distance_between(at, place), name) for name, place in places.items())[:20]
        found = await pool.fetch("SELECT * FROM analytics.nearest($1, $2, 20)", *at)
        assert [row["device_id"] for row in found] == [name for _, name in wanted]
        assert [row["metres"] for row in found] == pytest.approx([far for far, _ in wanted])
    assert await pool.fetch("SELECT * FROM analytics.nearest(18, 59, 0)") == []
    async with pool.acquire() as connection:
        before = await index_scans(connection)
        await connection.fetch("SELECT * FROM analytics.nearest(18, 59, 3)")
        await connection.execute("SELECT pg_stat_force_next_flush()")
        assert await index_scans(connection) >= before + 2


async def index_scans(connection: Connection) -> int:
    return int(
        await connection.fetchval("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'device_by_place'")
    )


async def test_a_box_of_the_map_is_found_by_index(pool: Pool, places: dict[str, tuple[float, float]]) -> None:
    box = [18.1, 59.1, 18.15, 59.15]
    inside = {n for n, (x, y) in places.items() if box[0] <= x <= box[2] and box[1] <= y <= box[3]}
    arguments = (None, None, None, None, None, box, None, 10_000, None)
    found = await pool.fetch(query("api", "devices"), *arguments)
    assert {row["device_id"] for row in found} == inside
    plan = "\n".join(row[0] for row in await pool.fetch(f"EXPLAIN {query('api', 'devices')}", *arguments))
    assert "device_by_place" in plan, plan
