"""The city that the chaos proof disturbs: store, broker and each process of ours, on hosts of their own.

Everything is started as in production, one process each with its servers by settings, and started again when it dies,
as a supervisor would.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.services import ROOT
from citywatch.errors import CitywatchError
from citywatch.local.broker import LocalBroker
from citywatch.local.mosquitto import Mosquitto, installed_mosquitto
from citywatch.local.postgres import LocalPostgres
from citywatch.local.process import free_port
from devices.registry import import_registry
from docs.proof import chaos_messages
from docs.proof.chaos_hosts import NET, Disk, Host, disk, network
from sql.migrate import migrate_at
from sql.pool import set_up

COMMANDS = {
    "fold": ("fold", "run"),
    "indicators": ("indicators", "run"),
    "rules": ("rules", "run"),
    "devices": ("devices", "run"),
    "serve": ("serve",),
}
CONSUMERS = ("fold", "rules", "indicators")
HOSTS = ("field", "hub", "base")  # publisher, broker, store; our processes are at the switch
LOOPBACK = "127.0.0.1"
DISK = 4  # GiB


class OpenMosquitto(Mosquitto):
    """A Mosquitto that listens to other hosts as well."""

    def command(self, folder: Path, port: int, autosave_seconds: int, security: Path | None) -> list[str | Path]:
        """As the embedded one, but for the address."""
        command = super().command(folder, port, autosave_seconds, security)
        path = folder / "mosquitto.conf"
        path.write_text(path.read_text(encoding="utf-8").replace(LOOPBACK, "0.0.0.0", 1), encoding="utf-8")
        return command


def mosquitto() -> OpenMosquitto:
    """Return the machine's, listening to others; raise AssertionError where there is none."""
    found = installed_mosquitto()
    assert found is not None, "the chaos proof needs an installed mosquitto"
    return OpenMosquitto(found.path)


@dataclass(slots=True)
class City:
    """What there is to be disturbed. `hosts` is empty and `disk` None where the kernel allows neither."""

    folder: Path
    postgres: LocalPostgres
    broker: LocalBroker
    hosts: dict[str, Host]
    disk: Disk | None
    workers: int
    devices: int
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    died: list[str] = field(default_factory=list)  # by themselves, without having been killed

    def address(self, host: str) -> str:
        """Return where a host is."""
        return self.hosts[host].address if self.hosts else LOOPBACK

    @contextmanager
    def at(self, host: str) -> Iterator[None]:
        """Be on a host, where there are any."""
        with ExitStack() as stack:
            if self.hosts:
                stack.enter_context(self.hosts[host].inside())
            yield

    @property
    def dsn(self) -> str:
        """Return the store's address as our processes see it."""
        return self.postgres.dsn().replace(LOOPBACK, self.address("base"))

    @property
    def names(self) -> list[str]:
        """Return our processes."""
        return [*(f"ingest-{slot}" for slot in range(self.workers)), *COMMANDS]

    def start(self, name: str) -> None:
        """Start one of our processes."""
        kind, _, slot = name.partition("-")
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("CITYWATCH_")},
            "CITYWATCH_DATA_DIR": str(self.folder / "data"),
            "CITYWATCH_STORE__DSN": self.dsn,
            "CITYWATCH_BROKER__HOST": self.address("hub"),
            "CITYWATCH_BROKER__PORT": str(self.broker.port),
            "CITYWATCH_INGEST__SLOT": slot or "0",
            "CITYWATCH_INGEST__WORKERS": str(self.workers),
            "CITYWATCH_SERVE__PORT": str(free_port(28_150)),
        }
        with (self.folder / f"{name}.log").open("ab") as out:
            self.children[name] = subprocess.Popen(
                [sys.executable, "-m", "citywatch", *(COMMANDS.get(kind) or (kind, "run"))],
                cwd=ROOT,
                env=environment,
                stdout=out,
                stderr=out,
            )

    def kill(self, name: str) -> None:
        """Kill -9 one of our processes and start it again."""
        child = self.children[name]
        self.watch()
        child.kill()
        child.wait()
        self.start(name)

    def watch(self) -> None:
        """Start again, and note, whatever ended by itself."""
        for name, child in list(self.children.items()):
            if child.poll() is not None:
                said = (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace").strip()
                self.died.append(f"{name} with {child.returncode}: {said[-1000:]}")
                self.start(name)

    def store_up(self) -> None:
        """Start the store, again and again until it stays up, as a supervisor would."""
        with self.at("base"):
            while self.postgres.child is None or self.postgres.child.poll() is not None:
                with suppress(CitywatchError):  # its disk is full still
                    self.postgres.start()
                time.sleep(0.2)

    def ask(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Return rows of the store; raises what asyncpg raises while it is away."""

        async def ask() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.dsn, timeout=5, command_timeout=120)
            try:
                return list(await connection.fetch(statement, *arguments))
            finally:
                await connection.close()

        return asyncio.run(ask())

    def end_of_tail(self) -> int:
        """Return the last number of the tail that came with readings: workers also say there that they are there."""
        written = "SELECT coalesce(max(seq), 0) AS seq FROM ingest_batch WHERE cardinality(datastream_id) > 0"
        return int(self.ask(written)[0]["seq"])

    def caught_up(self, seq: int) -> bool:
        """Return whether every consumer has taken the tail as far as `seq`."""
        rows = self.ask("SELECT consumer, seq FROM consumer_progress WHERE consumer = ANY ($1)", list(CONSUMERS))
        return len(rows) == len(CONSUMERS) and all(row["seq"] >= seq for row in rows)

    def publisher(self, rate: float, count: int, *, more: bool) -> "subprocess.Popen[str]":
        """Start the publisher on the field's host; `more`: it goes on after `count` until SIGTERM."""
        with self.at("field"):
            return subprocess.Popen(
                [
                    *(sys.executable, "-m", "docs.proof.chaos_messages"),
                    *(self.address("hub"), str(self.broker.port), str(self.devices), str(rate), str(count)),
                    *(["more"] if more else []),
                ],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
            )


def until(condition: Callable[[], object], what: str, seconds: float, every: float = 0.2) -> float:
    """Wait until `condition` holds, however often the store is away meanwhile; return how long that took."""
    began = time.monotonic()
    while True:
        with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            if condition():
                return time.monotonic() - began
        assert time.monotonic() - began < seconds, f"{what}: not within {seconds:.0f} s"
        time.sleep(every)


@contextmanager
def city(folder: Path, *, workers: int, apart: bool, devices: int = chaos_messages.DEVICES) -> Iterator[City]:
    """Run one in `folder`; `apart`: on hosts of their own, the store on a disk of its own."""
    with ExitStack() as stack:
        hosts = dict(zip(HOSTS, stack.enter_context(network(*HOSTS)), strict=True)) if apart else {}
        small = stack.enter_context(disk(folder, DISK)) if apart else None
        postgres = LocalPostgres(
            (small.mount if small else folder) / "postgres", 23_500, {"listen_addresses": "*" if apart else LOOPBACK}
        )
        broker = LocalBroker(folder / "broker", 23_600, program=mosquitto())
        found = City(folder, postgres, broker, hosts, small, workers, devices)
        with found.at("base"):
            postgres.start()
            stack.callback(postgres.stop)
            asyncio.run(_create(postgres.dsn("postgres")))
            asyncio.run(_prepare(postgres.dsn(), devices))
            with (postgres.data / "pg_hba.conf").open("a", encoding="ascii") as rules:
                rules.write(f"host all all {NET}.0/24 scram-sha-256\n")
            postgres.stop()
            postgres.start()
        with found.at("hub"):
            broker.start()
            stack.callback(broker.stop)
        for name in found.names:
            found.start(name)
        try:
            until(lambda: subscribed(found), "every worker to subscribe", 120)
            yield found
        finally:
            _stop(found)


def subscribed(found: City) -> bool:
    """Return whether every worker has subscribed at least once."""
    logs = [found.folder / f"ingest-{slot}.log" for slot in range(found.workers)]
    return all(log.exists() and "broker_connected" in log.read_text(encoding="utf-8") for log in logs)


def _stop(found: City) -> None:
    for child in found.children.values():
        child.terminate()
    for child in found.children.values():
        with suppress(subprocess.TimeoutExpired):
            child.wait(30)
        child.kill()
        child.wait()


async def _create(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE DATABASE citywatch")
    await connection.close()


async def _prepare(dsn: str, devices: int) -> None:
    await migrate_at(dsn)
    connection = await asyncpg.connect(dsn)
    await set_up(connection)
    document: dict[str, Any] = chaos_messages.registry(devices)
    await import_registry(connection, document)
    await connection.close()
