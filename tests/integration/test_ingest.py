"""Broker to store with the real ones: one fate for every message and every reading."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from citywatch.local.broker import LocalBroker
from sql.connection import Pool
from tests.integration.ingest_run import (
    account_closes,
    make_settings,
    publish,
    received,
    register,
    running,
    subscribed,
    until,
)


def stamp(ago: float = 0) -> str:
    return (datetime.now(UTC) - timedelta(seconds=ago)).isoformat()


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
@pytest.mark.parametrize("receiver", ["direct", "aiomqtt"])
async def test_a_reading_is_stored_tailed_and_counted(
    dsn: str, pool: Pool, broker: LocalBroker, protocol: str, receiver: str
) -> None:
    await register(pool)
    settings = make_settings(dsn, broker, protocol, receiver=receiver)
    at = stamp(60)
    async with running(settings):
        await until(lambda: connected(broker, pool), "the worker's first message")
        await publish(broker, [("bin-1", json.dumps({"time": at, "fill_level": 42.5, "battery": 80}))])
        await until(lambda: has_received(pool, 2), "two messages")
    rows = await pool.fetch("SELECT property, phenomenon_time, result, quality FROM observation JOIN datastream"
                            " USING (datastream_id) WHERE device_id = 'bin-1' ORDER BY property")  # fmt: skip
    assert [(row["property"], row["result"], row["quality"]) for row in rows] == [
        ("battery", 80.0, 1), ("fill_level", 42.5, 1),
    ]  # fmt: skip
    assert {row["phenomenon_time"] for row in rows} == {datetime.fromisoformat(at)}
    tail = await pool.fetch("SELECT * FROM ingest_batch ORDER BY seq")
    assert sum(len(row["datastream_id"]) for row in tail) == await pool.fetchval("SELECT count(*) FROM observation")
    assert await account_closes(pool)


async def has_received(pool: Pool, count: int) -> bool:
    return await received(pool) >= count


async def connected(broker: LocalBroker, pool: Pool) -> bool:
    """Publish until something arrives: before its first subscription a worker has no session at the broker."""
    await publish(broker, [("any-1", json.dumps({"time": "2026-01-01T00:00:00Z", "battery": 1}))])
    return await received(pool) > 0


SIX = {
    "not a number": ("bin-1", b'{"fill_level": "abc"}', ("refused", "not_a_number")),
    "invalid JSON": ("bin-1", b'{"fill_level": 5', ("rejected", "bad_json")),
    "unknown device": ("nobody", b'{"fill_level": 5}', ("rejected", "unknown_device")),
    "2 MB": ("bin-1", b'{"fill_level": ' + b"5" * 2_000_000 + b"}", ("rejected", "too_large")),
}


async def test_six_kinds_of_bad_input_are_visible_and_nothing_stops(dsn: str, pool: Pool, broker: LocalBroker) -> None:
    await register(pool)
    settings = make_settings(dsn, broker)
    await subscribed(settings)
    await publish(broker, [(device, payload) for device, payload, _ in SIX.values()])
    await publish(broker, [("bin-1", json.dumps({"time": t, "fill_level": 12}))
                           for t in ("1970-01-01T00:00:10Z", "2099-01-01T00:00:00Z")])  # fmt: skip
    await publish(broker, [("bin-1", json.dumps({"time": stamp(), "fill_level": 13}))])
    async with running(settings):
        await until(lambda: has_received(pool, 7), "seven messages")
    kept = await pool.fetch(
        "SELECT fate, reason, detail, payload, payload_size FROM rejected_message ORDER BY rejected_id"
    )
    assert [(row["fate"], row["reason"]) for row in kept] == [fate for _, _, fate in SIX.values()]
    assert (len(kept[3]["payload"]), kept[3]["payload_size"]) == (65_536, 2_000_016)
    assert "2000016 bytes" in kept[3]["detail"]
    rows = await pool.fetch(
        "SELECT quality, tests, phenomenon_time = received_at AS arrival FROM observation ORDER BY result"
    )
    assert [(row["quality"], row["tests"], row["arrival"]) for row in rows] == [
        (4, 1, True), (4, 1, True), (1, 0, False),
    ]  # fmt: skip
    assert await account_closes(pool)
    sums = await pool.fetchrow("SELECT sum(received) r, sum(accepted) a, sum(rejected) j, sum(stored) s, sum(refused) f"
                               " FROM delivery_account")  # fmt: skip
    assert dict(sums or {}) == {"r": 7, "a": 4, "j": 3, "s": 3, "f": 1}


async def test_a_first_message_that_overtakes_the_news_of_its_device_is_accepted(
    dsn: str, pool: Pool, broker: LocalBroker
) -> None:
    await register(pool)

    async def heard(device_id: str) -> bool:
        return bool(await pool.fetchval("SELECT sum(received) FROM delivery_account WHERE device_id = $1", device_id))

    async with running(make_settings(dsn, broker)):
        await until(lambda: connected(broker, pool), "the worker's first message")
        for device_id in ("bin-new-1", "bin-new-2"):  # the second while the registry was read a moment ago
            # Without the announcement that an import makes: the message may be faster.
            await pool.execute(
                "INSERT INTO device (device_id, profile, domain) VALUES ($1, 'citywatch/bin', 'waste')", device_id
            )
            await publish(broker, [(device_id, '{"fill_level": 5}')])
            await until(partial(heard, device_id), device_id)
    stored = await pool.fetch("SELECT device_id FROM observation JOIN datastream USING (datastream_id)"
                              " WHERE device_id LIKE 'bin-new-%' ORDER BY device_id")  # fmt: skip
    assert [row["device_id"] for row in stored] == ["bin-new-1", "bin-new-2"]
    assert await account_closes(pool)


async def test_redelivery_doubles_nothing_with_and_without_a_time(dsn: str, pool: Pool, broker: LocalBroker) -> None:
    await register(pool)
    settings = make_settings(dsn, broker)
    await subscribed(settings)
    timed = json.dumps({"time": stamp(), "fill_level": 12})
    untimed = json.dumps({"battery": 55})
    counted = json.dumps({"seq": 7, "tilt": 3})
    await publish(broker, [("bin-1", text) for text in (timed, untimed, counted) * 3])
    async with running(settings):
        await until(lambda: has_received(pool, 9), "nine messages")
    assert await pool.fetchval("SELECT count(*) FROM observation") == 3
    sums = await pool.fetchrow("SELECT sum(readings) r, sum(stored) s, sum(duplicate) d FROM delivery_account")
    assert dict(sums or {}) == {"r": 9, "s": 3, "d": 6}
    assert await account_closes(pool)


async def test_history_goes_by_its_own_clock(dsn: str, pool: Pool, broker: LocalBroker) -> None:
    await register(pool)
    settings = make_settings(dsn, broker)
    await subscribed(settings)
    await publish(broker, [
        ("old-1", json.dumps({"time": f"2017-03-01T{hour:02}:00:00Z", "vehicle_flow": hour})) for hour in range(24)
    ])  # fmt: skip
    await publish(broker, [("old-1", json.dumps({"now": "2017-03-02T00:00:00Z", "vehicle_speed": None}))])
    async with running(settings):
        await until(lambda: has_received(pool, 25), "25 messages")
    assert await pool.fetchval("SELECT count(*) FROM observation WHERE quality = 1") == 24
    assert await pool.fetchval("SELECT phenomenon_time FROM observation WHERE quality = 9") == datetime(
        2017, 3, 2, tzinfo=UTC
    )
    clock = await pool.fetchval("SELECT clock FROM source WHERE source_id = 'history'")
    assert clock == datetime(2017, 3, 2, tzinfo=UTC)
    last = await pool.fetchval("SELECT clocks FROM ingest_batch ORDER BY seq DESC LIMIT 1")
    assert last == {"history": "2017-03-02T00:00:00+00:00"}


async def test_a_wrong_clock_and_a_flood_are_written_down(dsn: str, pool: Pool, broker: LocalBroker) -> None:
    await register(pool)
    settings = make_settings(dsn, broker)
    await subscribed(settings)
    async with running(settings):
        await publish(broker, [("air-1", json.dumps({"time": stamp(-7200 + n), "pm2_5": n})) for n in range(15)])
        # A flood is one beside others in the same two seconds: however slow all this is, some of them are.
        beside = [("nobody-1", "{}"), *(("any-1", json.dumps({"time": stamp(n), "battery": 1})) for n in range(40))]

        async def both() -> bool:
            await publish(broker, beside)
            clocks = await pool.fetchval("SELECT count(*) FROM device_clock")
            return bool(clocks) and bool(await pool.fetchval("SELECT count(*) FROM device_flood"))

        await until(both, "a clock and a flood in the store")
    clock = await pool.fetchrow("SELECT device_id, kind, offset_seconds, corrected FROM device_clock")
    assert tuple(clock or ()) == ("air-1", "zone", -7200.0, True)
    assert await pool.fetchval("SELECT device_id FROM device_flood LIMIT 1") == "any-1"
    assert await pool.fetchval("SELECT count(*) FROM observation WHERE quality = 1 AND tests = 1") == 3
