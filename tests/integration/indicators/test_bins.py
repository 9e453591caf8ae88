"""Emptyings through the store: told at the first low reading, once a later one confirms them, and never for a spike."""

from datetime import timedelta

import pytest

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
