"""Users' formulas through the store: worked out as readings come, again when they change, kept with their versions."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from indicators.again import recompute
from indicators.calculated import Source
from indicators.calculations import end_calculation, in_force, set_calculation
from indicators.errors import IndicatorError
from rules.store import load_city
from tests.integration.indicators.deriving import DAY, HOUR, MINUTE, City
from tests.integration.storing import Row

RATIO = {"fine": ("one", "pm2_5"), "all": ("two", "pm10")}


async def set_ratio(city: City, formula: str = '100 "%" * fine / all', every: str = "hour") -> int:
    return await set_calculation(
        city.connection, "ada", DAY, ("one", "fine_share"), formula, RATIO, "%", every, "to see the smoke"
    )


async def hour(city: City, stream: int, first: datetime, value: float, n: int = 12) -> None:
    await city.report([Row(stream, first + at * 5 * MINUTE, value, 1) for at in range(n)], first)


async def test_a_formula_over_two_devices_follows_their_readings(city: City) -> None:
    one, two = await city.add("one", ["pm2_5"]), await city.add("two", ["pm10"])
    assert await set_ratio(city) == 1
    city.worker.registry_changed()
    for at, (fine, coarse) in enumerate([(10.0, 40.0), (30.0, 40.0), (5.0, 0.0)]):
        await hour(city, one["pm2_5"], DAY + at * HOUR, fine)
        await hour(city, two["pm10"], DAY + at * HOUR, coarse)
    await hour(city, one["pm2_5"], DAY + 3 * HOUR, 7.0)
    await city.settle(DAY + 5 * HOUR)
    # Nothing is divided by 0, and an hour in which one input is missing has no value.
    assert await city.derived("one", "fine_share") == {DAY + HOUR: 25.0, DAY + 2 * HOUR: 75.0}
    recorded = await city.pool.fetchrow("SELECT unit, method, edition FROM datastream WHERE property = 'fine_share'")
    assert recorded is not None
    assert tuple(recorded) == ("%", 'calculated: 100 "%" * fine / all', "version 1")
    seen_by_rules = await load_city(city.connection)
    assert ("one", "fine_share#calculated") in seen_by_rules.datastreams.values(), "no sign of life of its device"
    # Late readings of the other device's hour have it worked out again.
    await hour(city, two["pm10"], DAY + 3 * HOUR, 14.0)
    await city.settle(DAY + 5 * HOUR)
    assert (await city.derived("one", "fine_share"))[DAY + 4 * HOUR] == 50.0
    await city.check_rollups()


async def test_a_new_version_holds_from_then_on_and_for_what_is_asked_again(city: City) -> None:
    one, two = await city.add("one", ["pm2_5"]), await city.add("two", ["pm10"])
    await set_ratio(city)
    await hour(city, one["pm2_5"], DAY, 10.0)
    await hour(city, two["pm10"], DAY, 40.0)
    await city.settle(DAY + 2 * HOUR)
    assert await set_ratio(city, '50 "%" * fine / all') == 2
    city.worker.registry_changed()
    await hour(city, one["pm2_5"], DAY + HOUR, 10.0)
    await hour(city, two["pm10"], DAY + HOUR, 40.0)
    await city.settle(DAY + 3 * HOUR)
    assert await city.derived("one", "fine_share") == {DAY + HOUR: 25.0, DAY + 2 * HOUR: 12.5}
    assert [each.version for each in await in_force(city.connection)] == [2]
    await recompute(city.connection, DAY, DAY + timedelta(days=1), DAY + 3 * HOUR, lambda done, total: None)
    assert await city.derived("one", "fine_share") == {DAY + HOUR: 12.5, DAY + 2 * HOUR: 12.5}
    assert await end_calculation(city.connection, "ada", DAY, ("one", "fine_share"))
    assert not await end_calculation(city.connection, "ada", DAY, ("one", "fine_share"))
    assert await in_force(city.connection) == []
    audited = await city.pool.fetch("SELECT action FROM audit_event ORDER BY event_id")
    assert [row["action"] for row in audited] == ["calculation.set", "calculation.set", "calculation.end"]


async def test_what_cannot_be_calculated_is_told(city: City) -> None:
    await city.add("one", ["pm2_5", "wind_direction"])
    await city.add("two", ["pm10"])
    await set_ratio(city)

    async def refused(
        words: str,
        name: str = "x",
        formula: str = "fine + all",
        unit: str = "1",
        inputs: Mapping[str, Source] = RATIO,
        every: str = "hour",
        device: str = "one",
    ) -> None:
        with pytest.raises(IndicatorError) as error:
            await set_calculation(
                city.connection, "ada", DAY, (device, name), formula, inputs, unit, every, reason="to try"
            )
        assert words in str(error.value)

    share = {"share": ("one", "fine_share")}
    await city.pool.execute(
        "INSERT INTO datastream (device_id, property, unit, method, edition) "
        "VALUES ('one', 'fine_share', '%', $1, 'v')",
        "calculated: fine / all",
    )
    await refused("fine_share of one is calculated itself", formula="share", unit="%", inputs=share)
    await refused(
        "one has a pm2_5 of its own", name="pm2_5", unit="ug/m3", formula="all", inputs={"all": ("two", "pm10")}
    )
    await refused("us_aqi is derived by Citywatch itself", name="us_aqi")
    await refused("no2 is measured in ug/m3 everywhere, not in %", name="no2", unit="%")
    await refused("wind_direction is a direction", formula="d", inputs={"d": ("one", "wind_direction")})
    await refused("there is no device 'nine'", device="nine")
    await refused("two has no datastream rain", inputs={"fine": ("one", "pm2_5"), "all": ("two", "rain")})
    await refused("for each quarter, hour, day, not 'minute'", every="minute")
    await refused("the formula does not use 'all'", formula="fine")
    await refused("the formula gives 1, not ug/m3", unit="ug/m3", formula="fine / all")
    await refused("cannot name a property", name="Plate 7")
