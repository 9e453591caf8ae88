"""The rules process killed again and again over a run with known answers."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from devices.model import QualityFlag
from rules.definitions import load_definitions
from rules.engine import run, watch
from rules.model import Sample, Subject
from sql.connection import Connection, Pool
from tests.integration.rules_tail import append, install, minute

ROOT = Path(__file__).resolve().parents[2]
CODE = "from citywatch.cli.process import run_process; from rules.process import run; run_process('rules', run)"
EVERY = timedelta(minutes=5)
PROPERTIES = ("fill_level", "bin_temperature", "battery")
Line = tuple[str, datetime, datetime | None]


def a_city(devices: int, steps: int, seed: int) -> list[list[tuple[str, Sample]]]:
    """Return, step by step, what each device says: levels that dwell around every limit, and silences."""
    chance = random.Random(seed)
    levels = {f"bin-{n}": {"fill_level": 50.0, "bin_temperature": 20.0, "battery": 50.0} for n in range(devices)}
    mute: dict[str, int] = {}
    told = []
    for step in range(steps):
        now = []
        for device_id, level in levels.items():
            if chance.random() < 0.01:
                mute[device_id] = step + chance.randint(1, 8)
            if chance.random() < 0.15:
                level["fill_level"] = chance.choice([5.0, 60.0, 84.0, 88.0, 90.0, 95.0, 100.0])
            if chance.random() < 0.05:
                level["bin_temperature"] = chance.choice([20.0, 49.0, 55.0, 60.0, 300.0])
            if chance.random() < 0.05:
                level["battery"] = chance.choice([10.0, 15.0, 18.0, 80.0])
            if mute.get(device_id, -1) < step:
                values: dict[str, tuple[float | None, QualityFlag]] = {
                    name: (value, QualityFlag.GOOD) for name, value in level.items()
                }
                now.append((device_id, Sample(minute(5 * step), values)))
        told.append(now)
    return told


def expected(city: list[list[tuple[str, Sample]]], until: datetime) -> list[Line]:
    """Return the journal of an undisturbed run of the engine."""
    samples: dict[str, list[Sample]] = {}
    for step in city:
        for device_id, sample in step:
            samples.setdefault(device_id, []).append(sample)
    lines: list[Line] = []
    for device_id, found in samples.items():
        subject = Subject(
            device_id, "test", "waste", expected_interval=EVERY, source_id="history", properties=frozenset(PROPERTIES)
        )
        for definition in load_definitions():
            ready = watch(definition.rule, subject)
            if ready is not None:
                _, episodes = run(ready, ready.start(), found, until)
                key = f"{definition.rule.rule_id}:{device_id}"
                lines += [(key, each.raised_at, each.cleared_at) for each in episodes]
    return sorted(lines, key=lambda line: (line[0], line[1]))


async def kill_and_compare(
    dsn: str, pool: Pool, *, kills: int, devices: int = 8, seed: int = 1, processes: int = 1
) -> dict[str, Any]:
    """Feed a city to rules processes, of which one is killed `kills` times at random points; return what came of it.

    Each judges one part of the city.
    """
    chance = random.Random(seed)
    steps = kills * 6 + 60
    city = a_city(devices, steps, seed)
    ids: dict[str, list[int]] = {}
    async with pool.acquire() as connection:
        for number in range(devices):
            device_id = f"bin-{number}"
            ids[device_id] = await install(connection, device_id, *PROPERTIES, every=EVERY, source_id="history")
        fed, running = 0, [_start(dsn, processes) for _ in range(processes)]
        try:
            for _ in range(kills):
                for step in city[fed : fed + 6]:
                    await _feed(connection, ids, step)
                fed += 6
                target = await _position(connection) + chance.randint(0, 5)
                await _until(connection, target)
                victim = chance.randrange(processes)
                running[victim].send_signal(signal.SIGKILL)
                running[victim].wait()
                running[victim] = _start(dsn, processes)
            for step in city[fed:]:
                await _feed(connection, ids, step)
            await _until(connection, steps)
            await _until_ticked(connection, len(expected(city, minute(5 * (steps - 1)))))
        finally:
            for process in running:
                process.kill()
                process.wait()
        rows = await connection.fetch("SELECT alert_key, raised_at, cleared_at FROM alert_journal")
        found = sorted((tuple(row) for row in rows), key=lambda line: (line[0], line[1]))
        known = expected(city, minute(5 * (steps - 1)))
        kinds = await connection.fetch("SELECT kind, count(*) FROM alert_event GROUP BY kind")
    return {
        "kills": kills,
        "alerts": len(found),
        "differing": len(set(found) ^ set(known)),
        "events": {row["kind"]: row["count"] for row in kinds},
        "raised_expected": len(known),
        "cleared_expected": sum(line[2] is not None for line in known),
    }


def _start(dsn: str, parts: int) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "CITYWATCH_STORE__DSN": dsn,
        "CITYWATCH_RULES__POLL": "200ms",
        "CITYWATCH_RULES__PARTS": str(parts),
    }
    return subprocess.Popen(
        [sys.executable, "-c", CODE], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )


async def _feed(connection: Connection, ids: dict[str, list[int]], step: list[tuple[str, Sample]]) -> None:
    rows = [
        (datastream_id, sample.at, value[0])
        for device_id, sample in step
        for datastream_id, value in zip(ids[device_id], sample.values.values(), strict=True)
    ]
    clock = await connection.fetchval("SELECT count(*) FROM ingest_batch")
    await append(connection, rows, clocks={"history": minute(5 * clock).isoformat()})


async def _position(connection: Connection) -> int:
    statement = "SELECT coalesce(max(seq), 0) FROM consumer_progress WHERE consumer = 'rules'"
    return int(await connection.fetchval(statement))


async def _until(connection: Connection, target: int) -> None:
    """Poll until the position is there, or until nothing is left to be read: both move in another process."""
    async with asyncio.timeout(60):
        while True:
            end = await connection.fetchval("SELECT coalesce(max(seq), 0) FROM ingest_batch")
            if await _position(connection) >= min(target, end):
                return
            await asyncio.sleep(0.005)


async def _until_ticked(connection: Connection, alerts: int) -> None:
    """Wait until the clock's last silences are told: they come with the first poll after the last row."""
    async with asyncio.timeout(60):
        while True:
            if await connection.fetchval("SELECT count(*) FROM alert_journal") >= alerts:
                return
            await asyncio.sleep(0.02)
