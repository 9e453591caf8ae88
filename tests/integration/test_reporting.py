"""What the processes say of themselves reaches the store, /metrics and the status, and is taken back at the end."""

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.metrics import Metrics, render
from api.overview import read_status
from citywatch.local.broker import LocalBroker
from citywatch.settings import Settings
from sql.connection import Pool
from sql.queries import query
from sql.reporting import keep_reporting
from tests.integration.ingest_run import make_settings, publish, received, register, running, subscribed, until


async def test_metrics_of_a_worker_are_exported_with_the_stores_own(dsn: str, pool: Pool, broker: LocalBroker) -> None:
    await register(pool)
    settings = make_settings(dsn, broker)
    await subscribed(settings)
    before = await values(pool)
    stop = asyncio.Event()
    async with running(settings):
        await publish(broker, [("any-1", '{"vehicle_count": 4}'), ("any-1", "not json")])

        async def both_here() -> bool:
            return await received(pool) >= 2

        await until(both_here, "two messages")
        reporting = asyncio.create_task(keep_reporting(dsn, "ingest", "here/0", stop))

        async def reported() -> bool:
            return bool(await pool.fetch(query("process", "process_reports")))

        await until(reported, "a report")
        after = await values(pool)
        status = await read_status(pool, Settings(), datetime.now(UTC), "0")
        stop.set()
        await asyncio.wait_for(reporting, 20)
    who = "here/0 ingest"
    grown = {name: after[name] - before.get(name, 0) for name in after}
    assert grown[f"citywatch_ingest_messages_total accepted {who}"] >= 1
    assert grown[f"citywatch_ingest_messages_total rejected {who}"] >= 1
    assert grown[f"citywatch_ingest_turned_away_total {who} bad_json"] >= 1
    assert after[f"citywatch_ingest_commit_seconds_count {who}"] >= 1
    assert after[f"process_resident_memory_bytes {who}"] > 1e6
    assert after[f"citywatch_report_age_seconds {who}"] < 60
    assert after["citywatch_account_closes"] == 1
    assert after["citywatch_notifications_waiting"] == 0
    (ingest,) = (process for process in status.processes if process.name == "ingest")
    assert "MB, reported" in ingest.detail
    assert await pool.fetch(query("process", "process_reports")) == [], "the report is taken back in order"


async def values(pool: Pool) -> dict[str, float]:
    """Every sample by its name and label values."""
    text = (await render(Metrics(), pool)).decode()
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_a_store_without_the_table_disturbs_nobody(dsn: str, pool: Pool) -> None:
    await pool.execute("DROP TABLE process_report")
    stop = asyncio.Event()
    task = asyncio.create_task(keep_reporting(dsn, "fold", "here", stop))
    with pytest.raises(asyncpg.UndefinedTableError):
        await pool.fetch(query("process", "process_reports"))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(task, 20)
