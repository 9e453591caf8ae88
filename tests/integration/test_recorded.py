"""Record, replay and import with a real broker and a real store."""

import asyncio
import json
from pathlib import Path

from citywatch.cli.history import import_recorded
from citywatch.cli.recorded import load_recorded, registry_for
from citywatch.local.broker import LocalBroker
from citywatch.setting_groups import StoreSettings
from citywatch.settings import Settings
from devices.registry import import_registry
from ingest.model import Outcome
from simulators.placing import build_city
from simulators.publisher import Endpoint, Publisher
from simulators.recorder import Recorder
from simulators.recording import read_recording
from simulators.registry import registry_document
from sql.connection import Pool

SAMPLES = Path(__file__).resolve().parents[2] / "simulators" / "samples"


def nothing(*_: object) -> None:
    return


async def test_what_is_recorded_is_what_was_published(broker: LocalBroker, tmp_path: Path) -> None:
    path, stop = tmp_path / "live.jsonl", asyncio.Event()
    endpoint = Endpoint("127.0.0.1", broker.port)
    publisher = Publisher(endpoint, "devices")
    await publisher.open()
    await publisher.publish("city/v1/devices/old/telemetry", b"{}", retain=True)
    await publisher.drain()
    recorder = Recorder(endpoint, "recorder", ["city/v1/devices/+/telemetry"])
    await recorder.open()
    heard_all = asyncio.Event()
    writing = asyncio.create_task(recorder.write(path, stop, lambda count: heard_all.set() if count == 300 else None))
    sent = [(f"city/v1/devices/d{n % 7}/telemetry", json.dumps({"battery": n}).encode()) for n in range(300)]
    for topic, payload in sent:
        await publisher.publish(topic, payload)
    await asyncio.wait_for(heard_all.wait(), 20)
    stop.set()
    await writing
    await publisher.close()
    assert [(one.topic, one.payload) for one in read_recording(path)] == sent


async def load_into_store(dsn: str, pool: Pool, files: list[Path]) -> Outcome:
    recorded = await asyncio.to_thread(load_recorded, files, None, None, None)
    async with pool.acquire() as connection:
        await import_registry(connection, recorded.registry)
    settings = Settings(store=StoreSettings(dsn=dsn))
    return await import_recorded(settings, dsn, recorded, asyncio.Event(), nothing)


async def test_samples_imported_stand_in_the_store_to_the_value(dsn: str, pool: Pool) -> None:
    outcome = await load_into_store(dsn, pool, sorted(SAMPLES.glob("*.csv")))
    assert (outcome.messages, outcome.accepted, outcome.rejected, outcome.refused) == (464, 464, 0, 0)
    rows = await pool.fetch(
        "SELECT device_id, property, count(*) AS n, count(result) AS valued, min(phenomenon_time) AS first"
        "  FROM observation JOIN datastream USING (datastream_id) GROUP BY 1, 2"
    )
    counts = {(row["device_id"], row["property"]): (row["n"], row["valued"]) for row in rows}
    assert counts["i94-atr301", "vehicle_flow"] == (24, 24)
    assert sum(n for n, _ in counts.values()) == outcome.stored == 24 * 5 + 2 * 24 * 12 + 384
    assert outcome.duplicate == (32 - 24) * 5
    clocks = dict(await pool.fetch("SELECT source_id, clock FROM source WHERE kind = 'replay'"))
    assert {name: clock.isoformat() for name, clock in clocks.items()} == {
        "replay:beijing": "2016-12-16T15:00:00+00:00",
        "replay:metro_interstate": "2017-06-15T04:00:00+00:00",
        "replay:wyndham": "2019-03-23T13:00:00+00:00",
    }


async def test_history_imported_twice_changes_nothing(dsn: str, pool: Pool) -> None:
    first = await load_into_store(dsn, pool, [SAMPLES / "beijing_2016-12-16.csv"])
    again = await load_into_store(dsn, pool, [SAMPLES / "beijing_2016-12-16.csv"])
    assert first.stored == again.duplicate == 2 * 24 * 12
    assert again.stored == 0


async def test_a_recorded_device_is_shown_again_under_another_name(dsn: str, pool: Pool, tmp_path: Path) -> None:
    path = tmp_path / "morning.jsonl"
    lines = [
        {"received_at": f"2026-03-01T07:0{n}:00Z", "topic": "city/v1/devices/bin-1/telemetry",
         "payload": json.dumps({"fill_level": 40 + n})}
        for n in range(3)
    ]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    async with pool.acquire() as connection:
        await import_registry(
            connection, {"devices": [{"device_id": "bin-1", "profile": "citywatch/bin", "domain": "waste"}]}
        )
    recorded = await asyncio.to_thread(load_recorded, [path], None, None, "again-")
    registry = await asyncio.to_thread(registry_for, recorded, dsn)
    async with pool.acquire() as connection:
        await import_registry(connection, registry)
    outcome = await import_recorded(Settings(store=StoreSettings(dsn=dsn)), dsn, recorded, asyncio.Event(), nothing)
    assert outcome.stored == 3
    times = await pool.fetch("SELECT phenomenon_time FROM observation ORDER BY 1")
    assert [row["phenomenon_time"].isoformat()[:16] for row in times] == [
        "2026-03-01T07:00", "2026-03-01T07:01", "2026-03-01T07:02",
    ]  # fmt: skip


async def test_the_registry_of_the_city_is_acceptable_to_the_store(pool: Pool) -> None:
    async with pool.acquire() as connection:
        counts = await import_registry(connection, registry_document(build_city(1, 300)))
    assert (counts.districts, counts.devices_new) == (9, 300)
