"""The NAB road and taxi series through the live path: MQTT, ingest, store, fold, the worker that derives, and back.

Each series is a device whose one property is watched (tag `watch`); what comes back is the derived observation
`rarity`, worked out from what had come before alone. Windows caught and false-alarm hours are counted from it.
"""

import asyncio
import csv
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from citywatch.cli.score_system import AT_END, System, own_system, scratch
from docs.proof.indicator_parts.anomalies import NAB_TUNED, nab_figures
from docs.proof.shared_data import data_folder
from indicators.watching import CALLED
from simulators.publisher import Endpoint, Publisher

# series -> the property that it is a series of
PROPERTY = {"TravelTime": "travel_time", "occupancy": "occupancy", "speed": "vehicle_speed", "nyc": "vehicle_count"}
FALSE_HOURS_A_DAY, CAUGHT = 0.2, 13
CHUNK = 2000


def series() -> dict[str, list[tuple[datetime, float]]]:
    """Return every series by name."""
    folder = data_folder() / "timeseries" / "traffic_nab"
    found = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        found[path.stem] = [
            (datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC), float(row["value"])) for row in rows
        ]
    return found


def name_of(stem: str) -> str:
    """Return the property that a series is of."""
    return PROPERTY[stem.split("_")[0]]


def registry(found: dict[str, list[tuple[datetime, float]]]) -> dict[str, Any]:
    """Return the devices, each on a source of its own, whose clock is the series'."""
    return {
        "sources": [{"source_id": f"nab-{stem}", "kind": "replay"} for stem in found],
        "devices": [
            {
                "device_id": f"nab-{stem}",
                "profile": "citywatch/road",
                "domain": "traffic",
                "source_id": f"nab-{stem}",
                "expected_interval": "30m",
                "tags": {"watch": name_of(stem)},
            }
            for stem in found
        ],
    }


async def replay(system: System, found: dict[str, list[tuple[datetime, float]]]) -> dict[str, list[datetime]]:
    """Publish all of it in order of time, and return when each series was called strange."""
    publisher = Publisher(Endpoint("127.0.0.1", system.broker_port), "nab")
    await publisher.open()
    connection = await asyncpg.connect(system.dsn)
    sent = 0
    for stem, rows in found.items():
        for number, (at, value) in enumerate(rows):
            text = at.isoformat()
            record = {"time": text, "now": text, "seq": number, name_of(stem): value}
            await publisher.publish(f"city/v1/devices/nab-{stem}/telemetry", json.dumps(record).encode())
            sent += 1
            if sent % CHUNK == 0:
                await publisher.drain()
                await system.settled(connection, sent, AT_END)
    await publisher.drain()
    await system.settled(connection, sent, AT_END)
    while await connection.fetchval("SELECT count(*) FROM indicator_due WHERE kind = 'series'"):  # noqa: ASYNC110
        await asyncio.sleep(0.2)
    rows_found = await connection.fetch(
        "SELECT device_id, phenomenon_time FROM observation JOIN datastream USING (datastream_id)"
        " WHERE property = 'rarity' AND result >= $1 ORDER BY 1, 2",
        round(CALLED, 4),
    )
    await connection.close()
    await publisher.close()
    calls: dict[str, list[datetime]] = {stem: [] for stem in found}
    for row in rows_found:
        calls[row["device_id"].removeprefix("nab-")].append(row["phenomenon_time"].replace(tzinfo=None))
    return calls


def prove() -> dict[str, object]:
    """Replay, count, and hold against what was promised."""
    found = series()
    with tempfile.TemporaryDirectory(dir=scratch(), prefix="citywatch-nab-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with own_system(folder, registry(found)) as system:
            calls = asyncio.run(replay(system, found))
    figures = nab_figures({stem: (calls[stem], [at.replace(tzinfo=None) for at, _ in found[stem]]) for stem in found})
    print(json.dumps(figures, indent=1), flush=True)
    together: dict[str, float] = figures["all"]
    assert together["caught"] >= CAUGHT, together
    assert together["false_alarm_hours_a_day"] <= FALSE_HOURS_A_DAY, together
    return {"tuned_on": NAB_TUNED, **figures}
