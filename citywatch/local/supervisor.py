"""Keeps a set of processes alive: starts them in order, restarts what dies, stops them in reverse order."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from citywatch.errors import CitywatchError
from citywatch.local.process import start_child
from citywatch.telemetry import get_logger

FIRST_PAUSE, LONGEST_PAUSE, STEADY_AFTER = 0.2, 15.0, 30.0  # seconds
STOP_WITHIN = 20.0  # seconds a process has to finish what it holds


class Service(Protocol):
    """Something that runs as a child process."""

    @property
    def child(self) -> subprocess.Popen[bytes] | None:
        """Return the running process, None before the first start."""

    def start(self) -> None:
        """Start it, and return when it is of use."""

    def stop(self) -> None:
        """Stop it cleanly."""


@dataclass(slots=True)
class Worker:
    """One of our own processes: `python -m citywatch ARGUMENTS`, its output in a log file.

    `once`: it may end by itself with exit code 0, as a replay does, and is then left alone.
    """

    arguments: Sequence[str]
    log: Path
    environment: dict[str, str]
    once: bool = False
    child: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it with a fresh log file; the one before is kept beside it."""
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "citywatch", *self.arguments]
            self.child = start_child(command, log=log, env={**os.environ, **self.environment})

    def stop(self) -> None:
        """Ask it to finish, and end it when it does not in time."""
        if self.child is None:
            return
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            get_logger().warning("process_did_not_stop", arguments=list(self.arguments), seconds=STOP_WITHIN)
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()
        self.child = None


@dataclass(slots=True)
class _Watched:
    name: str
    service: Service
    started: float
    pause: float = FIRST_PAUSE
    restart_at: float | None = None
    restarts: int = 0


@dataclass(slots=True)
class Supervisor:
    """Owns the services of one installation; `on_restart` is told the name of each that had to be restarted."""

    on_restart: Callable[[str], None] = lambda _name: None
    stopping: threading.Event = field(default_factory=threading.Event)
    _watched: list[_Watched] = field(default_factory=list, init=False)

    def add(self, name: str, service: Service) -> None:
        """Start `service` now and watch it from now on."""
        service.start()
        self._watched.append(_Watched(name, service, time.monotonic()))

    def run(self, seconds: float | None = None) -> None:
        """Watch until `stopping` is set, or for `seconds`."""
        end = None if seconds is None else time.monotonic() + seconds
        while not self.stopping.wait(0.25):
            now = time.monotonic()
            if end is not None and now >= end:
                return
            for watched in self._watched:
                self._look_after(watched, now)

    def dead(self) -> list[str]:
        """Return the names of those that have ended by themselves."""
        return [w.name for w in self._watched if w.service.child is not None and w.service.child.poll() is not None]

    def stop(self) -> None:
        """Stop all, last started first."""
        for watched in reversed(self._watched):
            watched.service.stop()
        self._watched.clear()

    def _look_after(self, watched: _Watched, now: float) -> None:
        child = watched.service.child
        if watched.restart_at is None:
            if child is None or child.poll() is None:
                return
            if isinstance(watched.service, Worker) and watched.service.once and child.returncode == 0:
                return
            if now - watched.started > STEADY_AFTER:
                watched.pause = FIRST_PAUSE
            watched.restart_at = now + watched.pause
            watched.pause = min(watched.pause * 2, LONGEST_PAUSE)
            get_logger().warning("process_died", name=watched.name, exit_code=child.returncode)
        if now >= watched.restart_at:
            self._restart(watched)

    def _restart(self, watched: _Watched) -> None:
        watched.restarts += 1
        watched.restart_at = None
        try:
            watched.service.start()
        except (CitywatchError, OSError) as error:
            watched.restart_at = time.monotonic() + watched.pause
            watched.pause = min(watched.pause * 2, LONGEST_PAUSE)
            get_logger().error("restart_failed", name=watched.name, reason=str(error))
            return
        watched.started = time.monotonic()
        self.on_restart(watched.name)
