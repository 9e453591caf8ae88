"""What is usual at an hour, and the next day's highest: from weeks of hours that stand in the rollups already."""

from datetime import timedelta

import pytest

from indicators.again import recompute
from tests.integration.indicators.deriving import DAY, HOUR, MINUTE, City
from tests.integration.storing import Row

PAST = """
INSERT INTO rollup_hour (datastream_id, bucket, n, n_good, n_all, sum, sin_sum, cos_sum, min, max, last, last_time)
SELECT $1, at, 12, 12, 12, 12 * v, 0, 0, v, v, v, at
  FROM generate_series($2::timestamptz, $3::timestamptz, '1 hour') AS at
 CROSS JOIN LATERAL (SELECT 50 + 10 * sin(extract(hour FROM at) / 24 * 6.283185)
                            + extract(week FROM at)::int % 3 AS v) AS v"""
PAST_WEEKS = 5


async def six_hours(city: City, stream: int, value: float) -> None:
    """Report until six in the morning of the day, after five weeks of hours."""
    await city.pool.execute(PAST, stream, DAY - timedelta(weeks=PAST_WEEKS), DAY - HOUR)
    await city.report([Row(stream, DAY + at * 5 * MINUTE, value, 1) for at in range(72)], DAY)
    await city.settle(DAY + 6 * HOUR + 15 * MINUTE)


async def test_an_hour_that_is_not_usual_says_how_far_it_is_off(city: City) -> None:
    streams = await city.add("gate", ["vehicle_speed"])
    await six_hours(city, streams["vehicle_speed"], 20.0)
    usual = await city.derived("gate", "vehicle_speed_usual")
    off = await city.derived("gate", "vehicle_speed_deviation")
    assert list(usual) == [DAY + hour * HOUR for hour in range(1, 7)]
    assert usual[DAY + HOUR] == pytest.approx(51, abs=1)
    assert all(each is not None and each < -3.5 for each in off.values())
    await recompute(city.connection, DAY + HOUR, DAY + 7 * HOUR, DAY + 7 * HOUR, lambda done, total: None)
    assert await city.derived("gate", "vehicle_speed_deviation") == off


async def test_the_highest_hour_of_the_next_day_is_an_observation(city: City) -> None:
    streams = await city.add("station", ["no2"])
    new = await city.add("young", ["no2"])
    await city.report([Row(new["no2"], DAY + at * 5 * MINUTE, 30.0, 1) for at in range(72)], DAY)
    await six_hours(city, streams["no2"], 60.0)
    found = await city.derived("station", "no2_next_day")
    assert list(found) == [DAY + 6 * HOUR], "one for each six hours"
    highest = found[DAY + 6 * HOUR]
    assert highest is not None and 55 < highest < 75, "the wave stands at 60 by then, and the last hours were above it"
    assert await city.derived("young", "no2_next_day") == {}, "six hours are no history"
    unit, method = await city.pool.fetchrow("SELECT unit, method FROM datastream WHERE property = 'no2_next_day'")  # type: ignore[misc]
    assert (unit, "next 24 h" in method) == ("ug/m3", True)
