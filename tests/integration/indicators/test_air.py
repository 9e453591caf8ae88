"""Hourly air indices through the store: equal to the pure functions, corrected by late data, repeated by nothing."""

import random
from datetime import datetime, timedelta
from fractions import Fraction

import pytest

from indicators.air_units import to_mass, to_volume_parts
from indicators.european_aqi import european_aqi
from indicators.nowcast import nowcast_o3, nowcast_pm
from indicators.us_aqi import us_aqi
from tests.integration.indicators.deriving import DAY, HOUR, MINUTE, City
from tests.integration.storing import Row

POLLUTANTS = ["pm2_5", "pm10", "no2", "o3"]
Means = dict[str, dict[datetime, float]]


def a_day(streams: dict[str, int], seed: int, hours: int = 24) -> list[Row]:
    """Five-minute readings with one decimal; each hour of each pollutant has its own level."""
    dice = random.Random(seed)
    rows = []
    for name in POLLUTANTS:
        for hour in range(hours):
            level = dice.choice([4.0, 9.0, 20.0, 60.0])
            rows += [
                Row(streams[name], DAY + hour * HOUR + at * 5 * MINUTE, round(level + dice.uniform(-3, 3), 1), 1)
                for at in range(12)
            ]
    return rows


def hour_means(streams: dict[str, int], rows: list[Row]) -> Means:
    """Exact means of hours with at least nine of twelve readings."""
    means: Means = {}
    for name, stream in streams.items():
        groups: dict[datetime, list[Fraction]] = {}
        for row in rows:
            if row.datastream_id == stream and row.result is not None and row.quality <= 3:
                hour = row.phenomenon_time.replace(minute=0)
                groups.setdefault(hour, []).append(Fraction(str(row.result)))
        means[name] = {hour: float(sum(those) / len(those)) for hour, those in groups.items() if len(those) >= 9}
    return means


def expected(means: Means, end: datetime) -> tuple[float | None, float | None, float | None]:
    """Return NowCast, US AQI and European level for the hour that ends at `end`, by the pure functions alone."""
    last = {name: [those.get(end - age * HOUR) for age in range(1, 13)] for name, those in means.items()}
    quantities: dict[str, float] = {}
    nowcasts = {name: nowcast_pm(last[name], name) for name in ("pm2_5", "pm10")}
    quantities |= {name: each.reported for name, each in nowcasts.items() if each is not None}
    ozone = [None if each is None else to_volume_parts("o3", each, "eu") for each in last["o3"]]
    if surrogate := nowcast_o3(ozone):
        quantities["o3_8h"] = surrogate.reported / 1000
    if ozone[0] is not None:
        quantities["o3_1h"] = ozone[0] / 1000
    if last["no2"][0] is not None:
        quantities["no2_1h"] = to_volume_parts("no2", last["no2"][0], "eu")
    fine = nowcasts["pm2_5"]
    now = {name: those[0] for name, those in last.items() if those[0] is not None}
    return None if fine is None else fine.reported, us_aqi(quantities).value, european_aqi(now).value


async def check(city: City, means: Means, ends: list[datetime]) -> None:
    for at, name in enumerate(("nowcast_pm2_5", "us_aqi", "european_aqi")):
        wanted = {end: value for end in ends if (value := expected(means, end)[at]) is not None}
        found = {time: value for time, value in (await city.derived("station", name)).items() if value is not None}
        assert found == wanted, name


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_day_of_readings_gives_what_the_pure_functions_say(city: City, seed: int) -> None:
    streams = await city.add("station", POLLUTANTS)
    rows = a_day(streams, seed)
    random.Random(seed).shuffle(rows)
    for part in range(0, len(rows), 300):
        await city.report(rows[part : part + 300], DAY)
        await city.settle(DAY)
    assert await city.derived("station", "us_aqi") == {}, "no hour is complete by the clock yet"
    await city.settle(DAY + 24 * HOUR + 10 * MINUTE)
    await check(city, hour_means(streams, rows), [DAY + hour * HOUR for hour in range(1, 25)])
    recorded = await city.pool.fetch("SELECT property, unit, edition FROM datastream WHERE method IS NOT NULL")
    assert {tuple(row) for row in recorded} >= {
        ("us_aqi", "1", "US EPA AQI 2024"),
        ("nowcast_pm2_5", "ug/m3", "US EPA AQI 2024"),
    }
    await city.check_rollups()


async def test_late_readings_revise_the_hours_they_touch_and_no_other(city: City) -> None:
    streams = await city.add("station", POLLUTANTS)
    rows = a_day(streams, 3)
    late = [row for row in rows if row.datastream_id == streams["pm2_5"] and row.phenomenon_time.hour == 7]
    await city.report([row for row in rows if row not in late], DAY)
    now = DAY + 26 * HOUR
    await city.settle(now)
    before = await city.everything()
    late = [row._replace(result=200.0) for row in late]
    await city.report(late, now)
    done = await city.settle(now)
    after = await city.everything()
    touched = {time for (stream, time), value in after.items() if before.get((stream, time)) != value}
    assert done.revised > 0
    # Hour 7 ends at 8; with NowCast it counts for twelve hours. The day's completeness was complete before.
    assert {DAY + 8 * HOUR} <= touched <= {DAY + hour * HOUR for hour in range(8, 20)}
    rows = [row for row in rows if row[:2] not in {each[:2] for each in late}] + late
    await check(city, hour_means(streams, rows), [DAY + hour * HOUR for hour in range(1, 26)])
    # A quality verdict that comes later takes the hour away again; the revisions leave every rollup exact.
    await city.correct([row._replace(quality=4) for row in late], now)
    await city.settle(now)
    stands = {key: value for key, value in (await city.everything()).items() if value[0] is not None}
    assert stands == {key: value for key, value in before.items() if value[0] is not None}
    await city.check_rollups()
    tail = await city.pool.fetch("SELECT old_result, old_quality FROM ingest_batch WHERE old_result IS NOT NULL")
    assert len(tail) == 3


async def test_a_restart_at_any_point_repeats_and_forgets_nothing(city: City) -> None:
    streams = await city.add("station", POLLUTANTS)
    rows = sorted(a_day(streams, 4), key=lambda row: row.phenomenon_time)
    for part in range(0, len(rows), 96):
        now = rows[part].phenomenon_time
        await city.report(rows[part : part + 96], now)
        await city.settle(now)
        await city.restart()
    await city.settle(DAY + 25 * HOUR)
    await check(city, hour_means(streams, rows), [DAY + hour * HOUR for hour in range(1, 25)])
    tail = await city.pool.fetchval("SELECT max(seq) FROM ingest_batch")
    await city.restart()
    assert (await city.settle(DAY + 25 * HOUR)).new == 0
    assert await city.pool.fetchval("SELECT max(seq) FROM ingest_batch") == tail, "nothing was written twice"
    assert await city.pool.fetchval("SELECT seq FROM consumer_position WHERE consumer = 'indicators'") == tail


async def test_a_replayed_hour_closes_by_its_sources_own_clock(city: City) -> None:
    streams = await city.add("station", POLLUTANTS, source_id="history")
    rows = sorted(a_day(streams, 5), key=lambda row: row.phenomenon_time)
    wall = datetime(2030, 1, 1, tzinfo=DAY.tzinfo)
    for hour in range(24):
        these = [row for row in rows if row.phenomenon_time.hour == hour]
        await city.report(these, wall, {"history": these[-1].phenomenon_time})
        await city.settle(wall)
        closed = [time for time, value in (await city.derived("station", "european_aqi")).items() if value is not None]
        # The clock stands at five to the full hour: the hour before is closed, this one is not.
        assert closed == [DAY + each * HOUR for each in range(1, hour + 1)]


async def test_an_hour_needs_three_quarters_of_its_readings(city: City) -> None:
    streams = await city.add("station", ["no2"])
    rows = [Row(streams["no2"], DAY + at * 5 * MINUTE, 40.0, 1) for at in [*range(8), *range(12, 21)]]
    await city.report(rows, DAY)
    await city.settle(DAY + 6 * HOUR)
    assert await city.derived("station", "european_aqi") == {DAY + 2 * HOUR: 3.0}


async def test_a_value_that_rests_on_doubtful_readings_says_so(city: City) -> None:
    streams = await city.add("station", ["no2"])
    rows = [Row(streams["no2"], DAY + at * 5 * MINUTE, 40.0, 3 if at > 6 else 1) for at in range(12)]
    await city.report(rows, DAY)
    await city.settle(DAY + 2 * HOUR)
    assert {quality for _, quality in (await city.everything()).values()} == {3}


async def test_what_a_device_measures_itself_is_not_overwritten(city: City) -> None:
    streams = await city.add("station", ["no2", "us_aqi"])
    rows = [Row(streams["no2"], DAY + at * 5 * MINUTE, 40.0, 1) for at in range(12)]
    await city.report([*rows, Row(streams["us_aqi"], DAY + HOUR, 7.0, 1)], DAY)
    await city.settle(DAY + timedelta(hours=2))
    assert await city.pool.fetchval("SELECT result FROM observation WHERE datastream_id = $1", streams["us_aqi"]) == 7.0


async def test_an_hour_of_sulphur_dioxide_beyond_its_scale_is_told_by_the_day(city: City) -> None:
    streams = await city.add("station", ["so2"])
    rows = [Row(streams["so2"], DAY + at * 5 * MINUTE, to_mass("so2", 400.5, "eu"), 1) for at in range(24 * 12)]
    await city.report(rows, DAY)
    await city.settle(DAY + 24 * HOUR + 10 * MINUTE)
    found = await city.derived("station", "us_aqi")
    # Eighteen hours make a day.
    assert [found[DAY + hour * HOUR] for hour in (1, 17, 18, 24)] == [200, 200, 232, 232]
