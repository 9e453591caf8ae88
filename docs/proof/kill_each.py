"""kill -9 of every process of a running city in turn, while numbered readings flow: nothing lost, nothing doubled.

The broker comes last and apart: what only it held when it was killed is bounded by its autosave interval.
"""

import json
import os
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from tests.installation import Installation, installation, wait_for
from tests.numbered import Numbered, count, registry

OURS = ("ingest", "fold", "rules", "indicators", "devices", "serve", "simulator")
COMMANDS = {"simulator": "simulate"}
RATE = 400  # messages a second
AUTOSAVE = 5  # seconds, the embedded broker's


def find(city: Installation, name: str) -> psutil.Process:
    """Return one process by what it was started as."""
    word = COMMANDS.get(name, name)
    for process in city.processes()[1:]:
        try:
            line = process.cmdline()
        except psutil.NoSuchProcess:  # killed just now
            continue
        if name == "postgres" and line and line[0].endswith("/postgres"):
            return process
        if name == "broker" and line and Path(line[0]).name == "mosquitto":
            return process
        if word in line and "citywatch" in line:
            return process
    raise AssertionError(f"no process {name} among {[p.cmdline() for p in city.processes()]}")


def kill(city: Installation, name: str) -> float:
    """Kill one process and return the seconds until another has taken its place."""
    victim = find(city, name)
    os.kill(victim.pid, signal.SIGKILL)
    wait_for(lambda: not psutil.pid_exists(victim.pid) or victim.status() == psutil.STATUS_ZOMBIE, f"{name} to die", 10)

    def replaced() -> bool:
        try:
            return find(city, name).pid != victim.pid
        except (AssertionError, psutil.NoSuchProcess):
            return False

    return wait_for(replaced, f"{name} to be restarted", 30)


def prove() -> dict[str, object]:
    """Kill each once in the middle of the flow and count."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        with installation(Path(folder) / "data", "--devices", "60") as city:
            install_numbered(city)
            figures: dict[str, object] = {"rate_per_second": RATE}
            flow = Numbered(city.running["broker_port"], rate=RATE)
            flow.start()
            restarts = {}
            for name in (*OURS, "postgres"):
                time.sleep(3)
                restarts[name] = round(kill(city, name), 2)
            time.sleep(5)
            flow.stop()
            figures["seconds_to_restart"] = restarts
            figures["orderly"] = settle(city, flow)
            assert figures["orderly"]["lost"] == figures["orderly"]["doubled"] == 0, figures  # type: ignore[index]
            figures["broker killed"] = broker_killed(city)
            return figures


def install_numbered(city: Installation) -> None:
    """Register the devices that publish numbers."""
    document = city.data_dir / "registry.json"
    document.write_text(json.dumps(registry(10)), encoding="utf-8")
    city.command("devices", "import", str(document))


def settle(city: Installation, flow: Numbered) -> dict[str, int]:
    """Wait until the count stands still at what was acknowledged, or for a minute, and return the account."""
    dsn = city.running["dsn"]
    with suppress(AssertionError):  # the figures below say how many are missing
        wait_for(lambda: count(dsn, flow.acknowledged)[1] == len(flow.acknowledged), "all numbers stored", 60)
    rows, numbers = count(dsn, flow.acknowledged)
    return {
        "acknowledged_by_broker": len(flow.acknowledged),
        "stored": numbers,
        "lost": len(flow.acknowledged) - numbers,
        "doubled": rows - numbers,
    }


def broker_killed(city: Installation) -> dict[str, object]:
    """Kill the broker in the middle of the flow, between two of its saves."""
    flow = Numbered(city.running["broker_port"], rate=RATE, first=100_000)
    flow.start()
    time.sleep(2 * AUTOSAVE)
    restart = kill(city, "broker")
    time.sleep(3)
    flow.stop()
    account = settle(city, flow)
    bound = RATE * AUTOSAVE
    assert account["lost"] <= bound, f"{account['lost']} lost, more than {bound}, one autosave interval's worth"
    assert account["doubled"] == 0, account
    return {"seconds_to_restart": round(restart, 2), "bound": bound, **account}
