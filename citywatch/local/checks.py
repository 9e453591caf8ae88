"""What `citywatch doctor` looks at: each check says what was found, and how to mend what is missing."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from citywatch.errors import CitywatchError
from citywatch.local.account import choose_account
from citywatch.local.aedes import LIMITS, installed_aedes
from citywatch.local.mosquitto import installed_mosquitto, unpacked_mosquitto
from citywatch.local.postgres import binaries
from citywatch.local.process import free_port
from citywatch.local.running import find_running, scheme
from citywatch.settings import Settings

State = Literal["ok", "note", "fault"]
LEAST_SPACE = 2 * 1024**3  # bytes: a day of 300 devices takes about 0.1 GB, crash recovery needs room for its log


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `mend` is empty when there is nothing to do."""

    name: str
    state: State
    found: str
    mend: str = ""


def check_python() -> Finding:
    """Return which Python this is."""
    return Finding("Python", "ok", ".".join(map(str, sys.version_info[:3])))


def check_postgres(settings: Settings) -> Finding:
    """Return whether the store can run: the one in the settings, or the embedded one."""
    if settings.store.dsn is not None:
        return Finding("PostgreSQL", "ok", "the one in CITYWATCH_STORE__DSN")
    try:
        account = choose_account(binaries() / "postgres", settings.data_dir)
    except CitywatchError as error:
        return Finding("PostgreSQL", "fault", str(error), "run as a normal user, or from a folder others can read")
    owner = "as you" if account.enter is None else "as an account that is not root"
    return Finding("PostgreSQL", "ok", f"embedded, runs {owner}")


def check_broker(settings: Settings) -> Finding:
    """Return which broker would be used, without downloading one."""
    if settings.broker.host is not None:
        return Finding("MQTT broker", "ok", f"the one at {settings.broker.host}:{settings.broker.port}")
    programs = settings.data_dir / "programs"
    found = installed_mosquitto() or unpacked_mosquitto(programs)
    if found is not None:
        return Finding("MQTT broker", "ok", f"Mosquitto at {found.path}")
    install = "install Mosquitto (apt install mosquitto)"
    if installed_aedes(programs) is not None:
        return Finding("MQTT broker", "note", f"aedes, with limits: {'; '.join(LIMITS)}", install)
    return Finding("MQTT broker", "note", "none yet: the first `citywatch up` downloads one", install)


def check_port(name: str, port: int) -> Finding:
    """Return whether a port is free."""
    free = free_port(port)
    if free == port:
        return Finding(name, "ok", f"port {port} is free")
    return Finding(name, "note", f"port {port} is taken: `up` will take {free}", "stop what uses it, or name another")


def check_space(data_dir: Path) -> Finding:
    """Return how much room the data folder has."""
    folder = next(part for part in [data_dir.resolve(), *data_dir.resolve().parents] if part.exists())
    free = shutil.disk_usage(folder).free
    found = f"{free / 1024**3:.1f} GiB free at {folder}"
    if free < LEAST_SPACE:
        return Finding("Disk", "fault", found, f"make room: at least {LEAST_SPACE / 1024**3:.0f} GiB")
    return Finding("Disk", "ok", found)


def check_running(settings: Settings) -> Finding:
    """Return whether this installation runs now."""
    running = find_running(settings.data_dir)
    if running is None:
        return Finding("Citywatch", "note", "does not run here", "citywatch up")
    address = f"{scheme(settings)}://{running.http_host}:{running.http_port}"
    broker = f"mqtt://{running.broker_host}:{running.broker_port}"
    return Finding("Citywatch", "ok", f"runs at {address}, devices publish to {broker}")


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield every finding; ports are looked at only while nothing of ours holds them."""
    checks: list[Callable[[], Finding]] = [
        check_python,
        lambda: check_postgres(settings),
        lambda: check_broker(settings),
        lambda: check_space(settings.data_dir),
        lambda: check_running(settings),
    ]
    if find_running(settings.data_dir) is None:
        checks += [
            lambda: check_port("Port of the dashboard", settings.serve.port),
            lambda: check_port("Port of the broker", settings.broker.port),
        ]
    for check in checks:
        yield check()
