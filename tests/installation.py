"""A whole installation for a test or proof: `citywatch up` in a folder of its own, as a user would start it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Installation:
    """A running `citywatch up`: its data folder, its addresses and its process."""

    data_dir: Path
    process: subprocess.Popen[str]
    seconds_to_ready: float

    @property
    def running(self) -> dict[str, Any]:
        """Return what `up` wrote of itself."""
        document: dict[str, Any] = json.loads((self.data_dir / "running.json").read_text(encoding="utf-8"))
        return document

    @property
    def url(self) -> str:
        """Return the dashboard's address."""
        return f"http://{self.running['http_host']}:{self.running['http_port']}"

    def get(self, path: str, **query: Any) -> Any:
        """Return one answer of the API."""
        answer = httpx.get(f"{self.url}{path}", params=query, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def command(self, *arguments: str, timeout: float = 600) -> str:
        """Run one `citywatch` command against this installation and return what it printed."""
        env = {**os.environ, "CITYWATCH_DATA_DIR": str(self.data_dir)}
        done = subprocess.run(
            [sys.executable, "-m", "citywatch", *arguments],
            check=False,
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert done.returncode == 0, (
            f"citywatch {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}"
        )
        return done.stdout

    def processes(self) -> list[psutil.Process]:
        """Return every process of this installation, the supervisor first."""
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]


def wait_for(condition: Callable[[], object], what: str, seconds: float = 60) -> float:
    """Wait until `condition` holds and return how long that took, in seconds."""
    started = time.monotonic()
    while True:
        try:
            if condition():
                return time.monotonic() - started
        except (httpx.HTTPError, OSError, asyncpg.PostgresError):
            pass  # killed on purpose, or still recovering
        waited = time.monotonic() - started
        assert waited < seconds, f"{what}: not within {seconds} s"
        time.sleep(0.05)


@contextmanager
def installation(data_dir: Path, *options: str) -> Iterator[Installation]:
    """Run `citywatch up` for the length of a `with` block, and prove that it leaves no process behind."""
    data_dir.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "citywatch", "up", "--data-dir", str(data_dir), *options]
    started = time.monotonic()
    with (data_dir / "up.out").open("w") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
    try:
        wait_for(lambda: "Citywatch is up" in (data_dir / "up.out").read_text(encoding="utf-8"), "citywatch up", 180)
        running = Installation(data_dir, process, time.monotonic() - started)
        yield running
        family = running.processes()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(90)
    left = [child for child in family if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert not left, f"left running: {left}"
