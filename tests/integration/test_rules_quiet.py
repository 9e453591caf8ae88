"""What keeps alerts quiet by design and while somebody works, and what lets them speak again."""

from datetime import timedelta
from pathlib import Path

import pytest

from citywatch.errors import AlertError
from rules import actions, alerts, quiet
from rules.definitions import FOLDER
from rules.quiet import Place, end_window, take_out_of_service
from rules.worker import Worker
from sql.connection import Connection, Pool, Record
from tests.integration.rules_tail import append, install, minute
from tests.integration.test_rules_worker import ALLOWANCE, drain, events


async def states(connection: Connection) -> dict[str, str]:
    return dict(await connection.fetch("SELECT rule_id, state FROM alert WHERE retracted_at IS NULL ORDER BY alert_id"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a rule on smells that a fire in the same bin, or its gateway's silence, makes pointless."""
    text = (FOLDER / "bin-nearly-full.yaml").read_text(encoding="utf-8")
    text = text.replace("id: bin-nearly-full", "id: bin-leans\nsuppressed_by: [bin-fire, device-silent]")
    text = text.replace("property: fill_level", "property: tilt").replace("at_least: 90, deadband: 5", "at_least: 20")
    (tmp_path / "bin-leans.yaml").write_text(text.replace("on_delay: 10m", "on_delay: 0s"), encoding="utf-8")
    return tmp_path


async def test_an_alert_that_another_explains_is_suppressed_until_that_one_is_over(pool: Pool, folder: Path) -> None:
    async with pool.acquire() as connection:
        heat, tilt = await install(connection, "bin-1", "bin_temperature", "tilt")
        worker = Worker(connection, allowance=ALLOWANCE, folders=[folder])
        await append(connection, [(tilt, minute(0), 30.0)])
        await drain(worker, 0)
        assert await states(connection) == {"bin-leans": "unacknowledged"}
        await append(connection, [(heat, minute(1), 90.0), (tilt, minute(1), 31.0)])
        await drain(worker, 1)
        assert await states(connection) == {"bin-leans": "suppressed", "bin-fire": "unacknowledged"}
        suppressed = "SELECT alert_id, suppressed_by FROM alert WHERE rule_id = 'bin-leans'"
        ((leans, by),) = await connection.fetch(suppressed)
        with pytest.raises(AlertError, match="it asks nobody"):
            await actions.acknowledge(connection, leans, "ann", minute(1))
        await append(connection, [(heat, minute(2), 20.0), (tilt, minute(2), 31.0)])
        await append(connection, [(heat, minute(3), 20.0), (tilt, minute(3), 31.0)])
        await drain(worker, 3)
        assert (await states(connection))["bin-leans"] == "unacknowledged"
        assert by == await connection.fetchval("SELECT alert_id FROM alert WHERE rule_id = 'bin-fire'")
        assert "restored" in await events(connection)


async def test_the_silence_of_a_gateway_suppresses_what_hangs_on_it(pool: Pool, folder: Path) -> None:
    async with pool.acquire() as connection:
        (tilt,) = await install(connection, "bin-1", "tilt", every=timedelta(hours=1))
        (battery,) = await install(connection, "gw-1", "battery", every=timedelta(minutes=1))
        await connection.execute("""UPDATE device SET tags = '{"gateway": "gw-1"}' WHERE device_id = 'bin-1'""")
        worker = Worker(connection, allowance=ALLOWANCE, folders=[folder])
        await append(connection, [(battery, minute(0), 90.0)])
        await append(connection, [(tilt, minute(4), 30.0)])
        await drain(worker, 4)
        assert await states(connection) == {"bin-leans": "suppressed", "device-silent": "unacknowledged"}


async def test_what_is_worked_on_calls_nobody_and_speaks_afterwards(pool: Pool) -> None:
    async with pool.acquire() as connection:
        (heat,) = await install(connection, "bin-1", "bin_temperature")
        worker = Worker(connection, allowance=ALLOWANCE)
        window = await take_out_of_service(
            connection, Place(device_id="bin-1"), "eve", minute(0), minute(0), minute(60), "welding"
        )
        await append(connection, [(heat, minute(5), 90.0)])
        await drain(worker, 5)
        assert await states(connection) == {"bin-fire": "out_of_service"}
        await end_window(connection, window, "eve", minute(10))
        await drain(worker, 10)
        assert await states(connection) == {"bin-fire": "unacknowledged"}
        assert await events(connection) == ["raised", "taken_out_of_service", "returned_to_service"]
        with pytest.raises(AlertError, match="over already"):
            await end_window(connection, window, "eve", minute(11))
        audited = [row[0] for row in await connection.fetch("SELECT action FROM audit_event ORDER BY event_id")]
        assert audited[-2:] == ["maintenance.add", "maintenance.end"] or "maintenance.end" in audited


@pytest.mark.parametrize(
    ("starts", "ends", "reason", "complaint"),
    [(0, 0, "x", "ends after it starts"), (0, -5, "x", "ends after"), (0, 10**6, "x", "within"), (0, 9, " ", "reason")],
)
async def test_a_window_has_an_end_and_a_reason(
    pool: Pool, starts: int, ends: int, reason: str, complaint: str
) -> None:
    async with pool.acquire() as connection:
        await install(connection, "bin-1", "tilt")
        with pytest.raises(AlertError, match=complaint):
            await take_out_of_service(
                connection, Place(device_id="bin-1"), "eve", minute(0), minute(starts), minute(ends), reason
            )


async def test_a_whole_gateway_and_a_district_are_taken_out_by_name(pool: Pool) -> None:
    async with pool.acquire() as connection:
        (heat,) = await install(connection, "bin-1", "bin_temperature")
        await connection.execute("""UPDATE device SET tags = '{"gateway": "gw-1"}'""")
        worker = Worker(connection, allowance=ALLOWANCE)
        await append(connection, [(heat, minute(0), 90.0)])
        await drain(worker, 0)
        await take_out_of_service(
            connection, Place(tag="gateway:gw-1"), "eve", minute(0), minute(1), minute(5), "new antenna"
        )
        await drain(worker, 0)
        assert await states(connection) == {"bin-fire": "unacknowledged"}
        await drain(worker, 1)
        assert await states(connection) == {"bin-fire": "out_of_service"}
        await drain(worker, 6)
        assert await states(connection) == {"bin-fire": "unacknowledged"}


async def test_a_closed_alert_is_called_back_with_a_reason(pool: Pool) -> None:
    async with pool.acquire() as connection:
        (fill,) = await install(connection, "bin-1", "fill_level", every=timedelta(hours=1))
        worker = Worker(connection, allowance=ALLOWANCE)
        await append(connection, [(fill, minute(0), 95.0)])
        await drain(worker, 0)
        alert_id = await connection.fetchval("SELECT alert_id FROM alert")
        with pytest.raises(AlertError, match="not closed"):
            await actions.call_back(connection, alert_id, "ann", minute(1), "why")
        await actions.acknowledge(connection, alert_id, "ann", minute(1))
        await append(connection, [(fill, minute(60), 5.0)])
        await drain(worker, 60)
        assert await states(connection) == {"bin-nearly-full": "normal"}
        with pytest.raises(AlertError, match="reason"):
            await actions.call_back(connection, alert_id, "ann", minute(61), " ")
        await actions.call_back(connection, alert_id, "ann", minute(61), "the street is still full of litter")
        assert await states(connection) == {"bin-nearly-full": "returned_unacknowledged"}
        # The condition coming back is a new alert, which takes the place of the old one.
        await append(connection, [(fill, minute(120), 99.0)])
        await drain(worker, 120)
        assert await connection.fetchval("SELECT count(*) FROM alert WHERE open") == 1
        with pytest.raises(AlertError, match="speaks of the same thing"):
            await actions.call_back(connection, alert_id, "ann", minute(121), "again")


async def test_a_count_in_an_area_is_one_alert_about_it_and_survives_a_restart(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await connection.execute(
            "INSERT INTO district (district_id, name, polygon) VALUES ('n', 'North', '{\"type\": \"Polygon\"}')"
        )
        stations = [
            (await install(connection, f"air-{n}", "pm2_5", domain="air", every=timedelta(minutes=5)))[0]
            for n in range(3)
        ]
        await connection.execute("UPDATE device SET district_id = 'n'")
        worker = Worker(connection, allowance=ALLOWANCE)
        for number in range(0, 25, 5):
            await append(connection, [(station, minute(number), 80.0) for station in stations])
            await drain(worker, number)
        (row,) = await connection.fetch("SELECT * FROM alert WHERE rule_id = 'district-air-episode'")
        assert (row["area"], row["device_id"], row["raised_at"]) == ("district:n", None, minute(15))
        assert row["summary"]["text"] == "3 stations of North at 75 µg/m³ of PM2.5 or more"
        assert row["inputs"]["counted"] == ["air-0", "air-1", "air-2"]
        await worker.checkpoint(minute(20))
        worker = Worker(connection, allowance=ALLOWANCE)
        await append(connection, [(stations[0], minute(25), 30.0)])
        await drain(worker, 25)
        (row,) = await connection.fetch("SELECT * FROM alert WHERE rule_id = 'district-air-episode'")
        assert row["cleared_at"] == minute(25)


async def test_who_acts_on_an_alert_in_the_moment_it_is_hushed_comes_first(
    pool: Pool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = alerts.lock_alert
    async with pool.acquire() as connection, pool.acquire() as desk:
        heat, tilt = await install(connection, "bin-1", "bin_temperature", "tilt")
        (other,) = await install(connection, "bin-2", "tilt")
        worker = Worker(connection, allowance=ALLOWANCE, folders=[folder])
        await append(connection, [(tilt, minute(0), 30.0), (other, minute(0), 30.0)])
        await append(connection, [(tilt, minute(1), 0.0), (other, minute(1), 0.0)])
        await drain(worker, 1)
        assert await states(connection) == {"bin-leans": "returned_unacknowledged"}
        lean = await connection.fetch("SELECT alert_id FROM alert WHERE rule_id = 'bin-leans' ORDER BY alert_id")
        first, second = (row["alert_id"] for row in lean)

        async def clicked(own: Connection, alert_id: int) -> Record:
            closed = await desk.fetchval("SELECT NOT open FROM alert WHERE alert_id = $1", alert_id)
            if alert_id in (first, second) and not closed:
                await actions.acknowledge(desk, alert_id, "ann", minute(2))
            return await lock(own, alert_id)

        monkeypatch.setattr(quiet, "lock_alert", clicked)
        # One is to be suppressed by a fire, the other to be taken out of service.
        await take_out_of_service(
            connection, Place(device_id="bin-2"), "eve", minute(0), minute(2), minute(60), "welding"
        )
        await append(connection, [(heat, minute(2), 90.0)])
        await drain(worker, 2)
        assert await states(connection) == {"bin-leans": "normal", "bin-fire": "unacknowledged"}
        assert await connection.fetchval("SELECT count(*) FROM alert WHERE suppressed_by IS NOT NULL") == 0
        assert {"suppressed", "taken_out_of_service"}.isdisjoint(await events(connection))
