"""A live system of its own for the scoreboard: servers and processes in one folder, gone when it is done."""

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citywatch.cli.registering import register
from citywatch.errors import CitywatchError
from citywatch.local.broker import LocalBroker
from citywatch.local.postgres import LocalPostgres
from citywatch.local.process import free_port
from citywatch.local.server import create_database
from citywatch.local.supervisor import Supervisor, Worker
from citywatch.settings import load_settings
from ingest.broker_claim import claim_session
from ingest.subscription import session_name, topic_filters
from sql.connection import Connection
from sql.migrate import migrate_at

PROCESSES = ("ingest", "fold", "rules", "indicators")
EACH_SLICE = ("fold", "rules")
AT_END = (*EACH_SLICE, "indicators")  # which gather what they do for a second
PATIENCE = 300.0  # seconds without any progress before a run is given up
LOOK_EVERY = 0.02


@dataclass(frozen=True, slots=True)
class System:
    """A running system: where it listens, and its store."""

    dsn: str
    broker_port: int
    url: str
    folder: Path
    supervisor: Supervisor

    async def settled(self, connection: Connection, messages: int, consumers: Sequence[str] = EACH_SLICE) -> None:
        """Return when so many messages have a fate and the consumers are through with them; raise CitywatchError."""
        before, changed_at = None, time.monotonic()
        while True:
            state = await connection.fetchrow(
                """SELECT (SELECT coalesce(sum(received), 0)::bigint FROM delivery_account) AS received,
                          (SELECT coalesce(max(seq), 0) FROM ingest_batch) AS newest,
                          (SELECT CASE WHEN count(*) = cardinality($1::text[]) THEN min(seq) END
                             FROM consumer_progress WHERE consumer = ANY ($1::text[])) AS position""",
                list(consumers),
            )
            assert state is not None
            through = state["position"] is not None and state["position"] >= state["newest"]
            if state["received"] >= messages and through:
                return
            now = time.monotonic()
            if state != before:
                before, changed_at = state, now
            elif now - changed_at > PATIENCE:
                raise CitywatchError(
                    f"the system stands still: {state['received']} of {messages} messages, consumers at "
                    f"{state['position']} of {state['newest']}; its logs are in {self.folder / 'logs'}"
                )
            await asyncio.sleep(LOOK_EVERY)


@contextmanager
def own_system(folder: Path, registry: dict[str, Any]) -> Iterator[System]:
    """Start everything in `folder` with the devices of `registry`, and stop it at the end."""
    settings = load_settings()
    supervisor = Supervisor()
    try:
        postgres = LocalPostgres(folder / "postgres")
        supervisor.add("postgres", postgres)
        asyncio.run(_prepare(postgres))
        broker = LocalBroker(folder / "broker", free_port(), settings.broker.autosave)
        supervisor.add("broker", broker)
        claim_session("127.0.0.1", broker.port, session_name(0), topic_filters(settings.ingest))
        register(postgres.dsn(), registry)
        http_port = free_port()
        environment = {
            "CITYWATCH_DATA_DIR": str(folder),
            "CITYWATCH_STORE__DSN": postgres.dsn(),
            "CITYWATCH_BROKER__HOST": "127.0.0.1",
            "CITYWATCH_BROKER__PORT": str(broker.port),
            "CITYWATCH_SERVE__HOST": "127.0.0.1",
            "CITYWATCH_SERVE__PORT": str(http_port),
        }
        (folder / "logs").mkdir(exist_ok=True)
        for name in PROCESSES:
            supervisor.add(name, Worker([name, "run"], folder / "logs" / f"{name}.log", environment))
        supervisor.add("serve", Worker(["serve"], folder / "logs" / "serve.log", environment))
        yield System(postgres.dsn(), broker.port, f"http://127.0.0.1:{http_port}", folder, supervisor)
    finally:
        supervisor.stop()


async def _prepare(postgres: LocalPostgres) -> None:
    await create_database(postgres)
    await migrate_at(postgres.dsn())


def look_after(system: System) -> None:
    """Raise CitywatchError where a process of the system has died: a score of half a system says nothing."""
    for each in system.supervisor.dead():
        raise CitywatchError(f"{each} died during the run; its log is {system.folder / 'logs' / f'{each}.log'}")


def scratch() -> Path | None:
    """Return a folder on disk for scratch data, where the usual one may be memory."""
    return Path("/var/tmp") if os.access("/var/tmp", os.W_OK) else None  # noqa: S108  tempfile makes a folder in it
