"""Odd messages and odd clocks: one message costs itself only, and a clock is known by what it shows now."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from citywatch.setting_groups import StoreSettings
from citywatch.settings import Settings
from devices.profile_store import ProfileStore
from devices.profiles import BUILTIN
from ingest.batch import Batch
from ingest.model import Delivery, Rejected
from ingest.store import Store
from ingest.worker import Worker
from sql.connection import Pool
from sql.engine import detect_engine
from tests.integration.ingest_run import TOPIC, account_closes, register

ODD = {
    "airgradient": {"serialno": "84fce6\0"},
    "tts_v3": {"end_device_ids": {"device_id": "\0"}, "uplink_message": {}},
    "chirpstack_v4": {"deviceInfo": {"devEui": "a\0"}},
}


async def make_worker(dsn: str, pool: Pool) -> Worker:
    """A worker that has just read the registry."""
    async with pool.acquire() as connection:
        store = Store(pool, await detect_engine(connection), slot=0, patience=timedelta(seconds=60))
    worker = Worker(Settings(store=StoreSettings(dsn=dsn)), pool, store, ProfileStore(BUILTIN))
    await worker.start()
    return worker


@pytest.mark.parametrize("webhook", ODD)
async def test_an_id_that_no_device_can_have_is_turned_away(dsn: str, pool: Pool, webhook: str) -> None:
    await register(pool)
    worker = await make_worker(dsn, pool)  # the store is asked for whom it does not know
    delivery = Delivery(f"citywatch/webhooks/{webhook}", json.dumps(ODD[webhook]).encode(), datetime.now(UTC), 1)
    (verdict,) = await worker._decide([delivery], asyncio.Event())
    assert isinstance(verdict, Rejected)
    batch = Batch(10, 1.0)
    batch.add(verdict, 0.0)
    assert (await worker.store.write(batch, worker.directory.speakers, {})).rejected == 1
    assert await pool.fetchval("SELECT reason FROM rejected_message") == "unknown_device"
    assert await account_closes(pool)


async def test_a_device_that_sends_local_time_is_recorded_as_it_stands_in_winter(dsn: str, pool: Pool) -> None:
    await register(pool)
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    for hours in (2, 1):
        worker = await make_worker(dsn, pool)  # the second has it from the table
        for minute in range(13):
            at = begin + timedelta(minutes=minute - 20 * hours)
            body = json.dumps({"time": (at + timedelta(hours=hours)).isoformat(), "pm2_5": minute}).encode()
            worker.decoder.decode(Delivery(TOPIC.format("air-1"), body, at, 1))
        await worker.store.record_clocks(worker.directory.clock_faults, begin)
        clock = await pool.fetchrow("SELECT kind, offset_seconds, corrected FROM device_clock")
        assert tuple(clock or ()) == ("zone", -3600.0 * hours, True)
