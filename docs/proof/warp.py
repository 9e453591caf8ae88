"""A thousandfold: one simulated day of 1,000 devices in 86 seconds, through ingest, rules and the dashboard's server.

Devices report every five minutes, as most of a real city's do (`PROOF_WARP_HOURS` shortens the day). Simulated time
runs a thousand times as fast as the wall; what counts is how far the system is behind at the end, and that its alerts
carry simulated times.
"""

import asyncio
import os
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from citywatch.cli.score_system import AT_END, System, own_system, scratch
from simulators.city import City
from simulators.fleet import Fleet
from simulators.living import Links, Pace, live
from simulators.placing import build_city
from simulators.publisher import Endpoint
from simulators.registry import registry_document
from simulators.scenarios import load_scenario

DEVICES, SEED, WARP = 1000, 20, 1000.0
RHYTHM = timedelta(minutes=5)
START = datetime(2026, 3, 3, tzinfo=UTC)
HOURS = float(os.environ.get("PROOF_WARP_HOURS", "24"))
BEHIND_AT_MOST = 0.1  # of the time it took


def slow_city() -> City:
    """Return the city with no device quicker than five minutes."""
    city = build_city(SEED, DEVICES)
    return replace(city, devices=tuple(replace(d, interval=max(d.interval, RHYTHM)) for d in city.devices))


async def run(system: System, city: City) -> dict[str, Any]:
    """Let the day pass, look at the dashboard meanwhile, and return the figures."""
    fleet = Fleet(city, load_scenario("everything"), START, replay=True)
    links = Links(Endpoint("127.0.0.1", system.broker_port), city, own=False, name="warp")
    await links.open()
    connection = await asyncpg.connect(system.dsn)
    looks: list[float] = []
    stop = asyncio.Event()
    watching = asyncio.create_task(look(system.url, looks, stop))
    begun = time.monotonic()
    lasts = timedelta(hours=HOURS) / WARP
    sent = await live(fleet, links, Pace(START, begun, WARP, lasts), asyncio.Event())
    published = time.monotonic() - begun
    await system.settled(connection, sent)
    settled = time.monotonic() - begun
    stop.set()
    await watching
    await system.settled(connection, sent, AT_END)
    simulated = timedelta(seconds=fleet.next_at - START.timestamp())
    times = await connection.fetch("SELECT raised_at FROM alert WHERE retracted_at IS NULL")
    clock = await connection.fetchval("SELECT clock FROM source WHERE source_id = 'simulator'")
    await connection.close()
    await links.close()
    return {
        "simulated_hours": round(simulated / timedelta(hours=1), 2),
        "messages": sent,
        "messages_per_s": round(sent / published),
        "seconds_published_in": round(published, 1),
        "seconds_until_ingest_and_rules_were_through": round(settled, 1),
        "warp_reached": round(simulated.total_seconds() / settled),
        "alerts": len(times),
        "alerts_in_simulated_time": sum(START <= row["raised_at"] <= clock for row in times),
        "source_clock": clock.isoformat(),
        "dashboard_answers": len(looks),
        "dashboard_slowest_s": round(max(looks), 2),
    }


async def look(url: str, looks: list[float], stop: asyncio.Event) -> None:
    """Ask for what the dashboard's first page shows, again and again."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        while not stop.is_set():
            begun = time.monotonic()
            for path in ("/", "/api/v1/summary", "/api/v1/alerts?limit=100", "/api/v1/devices?limit=1000"):
                answer = await client.get(path, follow_redirects=True)
                assert answer.status_code == 200, (path, answer.status_code)
            looks.append(time.monotonic() - begun)
            await asyncio.sleep(0.5)


def wait_until_ready(url: str) -> None:
    """Return when the server answers."""
    for _ in range(600):
        try:
            if httpx.get(f"{url}/health/ready", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"{url} does not answer")


def prove() -> dict[str, object]:
    """Run the day."""
    city = slow_city()
    with tempfile.TemporaryDirectory(dir=scratch(), prefix="citywatch-warp-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with own_system(folder, registry_document(city, "simulator")) as system:
            wait_until_ready(system.url)
            figures = asyncio.run(run(system, city))
    print(figures, flush=True)
    assert figures["alerts"] > 0, figures
    assert figures["alerts_in_simulated_time"] == figures["alerts"], figures
    late = figures["seconds_until_ingest_and_rules_were_through"] - HOURS * 3600 / WARP
    assert late <= max(5.0, BEHIND_AT_MOST * HOURS * 3600 / WARP), figures
    return {"devices": DEVICES, "report_every": str(RHYTHM), "warp": WARP, **figures}
