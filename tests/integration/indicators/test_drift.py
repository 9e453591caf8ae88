"""A day's offset against the stations around, through the store."""

from datetime import timedelta

from indicators.derived import Kind
from indicators.drift_windows import derive_drift
from indicators.dues import Due
from tests.integration.indicators.deriving import DAY, HOUR, City
from tests.integration.storing import Row


async def test_a_station_is_held_against_the_median_of_those_around(city: City) -> None:
    levels = {"here": 50.0, "near-1": 40.0, "near-2": 42.0, "near-3": 90.0, "far": 500.0}
    rows = []
    for at, (name, level) in enumerate(levels.items()):
        streams = await city.add(name, ["no2"], HOUR)
        rows += [Row(streams["no2"], DAY + hour * HOUR, level, 1) for hour in range(24)]
        place = (46.9 + (0.5 if name == "far" else 0.002 * at), 7.4)
        await city.pool.execute("UPDATE device SET latitude = $2, longitude = $3 WHERE device_id = $1", name, *place)
    await city.report(rows, DAY)
    await city.settle(DAY + timedelta(days=1, hours=1))
    # Of the three around, the one that reads 90 carries little weight.
    assert await city.derived("here", "no2_offset") == {DAY + timedelta(days=1): 8.0}
    assert await city.derived("near-3", "no2_offset") == {DAY + timedelta(days=1): 48.0}
    assert await city.derived("far", "no2_offset") == {}, "no station within three kilometres"
    assert await city.derived("here", "no2_drift") == {}, "four weeks are needed"


HOURS = """
INSERT INTO rollup_hour (datastream_id, bucket, n, n_good, n_all, sum, sin_sum, cos_sum, min, max, last, last_time)
SELECT $1, at, 1, 1, 1, v, 0, 0, v, v, v, at
  FROM generate_series(0, $2::int * 24 - 1) AS hour
 CROSS JOIN LATERAL (SELECT $3::timestamptz + hour * interval '1 hour' AS at,
                            40 + hour % 5 + $4::float8 + $5::float8 * greatest(0, hour / 24 - 28) AS v) AS v"""


async def test_a_sensor_that_drifts_is_told_and_days_worked_out_at_once_build_on_each_other(city: City) -> None:
    days = 36
    for at, name in enumerate(["drifting", "near-1", "near-2", "near-3"]):
        streams = await city.add(name, ["no2"], HOUR)
        await city.pool.execute(
            "UPDATE device SET latitude = $2, longitude = 7.4 WHERE device_id = $1", name, 46.9 + 0.002 * at
        )
        per_day = 3.0 if name == "drifting" else 0.0
        await city.pool.execute(HOURS, streams["no2"], days, DAY, 0.1 * at, per_day)
    ends = [DAY + timedelta(days=day) for day in range(1, days + 1)]
    dues = [Due(name, Kind.HEALTH, end, HOUR) for name in ("near-1", "drifting") for end in ends]
    found = {
        (each.device_id, each.time): each.value.result
        for each in await derive_drift(city.connection, dues)
        if each.property == "no2_drift"
    }
    assert [found["drifting", end] for end in ends[:27]] == [None] * 27
    assert abs(found["drifting", ends[27]] or 0.0) < 5 < (found["drifting", ends[-1]] or 0.0)
    assert abs(found["near-1", ends[-1]] or 0.0) < 5
