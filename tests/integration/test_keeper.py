"""Births, wills and commands through a real broker and store."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiomqtt
import pytest
from aiomqtt import ProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from citywatch.errors import RegistryError
from citywatch.local.broker import LocalBroker
from citywatch.setting_groups import DevicesSettings
from citywatch.settings import Settings
from devices.commands import create_command, list_commands
from devices.keeper import run_keeper
from devices.profiles import BUILTIN, load_profiles
from sql.connection import Pool
from sql.engine import detect_engine
from sql.queries import query
from tests.integration.ingest_run import make_settings, register, until

PROFILES = load_profiles(BUILTIN)
DOWNLINKS = {"tts_v3": "v3/city@t/devices/{device_id}/down/push"}
DEVICES = {
    "devices": [
        {"device_id": "air-1", "profile": "citywatch/air", "domain": "air"},
        {"device_id": "air-2", "profile": "citywatch/air", "domain": "air"},
        {"device_id": "lora-1", "profile": "milesight/em310-udl", "domain": "waste"},
        {"device_id": "chirp-1", "profile": "milesight/am319-hcho", "domain": "air"},
    ]
}


@asynccontextmanager
async def keeping(settings: Settings) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(run_keeper(settings, stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


@pytest.fixture
def settings(dsn: str, broker: LocalBroker) -> Settings:
    made = make_settings(dsn, broker)
    return made.model_copy(update={"devices": DevicesSettings(downlinks=DOWNLINKS)})


async def ask(pool: Pool, device_id: str, name: str, lasts: timedelta = timedelta(minutes=5), **arguments: Any) -> Any:
    async with pool.acquire() as connection:
        return await create_command(
            connection,
            PROFILES,
            DOWNLINKS,
            device_id,
            name,
            arguments,
            lasts=lasts,
            actor="test",
            now=datetime.now(UTC),
        )


async def state_of(pool: Pool, command: Any) -> tuple[str, Any, str]:
    async with pool.acquire() as connection:
        (one,) = await list_commands(connection, command_id=command.command_id)
    return one.state, one.result, one.reason


async def test_a_command_goes_out_and_its_answer_comes_back_by_either_protocol(
    pool: Pool, broker: LocalBroker, settings: Settings
) -> None:
    await register(pool, DEVICES)
    async with (
        keeping(settings),
        aiomqtt.Client("127.0.0.1", broker.port, protocol=ProtocolVersion.V5) as modern,
        aiomqtt.Client("127.0.0.1", broker.port) as plain,
    ):
        await modern.subscribe("city/v1/devices/air-1/commands/+", qos=1)
        await plain.subscribe("city/v1/devices/air-2/commands/+", qos=1)
        first, second = await ask(pool, "air-1", "identify", seconds=5), await ask(pool, "air-2", "self-test")
        async with asyncio.timeout(30):
            message = await anext(aiter(modern.messages))
            told: Any = message.properties
            body = json.loads(bytes(message.payload))
            assert (body["id"], body["arguments"]) == (str(first.command_id), {"seconds": 5})
            assert 0 < told.MessageExpiryInterval <= 300
            echo = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            echo.CorrelationData = told.CorrelationData
            await modern.publish(told.ResponseTopic, b'{"state": "acknowledged"}', 1, properties=echo)
            await until(lambda: is_state(pool, first, "acknowledged"), "acknowledged")
            await modern.publish(told.ResponseTopic, b'{"result": {"lit": 5}}', 1, properties=echo)
            message = await anext(aiter(plain.messages))
            body = json.loads(bytes(message.payload))
            answer = {"id": body["id"], "state": "failed", "reason": "the fan is stuck"}
            # Somebody else answering for it changes nothing.
            await plain.publish(
                "city/v1/devices/air-1/commands/self-test/response", json.dumps(answer | {"id": body["id"]}), 1
            )
            await until(lambda: is_state(pool, first, "done"), "done")
            assert (await state_of(pool, second))[0] == "sent"
            await plain.publish("city/v1/devices/air-2/commands/self-test/response", json.dumps(answer), 1)
            await until(lambda: is_state(pool, second, "failed"), "failed")
        assert await state_of(pool, first) == ("done", {"lit": 5}, "")
        assert await state_of(pool, second) == ("failed", None, "the fan is stuck")
        late = await ask(pool, "air-2", "identify", timedelta(seconds=1))
        await until(lambda: is_state(pool, late, "expired"), "expired")


async def test_a_lorawan_device_gets_a_downlink_and_its_network_server_answers(
    pool: Pool, broker: LocalBroker, settings: Settings
) -> None:
    await register(pool, DEVICES)
    async with keeping(settings), aiomqtt.Client("127.0.0.1", broker.port) as server:
        await server.subscribe("v3/+/devices/+/down/push", qos=1)
        with pytest.raises(RegistryError, match="no topic for downlinks of chirpstack_v4 is set"):
            await ask(pool, "chirp-1", "reboot", port=85, hex="ff10ff")
        with pytest.raises(RegistryError, match="no device 'ghost'"):
            await ask(pool, "ghost", "reboot")
        with pytest.raises(RegistryError, match="no name for a command"):
            await ask(pool, "air-1", "re/boot")
        made = await ask(pool, "lora-1", "reboot", port=85, hex="ff10ff")
        async with asyncio.timeout(30):
            message = await anext(aiter(server.messages))
        (downlink,) = json.loads(bytes(message.payload))["downlinks"]
        for word, state in (("queued", "sent"), ("sent", "acknowledged"), ("ack", "done")):
            body: dict[str, Any] = {f"downlink_{word}": {"correlation_ids": downlink["correlation_ids"]}}
            topic = f"v3/city@t/devices/lora-1/down/{word}"
            if word == "ack":  # its webhook says the same
                topic, body["end_device_ids"] = "citywatch/webhooks/tts_v3", {"device_id": "lora-1"}
            await server.publish(topic, json.dumps(body), 1)
            await until(lambda state=state: is_state(pool, made, state), state)  # type: ignore[misc]


async def is_state(pool: Pool, command: Any, state: str) -> bool:
    return (await state_of(pool, command))[0] == state


async def test_presence_is_told_by_data_and_wills_and_not_by_an_open_connection(
    pool: Pool, broker: LocalBroker, settings: Settings
) -> None:
    await register(pool, DEVICES)

    async def presence(device_id: str) -> str:
        row = await pool.fetchrow(query("api", "devices"), *[None] * 7, 1, device_id)
        assert row is not None
        return str(row["presence"])

    async def becomes(device_id: str, wanted: str) -> None:
        async def is_so() -> bool:
            return await presence(device_id) == wanted

        await until(is_so, f"{device_id} {wanted}")

    async def datum(device_id: str, minutes_ago: float) -> None:
        await pool.execute(
            "WITH s AS (INSERT INTO datastream (device_id, property, unit) VALUES ($1, 'pm2_5', 'ug/m3')"
            " ON CONFLICT (device_id, property) DO UPDATE SET unit = excluded.unit RETURNING datastream_id)"
            " INSERT INTO latest_observation (datastream_id, phenomenon_time, received_at, result, quality)"
            " SELECT datastream_id, now() - $2 * interval '1 minute', now(), 5, 1 FROM s"
            " ON CONFLICT (datastream_id) DO UPDATE SET phenomenon_time = excluded.phenomenon_time",
            device_id, minutes_ago,
        )  # fmt: skip

    assert await presence("air-1") == "never"
    async with keeping(settings), aiomqtt.Client("127.0.0.1", broker.port) as client:
        status = "city/v1/devices/{}/status"
        await datum("air-1", 1)
        assert await presence("air-1") == "present"
        await client.publish(status.format("air-1"), b"offline", 1, retain=True)
        await becomes("air-1", "offline")
        await datum("air-1", -0.1)  # it spoke after its will: so it is there
        assert await presence("air-1") == "present"
        await client.publish(status.format("air-2"), b"online", 1, retain=True)
        await datum("air-2", 16)  # three intervals of five minutes
        await becomes("air-2", "silent")
        for word in (b"offline", b"online", b"offline", b"online", b"nonsense", b"offline"):
            await client.publish(status.format("air-2"), word, 1, retain=True)
        await client.publish(status.format("nobody"), b"online", 1)
        await becomes("air-2", "flapping")
    async with keeping(settings), aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.publish(status.format("lora-1"), b"online", 1)

        async def heard() -> bool:
            return bool(await pool.fetchval("SELECT link = 'online' FROM device_presence WHERE device_id = 'lora-1'"))

        await until(heard, "the retained ones too")
    changes = "SELECT cardinality(link_changes) FROM device_presence WHERE device_id = 'air-1'"
    assert await pool.fetchval(changes) == 1  # what is retained is said again at every start, and is no change


async def test_how_often_a_device_really_sends_is_learnt(pool: Pool) -> None:
    await register(pool, DEVICES)
    now = datetime.now(UTC)
    async with pool.acquire() as connection:
        number = await connection.fetchval(
            "INSERT INTO datastream (device_id, property, unit) VALUES ('air-1', 'pm2_5', 'ug/m3')"
            " RETURNING datastream_id"
        )
        times = [now - timedelta(minutes=10 * n) for n in range(12)]
        await (await detect_engine(connection)).ensure(connection, times)
        await connection.executemany(
            "INSERT INTO observation (datastream_id, phenomenon_time, received_at, result, quality)"
            " VALUES ($1, $2, $2, 1, 1)",
            [(number, at) for at in times],
        )
        await connection.execute(query("presence", "learn_intervals"), now)
        rows = await connection.fetch("SELECT device_id, learned_interval FROM device_presence")
    assert [tuple(row) for row in rows] == [("air-1", timedelta(minutes=10))]
