"""Emptyings through the store: told at the first low reading, once a later one confirms them, and never for a spike."""

import random
from datetime import timedelta

import pytest

from indicators.again import recompute
from tests.integration.indicators.deriving import DAY, HOUR, MINUTE, City
from tests.integration.storing import Row


async def fill(city: City, every: timedelta, levels: list[float], stream: int, first: int = 0) -> None:
    """Report levels one by one, each at its time, as a bin does."""
    for at, level in enumerate(levels, start=first):
        time = DAY + at * every
        await city.report([Row(stream, time, level, 1)], time)
        await city.settle(time + timedelta(seconds=1))


async def test_an_emptying_is_told_at_its_first_low_reading(city: City) -> None:
    streams = await city.add("bin", ["fill_level"], 20 * MINUTE)
    await fill(city, 20 * MINUTE, [80, 81, 82, 83, 84, 5], streams["fill_level"])
    assert await city.derived("bin", "emptied_from") == {}, "the hour in which it fell is not over"
    await fill(city, 20 * MINUTE, [6, 7, 8], streams["fill_level"], first=6)
    assert await city.derived("bin", "emptied_from") == {DAY + 5 * 20 * MINUTE: 84.0}
    # What was the first low reading is found to be faulty: there was no such event.
    await city.correct([Row(streams["fill_level"], DAY + 5 * 20 * MINUTE, 5.0, 4)], DAY + 5 * HOUR)
    await city.settle(DAY + 5 * HOUR)
    assert await city.derived("bin", "emptied_from") == {DAY + 5 * 20 * MINUTE: None}


@pytest.mark.parametrize(
    ("every", "levels", "events"),
    [
        pytest.param(HOUR, [78, 80, 12, 81, 82, 83], {}, id="a lone spike among hours"),
        pytest.param(HOUR, [78, 80, 12, 13, 14], {2: 80.0}, id="it stays low"),
        pytest.param(24 * HOUR, [60, 80, 0, 80, 90], {}, id="daily: a spike or a refill, which is not counted"),
        pytest.param(24 * HOUR, [60, 80, 0, 20, 40], {2: 80.0}, id="daily: one reading decides"),
    ],
)
async def test_what_is_told_as_emptied(
    city: City, every: timedelta, levels: list[float], events: dict[int, float]
) -> None:
    streams = await city.add("bin", ["fill_level"], every)
    await fill(city, every, levels, streams["fill_level"])
    assert await city.derived("bin", "emptied_from") == {DAY + at * every: level for at, level in events.items()}


async def test_a_bin_that_reports_every_ten_seconds_is_worked_out_each_quarter_whatever_the_order(city: City) -> None:
    second = timedelta(seconds=1)
    # Six hours, emptied in the fifth one at 4:31:40, and a lone spike before.
    levels = [20 + 0.04 * at if at < 1630 else 2 + 0.01 * (at - 1630) for at in range(2160)]
    levels[500] = 3.0
    course = [(DAY + at * 10 * second, level, 1) for at, level in enumerate(levels)]
    mixed = random.Random(3).sample(course, len(course))
    end = DAY + 6 * HOUR + 2 * MINUTE
    streams = {name: (await city.add(name, ["fill_level"], 10 * second))["fill_level"] for name in ("quick", "mixed")}
    for start in range(0, len(course), 240):
        await city.report([Row(streams["quick"], *row) for row in course[start : start + 240]], end)
        await city.settle(course[start + 239][0])
    for start in range(0, len(course), 240):
        await city.report([Row(streams["mixed"], *row) for row in mixed[start : start + 240]], end)
        await city.settle(end)
    rates = await city.derived("quick", "fill_rate")
    assert set(rates) <= {DAY + each * 15 * MINUTE for each in range(25)}
    assert rates[DAY + 4 * HOUR] == pytest.approx(14.4, abs=0.1)
    assert await city.derived("quick", "emptied_from") == {course[1630][0]: pytest.approx(levels[1629])}
    for name in ("fill_rate", "time_to_full"):
        found = {at: value for at, value in (await city.derived("mixed", name)).items() if value is not None}
        assert found == {at: value for at, value in (await city.derived("quick", name)).items() if value is not None}
    before = await city.everything()
    await recompute(city.connection, DAY, end, end, lambda _done, _of: None)
    assert await city.everything() == before
    # The first low reading is found to be faulty: there was no such event.
    await city.correct([Row(streams["quick"], course[1630][0], 2.0, 4)], end)
    await city.settle(end)
    assert (await city.derived("quick", "emptied_from"))[course[1630][0]] is None


def hourly_cycles(count: int) -> list[float]:
    """Return levels of `count` cycles of twelve hours: ten points an hour, full at ten hours, emptied after eleven."""
    return [float(min(10 * hour, 100)) for _ in range(count) for hour in range(12)]


async def test_a_band_is_earned_by_outcomes_and_stays_the_same_when_worked_out_again(city: City) -> None:
    streams = await city.add("bin", ["fill_level"], HOUR)
    levels = [*hourly_cycles(20), 0, 10, 20, 30]
    rows = [Row(streams["fill_level"], DAY + at * HOUR, level, 1) for at, level in enumerate(levels)]
    await city.report(rows, rows[-1].phenomenon_time)
    await city.settle(rows[-1].phenomenon_time)
    hours, low, high = [
        await city.derived("bin", name) for name in ("time_to_full", "time_to_full_low", "time_to_full_high")
    ]
    first, newest = DAY + 37 * HOUR, rows[-1].phenomenon_time
    assert first not in low, "no cycle has taught anything yet"
    expected, least, most = hours[newest], low[newest], high[newest]
    assert expected == pytest.approx(7.0, abs=0.5)
    assert least is not None and most is not None
    assert least <= 7.0 <= most < 9.0
    before = await city.everything()
    outcomes = await city.pool.fetch("SELECT * FROM bin_outcome ORDER BY made_at")
    assert outcomes
    for _ in range(2):
        await recompute(city.connection, DAY, newest + HOUR, newest + HOUR, lambda _done, _of: None)
        assert await city.everything() == before
        assert await city.pool.fetch("SELECT * FROM bin_outcome ORDER BY made_at") == outcomes


async def test_what_an_early_emptying_taught_is_forgotten_where_it_was_none(city: City) -> None:
    streams = await city.add("bin", ["fill_level"], HOUR)
    await city.pool.execute("""UPDATE device SET tags = '{"full_at": "80"}' WHERE device_id = 'bin'""")
    levels = [*hourly_cycles(9), 0, 10, 20, 30, 40, 50, 60, 0, 2]
    rows = [Row(streams["fill_level"], DAY + at * HOUR, level, 1) for at, level in enumerate(levels)]
    await city.report(rows, rows[-1].phenomenon_time)
    await city.settle(rows[-1].phenomenon_time)
    # Of the forecasts at 10 to 50: the one ten points below the end and those above it are lost in the noise.
    known = "SELECT count(*) FROM bin_outcome WHERE known_at = $1"
    assert await city.pool.fetchval(known, rows[-1].phenomenon_time) == 4
    assert await city.pool.fetchval(known, DAY + (9 * 12 - 4) * HOUR) > 0, "this bin counts as full at 80"
    # The reading that confirmed it is found to be faulty.
    await city.correct([Row(streams["fill_level"], rows[-1].phenomenon_time, 2.0, 4)], DAY + 10 * 12 * HOUR)
    await city.settle(DAY + 10 * 12 * HOUR)
    assert await city.pool.fetchval(known, rows[-1].phenomenon_time) == 0
