"""What is rare for a watched series is told as it comes, and a restart goes on where it was."""

import math
from datetime import timedelta

from indicators.watching import CALLED
from tests.integration.indicators.deriving import DAY, HOUR, City
from tests.integration.storing import Row


def rows(stream: int, first: int, last: int, strange: int) -> list[Row]:
    """Return hours of a daily wave that scatters; one of them stands out."""
    return [
        Row(
            stream,
            DAY + at * HOUR,
            60 + 30 * math.sin(at / 24 * math.tau) + (at * 7919 % 13) / 4 + 90 * (at == strange),
            1,
        )
        for at in range(first, last)
    ]


async def test_a_strange_hour_is_rare_and_a_restart_changes_nothing(city: City) -> None:
    streams = await city.add("gate-1", ["vehicle_flow", "occupancy"], HOUR, "replay")
    other = await city.add("gate-2", ["vehicle_flow"], HOUR, "replay")
    await city.pool.execute("UPDATE device SET tags = '{\"watch\": \"vehicle_flow\"}' WHERE device_id = 'gate-1'")
    weeks = 24 * 7 * 4
    for first, last in ((0, weeks), (weeks, weeks + 60)):
        now = DAY + last * HOUR
        for stream in (streams["vehicle_flow"], other["vehicle_flow"]):
            await city.report(rows(stream, first, last, weeks + 40), now, {"replay": now})
        await city.settle(now)
        await city.restart()
    found = await city.derived("gate-1", "rarity")
    strange = DAY + (weeks + 40) * HOUR
    called = {at for at, value in found.items() if value is not None and value >= CALLED}
    assert strange in called
    assert len(called) < 12, "the rarest half per cent, and records of a short memory"
    assert max(found) == DAY + (weeks + 59) * HOUR
    assert not await city.derived("gate-2", "rarity"), "nobody asked for it"


async def test_a_reading_that_comes_late_is_not_judged_after_the_fact(city: City) -> None:
    streams = await city.add("gate-1", ["vehicle_flow"], HOUR, "replay")
    await city.pool.execute("UPDATE device SET tags = '{\"watch\": \"vehicle_flow\"}' WHERE device_id = 'gate-1'")
    everything = rows(streams["vehicle_flow"], 0, 400, 401)
    late = everything.pop(390)
    now = DAY + 400 * HOUR
    await city.report(everything, now, {"replay": now})
    await city.settle(now)
    await city.report([late], now, {"replay": now + timedelta(minutes=1)})
    await city.settle(now)
    found = await city.derived("gate-1", "rarity")
    assert late.phenomenon_time not in found
    assert DAY + 399 * HOUR in found
