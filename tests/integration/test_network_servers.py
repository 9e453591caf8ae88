"""Uplinks of network servers from a real broker into the store: published vectors, joins, vendors' JavaScript."""

import json
from base64 import b64encode
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import aiomqtt

from citywatch.local.broker import LocalBroker
from citywatch.setting_groups import DevicesSettings
from citywatch.settings import Settings
from devices.model import RejectReason
from sql.connection import Pool
from tests.integration.ingest_run import account_closes, make_settings, received, register, running, until
from tests.integration.network_servers import ROUTES, registry_of, wrap_all
from tests.unit.devices.vectors import read_vectors

SCRIPT = """
function decodeUplink(input) {
  if (input.bytes.length !== 2) return { errors: ["two bytes are expected"] };
  return { data: { temperature: ((input.bytes[0] << 8) | input.bytes[1]) / 10 } };
}
"""
PROFILE = """
vendor: acme
model: thermo
domain: weather
envelope: tts_v3
codec: js:thermo.js
fields:
  temperature: {property: air_temperature, scale: SCALE}
expected_interval: 1h
examples: []
"""


def settings_with(dsn: str, broker: LocalBroker, folder: Path) -> Settings:
    settings = make_settings(dsn, broker, routes=ROUTES, lateness=timedelta(days=3650))
    return settings.model_copy(update={"devices": DevicesSettings(folders=[folder])})


async def publish_to(broker: LocalBroker, *messages: tuple[str, bytes | str]) -> None:
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        for topic, payload in messages:
            await client.publish(topic, payload, qos=1)


async def listening(pool: Pool, broker: LocalBroker) -> None:
    """Wait for the worker's subscription: before it the broker keeps nothing."""

    async def ask() -> bool:
        await publish_to(broker, ("v3/city@tenant/devices/nobody/up", "{}"))
        return await received(pool) > 0

    await until(ask, "the worker's first message")


async def test_every_published_vector_in_either_network_servers_uplink_is_stored_once(
    dsn: str, pool: Pool, broker: LocalBroker, tmp_path: Path, shared_data: Path
) -> None:
    wrapped = wrap_all(read_vectors(shared_data), tmp_path / "profiles", datetime.now(UTC))
    assert len(wrapped) == 2 * 215
    await register(pool, registry_of(wrapped))
    async with running(settings_with(dsn, broker, tmp_path / "profiles")):
        await listening(pool, broker)
        await publish_to(broker, *[(one.topic, one.payload) for one in wrapped for _ in range(2)])
        await until(lambda: _count(pool, 2 * len(wrapped)), "every message, twice")

    stored = defaultdict(set)
    for row in await pool.fetch(
        "SELECT device_id, property, result FROM observation JOIN datastream USING (datastream_id)"
    ):
        stored[row["device_id"]].add((row["property"], row["result"]))
    account = {row["device_id"]: row for row in await pool.fetch("SELECT * FROM delivery_account")}
    for one in wrapped:
        row = account[one.device_id]
        if one.expected is None:
            assert (row["accepted"], row["rejected"], one.vector.data) == (0, 2, None), one.vector
            continue
        assert (row["accepted"], row["rejected"]) == (2, 0), one.vector
        assert stored[one.device_id] == one.expected, one.vector
        assert row["stored"] >= len(one.expected)
        assert row["stored"] + 2 * one.refused <= row["readings"]
    assert sum(one.expected is None for one in wrapped) == 2 * 8  # those whose vendors report an error
    assert await account_closes(pool)


async def _count(pool: Pool, least: int) -> bool:
    known = "SELECT coalesce(sum(received), 0) FROM delivery_account WHERE device_id <> '(unknown)'"
    return bool(await pool.fetchval(known) >= least)


async def test_a_vendors_script_decodes_in_ingest_and_a_mended_profile_needs_no_restart(
    dsn: str, pool: Pool, broker: LocalBroker, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/thermo.js").write_text(SCRIPT)
    profile = tmp_path / "own/thermo.yaml"
    profile.write_text(PROFILE.replace("SCALE", "1"))
    device = {"device_id": "thermo-1", "profile": "acme/thermo", "domain": "weather"}
    await register(pool, {"devices": [device]})

    def uplink(counter: int, payload: bytes) -> tuple[str, str]:
        message = {"session_key_id": "AX==", "f_cnt": counter, "frm_payload": b64encode(payload).decode()}
        ids = {"device_id": "thermo-1"}
        return "v3/a/devices/thermo-1/up", json.dumps({"end_device_ids": ids, "uplink_message": message})

    join = {"end_device_ids": {"device_id": "thermo-1"}, "join_accept": {"session_key_id": "AX=="}}
    async with running(settings_with(dsn, broker, tmp_path / "own")):
        await listening(pool, broker)
        await publish_to(broker, ("v3/a/devices/thermo-1/join", json.dumps(join)))
        await publish_to(broker, uplink(1, b"\x00\xe1"), uplink(2, b"\x00"))
        await until(lambda: _count(pool, 3), "three messages")
        profile.write_text(PROFILE.replace("SCALE", "10"))
        await register(pool, {"devices": [{**device, "name": "north wall"}]})

        counters = count(3)

        async def mended() -> bool:
            await publish_to(broker, uplink(next(counters), b"\x00\x02"))
            return bool(await pool.fetchval("SELECT count(*) FROM observation WHERE result = 2"))

        await until(mended, "a reading by the mended profile")
    assert await pool.fetchval("SELECT count(*) FROM observation WHERE result = 22.5") == 1
    kept = await pool.fetch("SELECT reason, detail FROM rejected_message WHERE device_id = 'thermo-1'")
    assert [row["reason"] for row in kept] == [RejectReason.DECODE_FAILED]
    assert "two bytes are expected" in kept[0]["detail"]
    assert await account_closes(pool)
