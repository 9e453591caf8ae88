"""One message, however odd, costs itself only: the worker goes on."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from citywatch.settings import Settings, StoreSettings
from devices.profile_store import ProfileStore
from devices.profiles import BUILTIN
from ingest.batch import Batch
from ingest.model import Delivery, Rejected
from ingest.store import Store
from ingest.worker import Worker
from sql.connection import Pool
from sql.engine import detect_engine
from tests.integration.ingest_run import account_closes, register

ODD = {
    "airgradient": {"serialno": "84fce6\0"},
    "tts_v3": {"end_device_ids": {"device_id": "\0"}, "uplink_message": {}},
    "chirpstack_v4": {"deviceInfo": {"devEui": "a\0"}},
}


@pytest.mark.parametrize("webhook", ODD)
async def test_an_id_that_no_device_can_have_is_turned_away(dsn: str, pool: Pool, webhook: str) -> None:
    await register(pool)
    async with pool.acquire() as connection:
        store = Store(pool, await detect_engine(connection), slot=0, patience=timedelta(seconds=60))
    worker = Worker(Settings(store=StoreSettings(dsn=dsn)), pool, store, ProfileStore(BUILTIN))
    await worker.start()  # so the registry was read a moment ago, and the store is asked for whom it does not know
    delivery = Delivery(f"citywatch/webhooks/{webhook}", json.dumps(ODD[webhook]).encode(), datetime.now(UTC), 1)
    (verdict,) = await worker._decide([delivery], asyncio.Event())
    assert isinstance(verdict, Rejected)
    batch = Batch(10, 1.0)
    batch.add(verdict, 0.0)
    assert (await store.write(batch, worker.directory.speakers, {})).rejected == 1
    assert await pool.fetchval("SELECT reason FROM rejected_message") == "unknown_device"
    assert await account_closes(pool)
