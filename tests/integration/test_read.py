from datetime import UTC, datetime, timedelta

import pytest

from citywatch.errors import StoreError
from sql.connection import Pool
from sql.fold import fold_once
from sql.queries import query
from sql.read import read_counts, read_profile, read_series
from tests.integration.storing import Row, add_streams, make_room, write

START = datetime(2026, 1, 5, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def streams(pool: Pool) -> list[int]:
    """Two datastreams in the north and one in no district, each with 2 days of minutes, folded."""
    streams = await add_streams(pool, ["pm2_5", "wind_direction"], "north") + await add_streams(pool, ["pm2_5"])
    await make_room(pool, [START])
    async with pool.acquire() as connection:
        for stream, base in zip(streams, (10.0, 350.0, 30.0), strict=True):
            rows = [
                Row(stream, START + timedelta(minutes=m), (base + 20 * (m % 2)) % 360, 4 if m % 10 == 9 else 1)
                for m in range(2 * 1440)
                if not 600 <= m < 660  # an hour without a word
            ]
            async with connection.transaction():
                await write(connection, rows, START)
        await fold_once(connection, 100_000)
    return streams


async def test_series_of_a_day_is_raw_and_breaks_at_gaps_and_failures(pool: Pool, streams: list[int]) -> None:
    series = await read_series(pool, streams[0], START, START + DAY, points=2000)
    assert series.resolution == "raw"
    assert (series.device_id, series.property, series.unit) == ("device-0", "pm2_5", "1")
    values = [point.value for point in series.points]
    assert len([value for value in values if value is not None]) == (1440 - 60) * 9 // 10
    silent = [p for p in series.points if START + 10 * HOUR <= p.time < START + 11 * HOUR]
    assert [point.value for point in silent] == []  # the gap is marked at 09:59, where a failed reading stands
    thinned = await read_series(pool, streams[0], START, START + DAY, points=200)
    assert len([p for p in thinned.points if p.value is not None]) <= 200


@pytest.mark.parametrize("resolution", ["minute", "quarter", "hour", "day"])
async def test_series_from_a_rollup_says_mean_extremes_and_good_share(
    pool: Pool, streams: list[int], resolution: str
) -> None:
    series = await read_series(pool, streams[2], START, START + 9 * HOUR, resolution=resolution)  # type: ignore[arg-type]
    first = series.points[0]
    if resolution == "minute":
        assert (first.value, first.min, first.max, first.n, first.good_share) == (30.0, 30.0, 30.0, 1, 1.0)
    else:
        # Of ten minutes the last, a high one, has failed: 5 low and 4 high ones count.
        assert first.value == pytest.approx((5 * 30 + 4 * 50) / 9, abs=0.5)
        assert (first.min, first.max) == (30.0, 50.0)
        assert first.good_share == pytest.approx(0.9, abs=0.05)


async def test_series_of_a_direction_turns_through_north(pool: Pool, streams: list[int]) -> None:
    series = await read_series(pool, streams[1], START, START + DAY, resolution="hour")
    first = series.points[0]
    assert first.value is not None
    assert min(first.value, 360 - first.value) < 2
    assert first.min is None


async def test_series_merges_buckets_to_the_points_asked_for(pool: Pool, streams: list[int]) -> None:
    series = await read_series(pool, streams[0], START, START + 2 * DAY, points=50)
    assert series.resolution == "quarter"
    assert 40 <= len(series.points) <= 51
    assert sum(point.n or 0 for point in series.points) == (2880 - 60) * 9 // 10


async def test_series_of_nothing_is_refused(pool: Pool, streams: list[int]) -> None:
    with pytest.raises(StoreError, match="no datastream 999"):
        await read_series(pool, 999, START, START + DAY)
    with pytest.raises(StoreError, match="empty"):
        await read_series(pool, streams[0], START, START)


async def test_profile_is_the_mean_of_all_readings_of_city_or_district(pool: Pool, streams: list[int]) -> None:
    city = await read_profile(pool, "pm2_5", START, START + DAY)
    north = await read_profile(pool, "pm2_5", START, START + DAY, district_id="north")
    assert (city.resolution, city.unit) == ("hour", "1")
    assert city.points[0].n == 2 * 54
    assert (city.points[0].value, north.points[0].value) == pytest.approx((350 / 9 - 10, 350 / 9 - 20))
    assert [p.value for p in city.points if START + 10 * HOUR <= p.time < START + 11 * HOUR] == [None]
    assert (await read_profile(pool, "pm2_5", START, START + DAY, domain="waste")).points == []
    with pytest.raises(StoreError, match="not by minute"):
        await read_profile(pool, "pm2_5", START, START + DAY, resolution="minute")


async def test_counts_cover_the_city_and_this_hour(pool: Pool, streams: list[int]) -> None:
    await pool.execute(
        "INSERT INTO delivery_account VALUES ('a', $1, 10, 9, 1, 20, 15, 3, 2), ('a', $2, 5, 5, 0, 5, 4, 0, 0)",
        START,
        START + HOUR,
    )
    counts = await read_counts(pool, START + timedelta(minutes=5))
    assert (counts.devices, counts.datastreams, counts.messages_this_hour) == (2, 3, 15)
    assert counts.observations == await pool.fetchval("SELECT count(*) FROM observation")


async def test_messages_of_the_last_minute_are_counted_and_in_a_flood_reckoned(pool: Pool) -> None:
    first, second = (await add_streams(pool, ["pm2_5"], "north") + await add_streams(pool, ["pm10"], "south"))[:2]
    written = (
        "INSERT INTO ingest_batch (seq, datastream_id, phenomenon_time, received_at, result, quality)"
        " SELECT $1::int + batch, array_agg($2::int), array_agg(at), array_agg(at), array_agg(1.0),"
        "        array_agg(1::smallint)"
        "   FROM generate_series(1, $3::int) AS batch, generate_series(1, 5000) AS n,"
        "        LATERAL (SELECT now() + (batch * 5000 + n) * interval '1 us') AS m (at)"
        "  GROUP BY batch"
    )
    asked = query("api", "messages_last_minute")
    assert await pool.fetchval(asked) == 0
    await pool.execute(written, 0, first, 2)
    assert await pool.fetchval(asked) == 10_000
    await pool.execute(written, 100, second, 8)  # 50,000 readings in all: the newest 20,000 are looked at
    assert await pool.fetchval(asked) == 50_000
