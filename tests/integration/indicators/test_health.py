"""A device's completeness through the store, by its registration and by the rhythm that was learned."""

from datetime import timedelta

from tests.integration.indicators.deriving import DAY, MINUTE, City
from tests.integration.storing import Row


async def test_a_device_registered_with_another_rhythm_is_told_as_such(city: City) -> None:
    streams = await city.add("air", ["co2"], 15 * MINUTE)
    rows = [Row(streams["co2"], DAY + at * 60 * MINUTE, 400.0, 1) for at in range(24)]
    await city.report(rows, rows[-1].phenomenon_time)
    await city.pool.execute(
        "INSERT INTO device_presence (device_id, learned_interval, learned_at) VALUES ('air', $1, $2)",
        timedelta(hours=1),
        rows[-1].phenomenon_time,
    )
    end = DAY + timedelta(days=1)
    await city.settle(end + timedelta(hours=1))
    quality = await city.pool.fetch(
        "SELECT property, result, quality FROM observation JOIN datastream USING (datastream_id)"
        " WHERE method IS NOT NULL AND phenomenon_time = $1 ORDER BY property",
        end,
    )
    assert [tuple(row) for row in quality] == [("completeness", 25.0, 3), ("completeness_by_rhythm", 100.0, 1)]
