"""Every service of docker-compose.yml that is ours: its exact command, with a real store and a real broker with TLS."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml

from citywatch.local.mosquitto import installed_mosquitto
from citywatch.local.process import free_port
from sql.connection import Pool

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
OURS = {name: each for name, each in COMPOSE["services"].items() if each.get("image") == "citywatch:local"}
ONCE = ("migrate", "secure", "city", "city-devices")
CITYWATCH = [sys.executable, "-m", "citywatch"]


class Stack:
    """The folders and ports that stand for the containers' own."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.folder = folder
        self.mqtt, self.http = free_port(28_883), free_port(28_050)
        self.secrets = folder / "secrets"
        self.secrets.mkdir()
        for name, text in (("store_dsn", dsn), ("broker_password", "b secret")):
            (self.secrets / name).write_text(text + "\n", encoding="utf-8")
        self.secure = folder / "secure"
        self.smaller = {"CITYWATCH_SERVE__PORT": str(self.http), "CITYWATCH_SIMULATOR__DEVICES": "20"}

    def here(self, text: str) -> str:
        """Return a path or address of the containers as it is here."""
        if text == "0.0.0.0":
            return "127.0.0.1"
        for there, ours in (
            ("/run/secrets", self.secrets),
            ("/secure", self.secure),
            ("/city", self.folder / "city"),
            ("/tmp/", f"{self.folder}/tmp/"),
        ):
            if text.startswith(there):
                return text.replace(there, str(ours), 1)
        return {"mosquitto": "localhost", "8883": str(self.mqtt)}.get(text, text)

    def environment(self, name: str) -> dict[str, str]:
        stated = {key: self.here(value) for key, value in OURS[name]["environment"].items()}
        kept = {key: value for key, value in os.environ.items() if not key.startswith("CITYWATCH_")}
        return {**kept, **stated, "PYTHONPATH": str(ROOT), **self.smaller}

    def command(self, name: str) -> list[str]:
        return [*CITYWATCH, *(self.here(part) if part.startswith("/") else part for part in OURS[name]["command"])]

    def run(self, name: str) -> None:
        done = subprocess.run(
            self.command(name), env=self.environment(name), cwd=self.folder, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, (name, done.stdout, done.stderr)

    @contextmanager
    def running(self, name: str) -> Iterator[None]:
        log = self.folder / f"{name}.log"
        with log.open("wb") as out:
            child = subprocess.Popen(
                self.command(name), env=self.environment(name), cwd=self.folder, stdout=out, stderr=out
            )
        try:
            yield
            assert child.poll() is None, (name, log.read_text(errors="replace")[-2000:])
        finally:
            child.terminate()
            code = child.wait(60)
        assert code == 0, (name, log.read_text(errors="replace")[-2000:])

    @contextmanager
    def mosquitto(self) -> Iterator[None]:
        """Run Mosquitto with the configuration of the container, its paths and port as they are here."""
        program = installed_mosquitto()
        if program is None:
            pytest.skip("no mosquitto on this machine")
        (self.folder / "broker").mkdir()
        text = (ROOT / "deploy" / "mosquitto.conf").read_text(encoding="utf-8")
        text = text.replace("/mosquitto/secure", str(self.secure)).replace(
            "/mosquitto/data", str(self.folder / "broker")
        )
        text = text.replace("/usr/lib/mosquitto_dynamic_security.so", str(program.plugin()))
        text = text.replace("listener 8883", f"listener {self.mqtt} 127.0.0.1")
        if os.geteuid() == 0:
            text += "user root\n"
        (self.folder / "mosquitto.conf").write_text(text, encoding="utf-8")
        with (self.folder / "mosquitto.log").open("wb") as out:
            child = subprocess.Popen([program.path, "-c", self.folder / "mosquitto.conf"], stdout=out, stderr=out)
        try:
            yield
            assert child.poll() is None, (self.folder / "mosquitto.log").read_text()
        finally:
            child.terminate()
            child.wait(30)

    def alive(self, name: str) -> bool:
        """Ask as the health check of the service does."""
        program, *check = OURS[name]["healthcheck"]["test"][1:]
        assert program.endswith("/python")
        asked = subprocess.run(
            [sys.executable, *check], env=self.environment(name), cwd=self.folder, capture_output=True, timeout=60
        )
        return asked.returncode == 0


@pytest.mark.timeout(500)
async def test_every_service_runs_by_its_own_command(dsn: str, pool: Pool, tmp_path: Path) -> None:
    stack = Stack(tmp_path, dsn)
    for name in ONCE:
        stack.run(name)
    daemons = [name for name in OURS if name not in ONCE]
    assert {"ingest", "fold", "indicators", "rules", "serve", "simulator", "probe"} <= set(daemons)
    with ExitStack() as opened:
        opened.enter_context(stack.mosquitto())
        for name in daemons:
            opened.enter_context(stack.running(name))
        deadline = time.monotonic() + 300
        waiting = [name for name in daemons if not OURS[name]["healthcheck"].get("disable")]
        seen = False
        while waiting or not seen:
            await asyncio.sleep(0.5)
            assert time.monotonic() < deadline, {
                name: (tmp_path / f"{name}.log").read_text(errors="replace")[-800:] for name in [*waiting, "ingest"]
            }
            seen = seen or await watched(pool)
            if seen:
                waiting = [name for name in waiting if not stack.alive(name)]


async def watched(pool: Pool) -> bool:
    """Whether the simulated city and the probe have come through, and the probe's delay was measured."""
    try:
        return bool(
            await pool.fetchval(
                "SELECT count(*) > 1 FROM observation JOIN datastream USING (datastream_id)"
                " WHERE device_id <> 'citywatch-probe'"
            )
        ) and bool(
            await pool.fetchval(
                "SELECT count(*) > 0 FROM observation JOIN datastream USING (datastream_id)"
                " WHERE property = 'publish_to_visible' AND result BETWEEN 0 AND 60"
            )
        )
    except asyncpg.UndefinedTableError:
        return False
