from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import rules.worker
from citywatch.errors import AlertError
from rules import actions
from rules.worker import TICK_AT_LEAST_EVERY, Worker
from sql.connection import Connection, Pool
from tests.integration.rules_tail import append, install, minute

ALLOWANCE = timedelta(minutes=15)


async def drain(worker: Worker, now: float) -> None:
    while await worker.work(minute(now)):
        pass


async def journal(connection: Connection) -> list[tuple[str, str, str | None]]:
    rows = await connection.fetch("SELECT * FROM alert_journal ORDER BY raised_at, alert_key")
    return [
        (row["alert_key"], f"{row['raised_at']:%H:%M}", f"{row['cleared_at']:%H:%M}" if row["cleared_at"] else None)
        for row in rows
    ]


async def events(connection: Connection) -> list[str]:
    return [row["kind"] for row in await connection.fetch("SELECT kind FROM alert_event ORDER BY event_id")]


async def test_a_full_bin_raises_one_alert_and_its_collection_clears_it(pool: Pool) -> None:
    async with pool.acquire() as connection:
        (fill,) = await install(connection, "bin-1", "fill_level")
        worker = Worker(connection, allowance=ALLOWANCE)
        for number, value in [(0, 85.0), (5, 92.0), (10, 93.0), (15, 94.0)]:
            await append(connection, [(fill, minute(number), value)])
            await drain(worker, number)
        (alert,) = await connection.fetch("SELECT * FROM alert")
        assert alert["state"] == "unacknowledged"
        assert alert["severity"] == "MEDIUM"
        assert alert["summary"]["text"] == "bin 1 is 94 % full"
        await append(connection, [(fill, minute(20), 3.0)])
        await drain(worker, 20)
        assert await journal(connection) == [("bin-nearly-full:bin-1", "08:15", "08:20")]
        assert await connection.fetchval("SELECT state FROM alert") == "returned_unacknowledged"


async def test_arrival_order_leaves_no_trace_in_the_journal(pool: Pool) -> None:
    async with pool.acquire() as connection:
        (fill,) = await install(connection, "bin-1", "fill_level")
        worker = Worker(connection, allowance=ALLOWANCE)
        await append(connection, [(fill, minute(0), 92.0)])
        await append(connection, [(fill, minute(10), 93.0)])
        await drain(worker, 10)
        assert await journal(connection) == [("bin-nearly-full:bin-1", "08:10", None)]
        # Held up on its way: in between, the bin was not full at all.
        await append(connection, [(fill, minute(5), 20.0)], received_at=minute(11))
        await append(connection, [(fill, minute(15), 94.0)])
        await append(connection, [(fill, minute(20), 94.0)])
        await drain(worker, 20)
        assert await journal(connection) == [("bin-nearly-full:bin-1", "08:20", None)]
        assert await events(connection) == ["raised", "retracted", "raised"]


async def test_silence_is_raised_by_the_clock_and_ended_by_the_second_message(pool: Pool) -> None:
    async with pool.acquire() as connection:
        (air,) = await install(connection, "air-1", "pm2_5", domain="air", every=timedelta(minutes=1))
        worker = Worker(connection, allowance=ALLOWANCE)
        await append(connection, [(air, minute(0), 10.0)])
        await drain(worker, 3)
        assert await journal(connection) == []
        await drain(worker, 4)
        assert await journal(connection) == [("device-silent:air-1", "08:03", None)]
        await append(connection, [(air, minute(30), 10.0)])
        await append(connection, [(air, minute(31), 10.0)])
        await drain(worker, 31)
        assert await journal(connection) == [("device-silent:air-1", "08:03", "08:31")]


async def test_nobody_is_silent_for_what_is_yet_to_be_read(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules.worker, "ROWS", 1)
    async with pool.acquire() as connection:
        (air,) = await install(connection, "air-1", "pm2_5", domain="air", every=timedelta(minutes=1))
        worker = Worker(connection, allowance=ALLOWANCE)
        for number in range(8):
            await append(connection, [(air, minute(number), 10.0)])
        await connection.execute("UPDATE ingest_batch SET at = received_at[1]")
        # Eight minutes are in the tail, and it is the eighth; each step reads one of them and lets time pass.
        for number in range(8):
            assert await worker.work(minute(7.9) + number * TICK_AT_LEAST_EVERY) == 1
        assert await journal(connection) == []
        assert await events(connection) == []
        await drain(worker, 11)  # now it is read, and the one device there is has gone
        assert await journal(connection) == [("nothing-heard", "08:09", None)]


async def test_a_replay_source_is_judged_by_its_own_clock(pool: Pool) -> None:
    async with pool.acquire() as connection:
        (fill,) = await install(connection, "bin-1", "fill_level", every=timedelta(days=1), source_id="history")
        worker = Worker(connection, allowance=ALLOWANCE)
        days = [(fill, minute(1440 * day), value) for day, value in enumerate([100.0, 0.0, 95.0, 96.0, 10.0])]
        await append(connection, days, received_at=minute(10**6), clocks={"history": minute(1440 * 4).isoformat()})
        await drain(worker, 10**6)
        rows = await connection.fetch(
            "SELECT raised_at, cleared_at, silent FROM alert WHERE rule_id = 'bin-nearly-full' ORDER BY raised_at"
        )
        assert [tuple(row) for row in rows] == [
            (minute(0), minute(1440), False),
            (minute(1440 * 2), minute(1440 * 4), False),
        ]


async def test_what_comes_too_late_alerts_silently_until_a_timely_reading_confirms(pool: Pool) -> None:
    async with pool.acquire() as connection:
        (fill,) = await install(connection, "bin-1", "fill_level", every=timedelta(hours=1))
        worker = Worker(connection, allowance=ALLOWANCE)
        await append(connection, [(fill, minute(0), 95.0)], received_at=minute(40))
        await drain(worker, 40)
        assert await connection.fetchval("SELECT silent FROM alert")
        await append(connection, [(fill, minute(60), 95.0)])
        await drain(worker, 60)
        assert not await connection.fetchval("SELECT silent FROM alert")
        assert await events(connection) == ["raised", "annunciated"]


async def test_a_restart_repeats_and_forgets_nothing(pool: Pool) -> None:
    async with pool.acquire() as connection:
        (fill,) = await install(connection, "bin-1", "fill_level")
        for number, value in [(0, 92.0), (5, 92.0), (10, 93.0), (15, 94.0), (20, 50.0), (25, 95.0), (30, 95.0)]:
            await append(connection, [(fill, minute(number), value)])
            await drain(Worker(connection, allowance=ALLOWANCE), number)
        await append(connection, [(fill, minute(35), 95.0)])
        await drain(Worker(connection, allowance=ALLOWANCE), 35)
        assert await journal(connection) == [
            ("bin-nearly-full:bin-1", "08:10", "08:20"),
            ("bin-nearly-full:bin-1", "08:35", None),
        ]
        assert await events(connection) == ["raised", "cleared", "superseded", "raised"]


async def test_a_changed_rule_file_is_taken_up_and_versioned(pool: Pool, tmp_path: Path) -> None:
    shipped = (Path("rules/definitions") / "bin-nearly-full.yaml").read_text()
    mine = tmp_path / "bin-at-half.yaml"
    mine.write_text(shipped.replace("id: bin-nearly-full", "id: bin-at-half").replace("at_least: 90", "at_least: 50"))
    async with pool.acquire() as connection:
        (fill,) = await install(connection, "bin-1", "fill_level")
        worker = Worker(connection, allowance=ALLOWANCE, folders=[tmp_path])
        for number in (0, 5, 10):
            await append(connection, [(fill, minute(number), 60.0)])
        await drain(worker, 10)
        assert await journal(connection) == [("bin-at-half:bin-1", "08:10", None)]
        mine.write_text(mine.read_text().replace("at_least: 50", "at_least: 70"))
        await append(connection, [(fill, minute(15), 60.0)])
        await drain(worker, 15)
        assert await connection.fetchval("SELECT version FROM rule WHERE rule_id = 'bin-at-half'") == 2
        assert (await journal(connection))[0][2] is not None
        mine.write_text("id: [")
        await append(connection, [(fill, minute(20), 75.0)])
        await append(connection, [(fill, minute(25), 75.0)])
        await append(connection, [(fill, minute(30), 75.0)])
        await drain(worker, 30)
        assert (await journal(connection))[-1] == ("bin-at-half:bin-1", "08:30", None)
        mine.unlink()
        await drain(worker, 40)
        assert await connection.fetchval("SELECT count(*) FROM alert WHERE open AND rule_id = 'bin-at-half'") == 0


async def test_operators_act_on_alerts(pool: Pool) -> None:
    async with pool.acquire() as connection:
        (heat,) = await install(connection, "bin-1", "bin_temperature")
        worker = Worker(connection, allowance=ALLOWANCE)
        await append(connection, [(heat, minute(0), 80.0)])
        await drain(worker, 0)
        fire = await connection.fetchval("SELECT alert_id FROM alert")
        with pytest.raises(AlertError, match="only a latched alert"):
            await actions.reset(connection, fire, "ana", minute(1))
        assert await actions.acknowledge(connection, fire, "ana", minute(1), "on my way") == "acknowledged"
        assert await actions.acknowledge(connection, fire, "ben", minute(2)) == "acknowledged"
        await actions.assign(connection, fire, "ana", minute(2), "crew 7")
        await actions.comment(connection, fire, "ana", minute(3), "smoke from the lid")
        await append(connection, [(heat, minute(5), 20.0)])
        await drain(worker, 5)
        assert await actions.reset(connection, fire, "ana", minute(6)) == "normal"
        with pytest.raises(AlertError, match="closed"):
            await actions.shelve(connection, fire, "ana", minute(7), minute(60), "why not")
        row = await connection.fetchrow("SELECT * FROM alert")
        assert row is not None
        assert (row["open"], row["acknowledged_by"], row["assigned_to"]) == (False, "ana", "crew 7")
        assert await events(connection) == ["raised", "acknowledged", "assigned", "commented", "cleared", "reset"]
        with pytest.raises(AlertError, match="no alert 999"):
            await actions.acknowledge(connection, 999, "ana", minute(7))


async def test_a_shelved_alert_stays_quiet_until_its_time_is_over(pool: Pool) -> None:
    async with pool.acquire() as connection:
        (heat,) = await install(connection, "bin-1", "bin_temperature")
        worker = Worker(connection, allowance=ALLOWANCE)
        await append(connection, [(heat, minute(0), 80.0)])
        await drain(worker, 0)
        alert_id = await connection.fetchval("SELECT alert_id FROM alert")
        with pytest.raises(AlertError, match="7 days"):
            await actions.shelve(connection, alert_id, "ana", minute(1), minute(10**6), "for ever")
        await actions.shelve(connection, alert_id, "ana", minute(1), minute(30), "welding next to it")
        with pytest.raises(AlertError, match="asks nobody"):
            await actions.acknowledge(connection, alert_id, "ana", minute(2))
        await append(connection, [(heat, minute(5), 20.0)])
        await append(connection, [(heat, minute(10), 90.0)])
        await drain(worker, 11)
        states = [
            row["state"]
            for row in await connection.fetch("SELECT state FROM alert WHERE rule_id = 'bin-fire' ORDER BY alert_id")
        ]
        assert states == ["normal", "shelved"]
        await drain(worker, 30)
        states = [
            row["state"]
            for row in await connection.fetch("SELECT state FROM alert WHERE rule_id = 'bin-fire' ORDER BY alert_id")
        ]
        assert states == ["normal", "unacknowledged"]


async def test_an_outage_of_our_own_is_one_alert_and_no_device_is_blamed(pool: Pool) -> None:
    every = timedelta(seconds=20)
    async with pool.acquire() as connection:
        streams = [
            (await install(connection, f"air-{number}", "pm2_5", domain="air", every=every))[0] for number in range(5)
        ]
        worker = Worker(connection, allowance=ALLOWANCE)
        heard_at = datetime.now(UTC)
        await append(connection, [(stream, heard_at, 10.0) for stream in streams])
        await worker.work(heard_at)
        for later in (30, 60, 600):
            await worker.work(heard_at + timedelta(seconds=later))
        assert [row["rule_id"] for row in await connection.fetch("SELECT rule_id FROM alert")] == ["nothing-heard"]
        back_at = heard_at + timedelta(seconds=900)
        await append(connection, [(stream, back_at, 10.0) for stream in streams], at=back_at)
        await worker.work(back_at)
        assert await worker.work(back_at + timedelta(seconds=5)) == 0
        assert await connection.fetchval("SELECT count(*) FROM alert") == 1
        assert await connection.fetchval("SELECT state FROM alert") == "returned_unacknowledged"
        assert await connection.fetchval("SELECT cleared_at FROM alert") == back_at


async def test_one_silent_device_among_others_is_blamed(pool: Pool) -> None:
    every = timedelta(seconds=20)
    async with pool.acquire() as connection:
        (loud,) = await install(connection, "air-1", "pm2_5", domain="air", every=every)
        (mute,) = await install(connection, "air-2", "pm2_5", domain="air", every=every)
        worker = Worker(connection, allowance=ALLOWANCE)
        began_at = datetime.now(UTC)
        for number in range(6):
            now = began_at + every * number
            await append(
                connection, [(stream, now, 10.0) for stream in ([loud, mute] if number < 2 else [loud])], at=now
            )
            await worker.work(now)
        await worker.work(now + timedelta(seconds=1))
        assert [row["alert_key"] for row in await connection.fetch("SELECT alert_key FROM alert")] == [
            "device-silent:air-2"
        ]


@pytest.mark.parametrize("there", [True, False])
async def test_rules_that_restart_know_which_ingest_worker_is_gone(pool: Pool, there: bool) -> None:
    every = timedelta(seconds=10)
    async with pool.acquire() as connection:
        (loud,) = await install(connection, "air-1", "pm2_5", domain="air", every=every)
        (waiting,) = await install(connection, "air-2", "pm2_5", domain="air", every=every)
        worker = Worker(connection, allowance=ALLOWANCE)
        began_at = datetime.now(UTC)
        for number in range(10):
            now = began_at + every * number
            await append(connection, [(loud, now, 10.0)], at=now, worker=0)
            if there or number < 2:
                rows = [(waiting, now, 10.0)] if number < 2 else []
                await append(connection, rows, at=now, worker=1)
            await worker.work(now)
            if number == 2:
                await worker.checkpoint(now)
                worker = Worker(connection, allowance=ALLOWANCE)
        await worker.work(now + timedelta(seconds=1))
        raised = [row["alert_key"] for row in await connection.fetch("SELECT alert_key FROM alert")]
        assert raised == (["device-silent:air-2"] if there else [])


async def test_a_dead_gateway_is_one_incident(pool: Pool) -> None:
    every = timedelta(seconds=20)
    async with pool.acquire() as connection:
        streams = {}
        for number in range(8):
            (stream,) = await install(connection, f"air-{number}", "pm2_5", domain="air", every=every)
            streams[number] = stream
        await connection.execute(
            "UPDATE device"
            " SET tags = jsonb_build_object('gateway', CASE WHEN device_id < 'air-5' THEN 'a' ELSE 'b' END)"
        )
        worker = Worker(connection, allowance=ALLOWANCE)
        began_at = datetime.now(UTC)
        for number in range(12):
            now = began_at + every * number
            heard = [stream for key, stream in streams.items() if number < 3 or key > 5]
            await append(connection, [(stream, now, 10.0) for stream in heard], at=now)
            await worker.work(now)
            await worker.work(now)
        (incident,) = await connection.fetch("SELECT * FROM incident")
        assert incident["cause"] == "gateway:a"
        rows = await connection.fetch("SELECT device_id, incident_id FROM alert ORDER BY device_id")
        assert [(row["device_id"], row["incident_id"] is not None) for row in rows] == [
            *((f"air-{number}", True) for number in range(5)),
            ("air-5", False),
        ]
        back_at = now + every
        for number in range(4):
            now = back_at + every * number
            await append(connection, [(stream, now, 10.0) for stream in streams.values()], at=now)
            await worker.work(now)
        for row in await connection.fetch("SELECT alert_id FROM alert WHERE open"):
            await actions.acknowledge(connection, row["alert_id"], "ana", now)
        await worker.work(now + every)
        assert await connection.fetchval("SELECT closed_at FROM incident") is not None


async def test_silence_in_one_place_becomes_the_gateways_when_its_slow_devices_are_missed(pool: Pool) -> None:
    quick, slow = timedelta(seconds=20), timedelta(seconds=60)
    async with pool.acquire() as connection:
        streams = [
            (await install(connection, f"air-{number}", "pm2_5", domain="air", every=quick if number < 5 else slow))[0]
            for number in range(11)
        ]
        await connection.execute(
            "UPDATE device SET latitude = 52.0, longitude = 4.3,"
            " tags = jsonb_build_object('gateway', CASE WHEN device_id = 'air-4' THEN 'b' ELSE 'a' END)"
        )
        worker = Worker(connection, allowance=ALLOWANCE)
        began_at, causes = datetime.now(UTC), []
        for number in range(14):
            now = began_at + quick * number
            heard = streams if number == 0 else streams[4:5]
            await append(connection, [(stream, now, 10.0) for stream in heard], at=now)
            await worker.work(now)
            await worker.work(now)
            causes += [row["cause"] for row in await connection.fetch("SELECT cause FROM incident")]
        assert list(dict.fromkeys(causes)) == ["place:device-silent", "gateway:a"]
        assert await connection.fetchval("SELECT count(*) FROM incident") == 1
        assert await connection.fetchval("SELECT count(*) FROM alert WHERE incident_id IS NOT NULL") == 10
