"""How much city one process can be: messages a second against a bare paho publisher, 100,000 devices, 2,000 links."""

import asyncio
import hashlib
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from citywatch.local.broker import LocalBroker, local_broker
from citywatch.local.process import free_port
from simulators.city import City
from simulators.fleet import Fleet
from simulators.living import Links, Pace, live
from simulators.placing import build_city
from simulators.publisher import Endpoint
from simulators.scenarios import load_scenario
from tests.installation import ROOT

START = datetime(2026, 3, 3, 7, tzinfo=UTC)
ROUNDS = 3
BARE_MESSAGES = 15_000


def bare_rate(broker: LocalBroker) -> float:
    """Return messages/s of a plain paho client on its own thread: one ready payload, QoS 1, 500 in flight."""
    client = Client(CallbackAPIVersion.VERSION2, "bare")
    client.max_inflight_messages_set(500)
    room, done = threading.Semaphore(2000), threading.Semaphore(0)

    def acknowledged(*_: object) -> None:
        room.release()
        done.release()

    client.on_publish = acknowledged
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    payload = b"x" * 140
    begun = time.perf_counter()
    for _ in range(BARE_MESSAGES):
        room.acquire()
        client.publish("city/v1/devices/bare/telemetry", payload, qos=1)
    for _ in range(BARE_MESSAGES):
        done.acquire()
    rate = BARE_MESSAGES / (time.perf_counter() - begun)
    client.disconnect()
    client.loop_stop()
    return rate


async def city_run(
    broker: LocalBroker, plan: City, *, warp: float, seconds: float, own: bool = False
) -> dict[str, float]:
    """Run a quiet city and return its figures; `behind` is how late the simulated clock was at the end, in seconds."""
    fleet = Fleet(plan, load_scenario("quiet-day"), START, replay=warp != 1.0)
    links = Links(Endpoint("127.0.0.1", broker.port), fleet.city, own=own, name="scale")
    opened = time.perf_counter()
    await links.open()
    opening = time.perf_counter() - opened
    processor, begun = time.process_time(), time.monotonic()
    sent = await live(fleet, links, Pace(START, begun, warp, timedelta(seconds=seconds)), asyncio.Event())
    wall = time.monotonic() - begun
    used = time.process_time() - processor
    behind = START.timestamp() + wall * warp - fleet.next_at
    await links.close()
    return {
        "devices": len(plan.devices),
        "connections": len(links.publishers),
        "opening_s": round(opening, 1),
        "messages": sent,
        "messages_per_s": round(sent / wall),
        "cpu_share_of_a_core": round(used / wall, 3),
        "cpu_us_per_message": round(used / sent * 1e6),
        "behind_s": round(max(0.0, behind) / warp, 2),
    }


def digest(seed: int, salt: str) -> str:
    """Return the digest of an hour of `everything` and its answer key, made by a process of its own."""
    script = (
        "import hashlib, tempfile; from datetime import UTC, datetime; from pathlib import Path\n"
        "from simulators.answer_key import AnswerKey; from simulators.fleet import Fleet\n"
        "from simulators.placing import build_city; from simulators.scenarios import load_scenario\n"
        "key = Path(tempfile.mkdtemp()) / 'key.jsonl'; start = datetime(2026, 3, 3, 7, tzinfo=UTC)\n"
        f"fleet = Fleet(build_city({seed}, 300), load_scenario('everything'), start, AnswerKey(key))\n"
        "h = hashlib.sha256()\n"
        "for m in fleet.until(start.timestamp() + 3600): h.update(m.device.device_id.encode() + m.payload)\n"
        "h.update(key.read_bytes()); print(h.hexdigest())\n"
    )
    environment = {"PYTHONHASHSEED": salt, "PYTHONPATH": str(ROOT)}
    found = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert len(found) == 2 * hashlib.sha256().digest_size
    return found


def prove() -> dict[str, object]:
    """Measure, and hold the figures against what was promised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    same = [digest(7, "1"), digest(7, "2")]
    assert same[0] == same[1] != digest(8, "1"), "one seed, two outputs"
    with tempfile.TemporaryDirectory() as folder, local_broker(Path(folder) / "broker", free_port()) as broker:
        bare, city = [], []
        metropolis = build_city(1, 100_000)
        for _ in range(ROUNDS):
            bare.append(bare_rate(broker))
            city.append(asyncio.run(city_run(broker, metropolis, warp=100.0, seconds=5.0))["messages_per_s"])
        ratio = statistics.median(city) / statistics.median(bare)
        large = asyncio.run(city_run(broker, metropolis, warp=1.0, seconds=20.0))
        own = asyncio.run(city_run(broker, build_city(1, 2_000), warp=1.0, seconds=15.0, own=True))
        idle = asyncio.run(city_run(broker, build_city(1, 300), warp=1.0, seconds=20.0))
    assert ratio >= 0.5, f"{city} messages/s against {bare} bare"
    assert large["behind_s"] < 1, large
    assert own["connections"] == 2000, own
    return {
        "same_seed_same_bytes": same[0],
        "bare_paho_per_s": [round(rate) for rate in bare],
        "city_of_100000_flat_out_per_s": city,
        "ratio": round(ratio, 2),
        "city_of_100000_on_the_wall_clock": large,
        "own_connections": own,
        "idle_300": idle,
    }
