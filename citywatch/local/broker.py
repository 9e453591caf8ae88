"""The embedded broker: a Mosquitto whose configuration does not drop what its defaults would drop."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import psutil

from citywatch.errors import BrokerError
from citywatch.local.aedes import install_aedes, installed_aedes
from citywatch.local.mosquitto import download_mosquitto, installed_mosquitto, unpacked_mosquitto
from citywatch.local.process import free_port, start_child


class BrokerProgram(Protocol):
    """A broker that can be started. `limits` says in plain words what it cannot do."""

    @property
    def kind(self) -> str:
        """Return its name."""

    @property
    def limits(self) -> tuple[str, ...]:
        """Return what it cannot do, empty for a full one."""

    def environment(self) -> dict[str, str]:
        """Return the environment to start it with."""

    def command(self, folder: Path, port: int, autosave_seconds: int, security: Path | None) -> list[str | Path]:
        """Prepare `folder` and return the command to start; raise BrokerError where it cannot use `security`."""


def find_program(folder: Path) -> BrokerProgram:
    """Return the most dependable broker to be had; what must be downloaded goes below `folder`, once."""
    found = (
        installed_mosquitto()
        or unpacked_mosquitto(folder)
        or download_mosquitto(folder)
        or installed_aedes(folder)
        or install_aedes(folder)
    )
    if found is None:
        raise BrokerError(
            "no MQTT broker here and none could be downloaded: install one (apt install mosquitto), "
            "or set CITYWATCH_BROKER__HOST"
        )
    return found


@dataclass(slots=True)
class LocalBroker:
    """One embedded broker with its queues below `folder`.

    `security` is a file of accounts (citywatch.local.dynamic_security); without one it is open to everybody.
    """

    folder: Path
    port: int = 0
    autosave: timedelta = timedelta(seconds=5)
    program: BrokerProgram | None = None
    security: Path | None = None
    child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    settled: bool = field(default=False, init=False)  # a restart comes back on the port it had, or not at all

    def start(self) -> None:
        """Start and wait until it listens."""
        self.folder = self.folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.program is None:
            self.program = find_program(self.folder.parent / "programs")
        while not self._come_up(self.program):
            # Somebody else may have taken the port between our look and our start.
            if self.settled or free_port(self.port) == self.port:
                raise BrokerError(f"the embedded broker did not start: see {self.folder / 'broker.log'}")
        self.settled = True

    def stop(self, *, kill: bool = False) -> None:
        """Stop orderly, queues saved; or with `kill` as a power cut would."""
        if self.child is None:
            return
        self.child.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        self.child.wait(timeout=60)
        self.child = None

    def _come_up(self, program: BrokerProgram) -> bool:
        """Start and wait until it listens; return False where it ended instead."""
        if not self.settled:
            self.port = free_port(self.port or 1883)
        autosave = max(1, round(self.autosave.total_seconds()))
        command = program.command(self.folder, self.port, autosave, self.security)
        with (self.folder / "broker.log").open("ab") as log:
            self.child = start_child(command, log=log, env=program.environment())
        while not _listens(self.child.pid, self.port):
            if self.child.poll() is not None:
                return False
            time.sleep(0.02)
        return True


def _listens(pid: int, port: int) -> bool:
    """Return whether the process itself listens: a port that answers might be somebody else's."""
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return False
    return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in connections)


@contextmanager
def local_broker(
    folder: Path, port: int = 0, autosave: timedelta = timedelta(seconds=5), security: Path | None = None
) -> Iterator[LocalBroker]:
    """Run a broker for the length of a `with` block."""
    broker = LocalBroker(folder, port, autosave, security=security)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
