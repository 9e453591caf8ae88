"""A store and a broker of the benchmark's own, and processes whose cost is measured."""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import psutil

from benchmarks.load import TOPIC, connect, registry
from citywatch.local.broker import LocalBroker, local_broker
from citywatch.local.postgres import LocalPostgres, local_postgres
from devices.registry import import_registry
from sql.migrate import migrate
from sql.pool import set_up

ROOT = Path(__file__).parents[1]
WORKER = "from citywatch.cli.ingest import app; app(['run'])"
CLIENT_ID = "citywatch-ingest-0"


@dataclass(slots=True)
class Services:
    """What a run has."""

    folder: Path
    postgres: LocalPostgres
    broker: LocalBroker
    devices: int

    def dsn(self) -> str:
        """Return the store's address."""
        return self.postgres.dsn()

    def query(self, statement: str, *arguments: object) -> object:
        """Return one value from the store."""

        async def ask() -> object:
            connection = await asyncpg.connect(self.dsn())
            try:
                return await connection.fetchval(statement, *arguments)
            finally:
                await connection.close()

        return asyncio.run(ask())

    def execute(self, statement: str) -> None:
        """Run statements in the store."""

        async def run() -> None:
            connection = await asyncpg.connect(self.dsn())
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(run())

    def forget(self, client_id: str) -> None:
        """Have the broker drop a session that nobody will resume.

        Else it would keep all later messages for it, and write them down whenever it saves: 300 ms every few seconds.
        """
        connect(self.broker.port, client_id).close()  # a clean session ends the kept one

    def clear(self) -> None:
        """Empty what a run wrote."""
        self.execute("TRUNCATE observation, ingest_batch, rejected_message, delivery_account, delivery; CHECKPOINT")


@contextmanager
def services(devices: int = 1000) -> Iterator[Services]:
    """Start PostgreSQL (synchronous commit, fsync on) and Mosquitto, and register the devices."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="citywatch-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        # Ports of its own, far from the usual ones: while the store is stopped nobody else shall take its place.
        port = random.randrange(23_000, 31_000, 2)
        with (
            local_postgres(folder / "postgres", port) as postgres,
            local_broker(folder / "broker", port + 1) as broker,
        ):
            asyncio.run(_prepare(postgres, devices))
            yield Services(folder, postgres, broker, devices)


async def _prepare(postgres: LocalPostgres, devices: int) -> None:
    admin = await asyncpg.connect(postgres.dsn("postgres"))
    await admin.execute("CREATE DATABASE citywatch")
    await admin.close()
    connection = await asyncpg.connect(postgres.dsn())
    try:
        await set_up(connection)
        await migrate(connection)
        await import_registry(connection, registry(devices))
    finally:
        await connection.close()


@dataclass(slots=True)
class Measured:
    """A child process and what it has cost until it was last looked at."""

    child: subprocess.Popen[bytes]
    process: psutil.Process = field(init=False)
    cpu: float = 0.0
    memory: int = 0

    def __post_init__(self) -> None:
        self.process = psutil.Process(self.child.pid)

    def look(self) -> None:
        """Note CPU seconds, and the most memory seen, in bytes."""
        times = self.process.cpu_times()
        self.cpu = times.user + times.system
        self.memory = max(self.memory, self.process.memory_info().rss)


@contextmanager
def worker(
    services: Services, log: str = "worker.log", samples: Path | None = None, **environment: str
) -> Iterator[Measured]:
    """Run one ingest worker as a process of its own; with `samples` it writes there where its time goes."""
    command = ["-c", WORKER] if samples is None else ["-m", "benchmarks.sampling", "ingest"]
    if samples is not None:
        environment["BENCH_SAMPLES"] = str(samples)
    with process(services, command, log, **environment) as measured:
        yield measured


@contextmanager
def process(services: Services, command: list[str], log: str, **environment: str) -> Iterator[Measured]:
    """Run Python with these arguments as a process that finds the store and the broker by its settings."""
    with (services.folder / log).open("ab") as out:
        child = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            stderr=out,
            env={
                **os.environ,
                "CITYWATCH_STORE__DSN": services.dsn(),
                "CITYWATCH_BROKER__HOST": "127.0.0.1",
                "CITYWATCH_BROKER__PORT": str(services.broker.port),
                **environment,
            },
        )
    try:
        yield Measured(child)
    finally:
        child.terminate()
        child.wait(30)


def load(services: Services, count: int, **options: object) -> "subprocess.Popen[str]":
    """Start a publisher; its standard output is the JSON of `benchmarks.load`."""
    arguments = [
        part
        for name, value in options.items()
        for part in ([f"--{name}"] if value is True else [f"--{name}", str(value)])
    ]
    command = [sys.executable, "-m", "benchmarks.load", str(services.broker.port), str(count)]
    return subprocess.Popen(
        [*command, "--devices", str(services.devices), *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def finished(publisher: "subprocess.Popen[str]") -> dict[str, float]:
    """Wait for a publisher and return what it says."""
    out, _ = publisher.communicate(timeout=900)
    result: dict[str, float] = json.loads(out)
    return result


def wait_for(ask: Callable[[], bool], seconds: float, every: float = 0.05) -> float:
    """Poll until true; return the seconds it took; raise TimeoutError."""
    began = time.monotonic()
    while not ask():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"not true within {seconds:.0f} s")
        time.sleep(every)
    return time.monotonic() - began


FILTER = TOPIC.format("+")
