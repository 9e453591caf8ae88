"""Indicators divided by device: all shares together say what one says, also where the city is divided anew."""

import random
from datetime import datetime, timedelta

import pytest

from indicators.again import recompute
from indicators.process import divide
from indicators.worker import Worker
from sql.connection import Connection
from sql.engine import detect_engine
from sql.fold import fold_once
from sql.share import Share
from tests.integration.indicators.deriving import DAY, HOUR, MINUTE, City
from tests.integration.storing import Row


async def shares(connection: Connection, parts: int) -> list[Worker]:
    engine = await detect_engine(connection)
    return [Worker(connection, engine, share=Share(number, parts)) for number in range(parts)]


async def drain(connection: Connection, workers: list[Worker], now: datetime) -> None:
    """Let each take steps until none has anything to do."""
    while any([not (await worker.step(now)).idle for worker in workers]) or await fold_once(connection):
        pass


async def test_shares_of_a_city_divided_anew_under_traffic_say_what_one_says(city: City) -> None:
    dice = random.Random(5)
    measured = {"air": ("pm2_5", 15 * MINUTE), "bin": ("fill_level", 30 * MINUTE), "road": ("vehicle_speed", MINUTE)}
    rows: list[Row] = []
    for kind, (name, every) in measured.items():
        for number in range(4):
            stream = (await city.add(f"{kind}-{number}", [name], every))[name]
            level = dice.uniform(10, 30)
            rows += [
                Row(stream, DAY + at * every, level + at * every / HOUR + dice.uniform(0, 0.5), 1)
                for at in range(int(10 * HOUR / every))
            ]
    division = {2: 3, 5: 2, 8: 1}
    parts, workers = 1, await shares(city.connection, 1)
    for hour in range(11):
        now = DAY + (hour + 1) * HOUR
        some = [each for each in rows if now - HOUR <= each.phenomenon_time < now]
        await city.report(dice.sample(some, len(some)), now, {"live": now})
        await fold_once(city.connection)
        if hour in division:
            for worker in workers[1:]:
                await worker.step(now)  # not equally far as they are divided anew
            await divide(city.connection, division[hour], parts)
            parts, workers = division[hour], await shares(city.connection, division[hour])
        await drain(city.connection, workers, now)
    names = [row["consumer"] for row in await city.pool.fetch("SELECT consumer FROM consumer_position ORDER BY 1")]
    assert names == ["fold", "indicators"], "none is left of former parts"
    found = {
        row["property"] for row in await city.pool.fetch("SELECT property FROM datastream WHERE method IS NOT NULL")
    }
    assert found >= {"us_aqi", "fill_rate", "time_to_full"}
    # One that derives all of it undivided comes to the same.
    before, end = await city.everything(), DAY + 11 * HOUR
    assert await recompute(city.connection, DAY, end, end, lambda _done, _of: None) > 100
    assert await city.everything() == before


@pytest.mark.parametrize("about", ["bin-1", "", "ünïcode-Ä", "district:d\\x1", "a" * 200])
async def test_the_store_knows_whose_a_device_is(city: City, about: str) -> None:
    for parts in (1, 2, 3, 64):
        (number,) = [number for number in range(parts) if Share(number, parts).holds(about)]
        assert await city.pool.fetchval("SELECT part_of($1, $2)", about, parts) == number


async def test_a_due_of_another_share_is_left_to_it(city: City) -> None:
    for number in range(6):
        stream = (await city.add(f"bin-{number}", ["fill_level"], 30 * MINUTE))["fill_level"]
        await city.report([Row(stream, DAY, 50.0, 1)], DAY + timedelta(minutes=1), {"live": DAY + 30 * MINUTE})
    await divide(city.connection, 2, 1)
    first, second = await shares(city.connection, 2)
    await drain(city.connection, [first], DAY + HOUR)
    left = {row["device_id"] for row in await city.pool.fetch("SELECT device_id FROM indicator_due")}
    mine = {f"bin-{number}" for number in range(6) if Share(0, 2).holds(f"bin-{number}")}
    assert 0 < len(mine) < 6
    assert left == mine, "their day is not over; of the others nothing was marked"
    await drain(city.connection, [second], DAY + HOUR)
    assert len({row["device_id"] for row in await city.pool.fetch("SELECT device_id FROM indicator_due")}) == 6
