"""What ingest keeps beside the readings: floods by device, delivery keys as long as something may come again."""

from datetime import UTC, datetime, timedelta

import pytest

import ingest.delivery_keys
from ingest.fairness import Flood
from ingest.floods import FloodRecord
from ingest.store import Store
from sql.connection import Pool
from sql.engine import detect_engine
from tests.integration.ingest_run import register

NOW = datetime(2026, 11, 1, tzinfo=UTC)


async def make_store(pool: Pool, slot: int) -> Store:
    async with pool.acquire() as connection:
        return Store(pool, await detect_engine(connection), slot=slot, patience=timedelta(seconds=60))


async def test_a_device_that_floods_on_two_topics_is_one_flood(pool: Pool) -> None:
    await register(pool)
    store, record = await make_store(pool, 0), FloodRecord(lambda topic: topic.partition("/")[0])
    for seconds in (0, 2):
        floods = [Flood(f"air-1/{n}", 20 * n, 10.0 * n, 0.1, n) for n in (1, 2)] + [Flood("bin-1/1", 12, 6.0, 0.1, 0)]
        await store.record_floods(record.note(floods, NOW + timedelta(seconds=seconds)))
    found = await pool.fetch("SELECT device_id, messages, peak_rate, set_aside FROM device_flood ORDER BY device_id")
    assert [tuple(row) for row in found] == [("air-1", 120, 30.0, 6), ("bin-1", 24, 6.0, 0)]


async def test_delivery_keys_are_kept_as_long_as_a_session_and_go_in_steps(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest.delivery_keys, "ROWS", 3)
    for slot in (-1, 0, 1, 5):  # replays, two workers, one that is away or was given up
        await pool.executemany(
            "INSERT INTO delivery (device_id, delivery_key, received_at, slot) VALUES ('bin-1', $1, $2, $3)",
            [(f"{slot}/{days}", NOW - timedelta(days=days), slot) for days in (1, 3, 31, 33, 34, 35)],
        )
    await (await make_store(pool, 1)).forget_deliveries(NOW - timedelta(days=2))
    found = await pool.fetch("SELECT slot, array_agg(delivery_key ORDER BY received_at DESC) FROM delivery"
                             " GROUP BY slot ORDER BY slot")  # fmt: skip
    assert [tuple(row) for row in found] == [
        (slot, [f"{slot}/{days}" for days in ((1,) if slot == 1 else (1, 3, 31))]) for slot in (-1, 0, 1, 5)
    ]
