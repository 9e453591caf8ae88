"""An incident between two detectors through the store: told as it begins, ended once, and the same after a restart."""

from tests.integration.indicators.deriving import DAY, MINUTE, City
from tests.integration.storing import Row

HERE = [12.0] * 15 + [22, 30, 35, 38, 40, 40, 38, 14, 12, 12]
AHEAD = [12.0] * 15 + [10, 7, 6, 6, 6, 6, 6, 11, 12, 12]


async def test_an_incident_is_told_from_minute_to_minute(city: City) -> None:
    here = await city.add("here", ["occupancy"], MINUTE)
    ahead = await city.add("ahead", ["occupancy"], MINUTE)
    await city.pool.execute("UPDATE device SET tags = '{\"downstream\": \"ahead\"}' WHERE device_id = 'here'")
    for at, (above, below) in enumerate(zip(HERE, AHEAD, strict=True)):
        now = DAY + at * MINUTE
        await city.report([Row(here["occupancy"], now, above, 1), Row(ahead["occupancy"], now, below, 1)], now)
        if at % 7 == 0:  # sometimes one minute, sometimes several at once
            await city.settle(now)
            await city.restart()
    await city.settle(DAY + 40 * MINUTE)
    found = await city.derived("here", "incident_ahead")
    minutes = {(time - DAY) // MINUTE: value for time, value in found.items()}
    assert minutes == {19: 1, 20: 1, 21: 1, 22: 1, 23: 0}
    assert await city.derived("ahead", "incident_ahead") == {}
