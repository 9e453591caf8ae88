"""The embedded broker: Mosquitto, with a configuration that does not drop what its defaults would drop."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from citywatch.errors import BrokerError
from citywatch.local.mosquitto import Mosquitto, find_mosquitto
from citywatch.local.process import free_port, start_child

# Why each line: its default loses messages without a word, or bounds a batch at 20 (docs/operations.md).
CONFIGURATION = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
persistence_file broker.db
autosave_interval {autosave}
autosave_on_changes false
max_queued_messages 0
max_queued_bytes 2147483648
max_inflight_messages 65535
max_packet_size 20000000
persistent_client_expiration 30d
queue_qos0_messages false
set_tcp_nodelay true
sys_interval 5
log_type error
log_type warning
log_type notice
connection_messages false
"""


@dataclass(slots=True)
class LocalBroker:
    """One embedded Mosquitto with its queues below `folder`."""

    folder: Path
    port: int = 0
    autosave: timedelta = timedelta(seconds=5)
    program: Mosquitto | None = None
    child: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Write the configuration, start, and wait until it listens."""
        self.folder = self.folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.program is None:
            self.program = find_mosquitto(self.folder.parent / "programs")
        self.port = free_port(self.port or 1883)
        text = CONFIGURATION.format(
            port=self.port, folder=self.folder, autosave=max(1, round(self.autosave.total_seconds()))
        )
        if os.geteuid() == 0:
            text += "user root\n"  # it would otherwise drop to an account that cannot write here
        path = self.folder / "mosquitto.conf"
        path.write_text(text, encoding="utf-8")
        with (self.folder / "broker.log").open("ab") as log:
            self.child = start_child([self.program.path, "-c", path], log=log, env=self.program.environment())
        self._wait_ready()

    def stop(self, *, kill: bool = False) -> None:
        """Stop orderly, queues saved; or with `kill` as a power cut would."""
        if self.child is None:
            return
        self.child.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        self.child.wait(timeout=60)
        self.child = None

    def _wait_ready(self) -> None:
        assert self.child is not None
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.child.poll() is not None:
                raise BrokerError(f"the embedded broker did not start: see {self.folder / 'broker.log'}")
            time.sleep(0.02)


@contextmanager
def local_broker(folder: Path, port: int = 0, autosave: timedelta = timedelta(seconds=5)) -> Iterator[LocalBroker]:
    """Run a broker for the length of a `with` block."""
    broker = LocalBroker(folder, port, autosave)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
