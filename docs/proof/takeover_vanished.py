"""A rules process whose machine vanishes: nobody is told, and the server must notice that its session is gone.

Two processes on hosts of their own hold a part each of a divided city; the cable of one of them is pulled.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import asyncpg

from benchmarks.services import ROOT, wait_for
from citywatch.local.postgres import LocalPostgres
from docs.proof.chaos_hosts import NET, Host, network, refusal
from docs.proof.report import Figures
from sql.migrate import migrate_at
from sql.pool import set_up
from tests.integration.rules_tail import append, install, minute

PATIENCE = 120.0  # seconds
LIMIT = 10.0  # seconds
HELD = "SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 7228031"
TAKEN = "SELECT seq FROM consumer_progress WHERE consumer = 'rules'"


@contextmanager
def rules_process(host: Host, dsn: str, log: Path) -> Iterator[None]:
    """Run one there."""
    environment = {**os.environ, "CITYWATCH_STORE__DSN": dsn, "CITYWATCH_RULES__PARTS": "2"}
    with host.inside(), log.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "citywatch", "rules", "run"], cwd=ROOT, env=environment, stdout=out, stderr=out
        )
    try:
        yield
    finally:
        child.kill()
        child.wait()


@contextmanager
def store(host: Host, folder: Path) -> Iterator[str]:
    """Run a store there that lets the other hosts in; yield its address."""
    postgres = LocalPostgres(folder / "postgres", 23_700, {"listen_addresses": "*"})
    with ExitStack() as stack:
        with host.inside():
            postgres.start()
            stack.callback(postgres.stop)
            asyncio.run(migrate_at(postgres.dsn("postgres")))
            with (postgres.data / "pg_hba.conf").open("a", encoding="ascii") as rules:
                rules.write(f"host all all {NET}.0/24 scram-sha-256\n")
            postgres.stop()
            postgres.start()
        yield postgres.dsn("postgres").replace("127.0.0.1", host.address)


def ask(dsn: str, statement: str) -> int:
    """Return one number of the store, 0 where there is none."""

    async def run() -> int:
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            return int(await connection.fetchval(statement) or 0)
        finally:
            await connection.close()

    return asyncio.run(run())


async def _begin(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    await set_up(connection)
    (stream,) = await install(connection, "bin-1", "fill_level", source_id="history")
    await connection.close()
    return stream


async def _feed(dsn: str, stream: int, number: int) -> int:
    connection = await asyncpg.connect(dsn)
    await set_up(connection)
    clock = {"history": minute(number).isoformat()}
    await append(connection, [(stream, minute(number), 50.0)], clocks=clock)
    await connection.execute("NOTIFY citywatch_tail")
    seq = await connection.fetchval("SELECT max(seq) FROM ingest_batch")
    await connection.close()
    return int(seq)


def vanished() -> Figures:
    """Return how long the vanished one's devices stood unwatched; raise AssertionError where it was too long."""
    reason = refusal()
    if reason:
        return {"not run": reason}
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp") as name,
        network("base", "one", "two") as (base, one, two),
    ):
        folder = Path(name)
        folder.chmod(0o755)
        with (
            store(base, folder) as dsn,
            rules_process(one, dsn, folder / "one.log"),
        ):
            stream = asyncio.run(_begin(dsn))
            wait_for(lambda: ask(dsn, HELD) == 1, PATIENCE)
            with rules_process(two, dsn, folder / "two.log"):
                wait_for(lambda: ask(dsn, HELD) == 2, PATIENCE)
                seq = asyncio.run(_feed(dsn, stream, 0))
                wait_for(lambda: ask(dsn, TAKEN) >= seq, PATIENCE)
                one.cut()
                began = time.monotonic()
                seq = asyncio.run(_feed(dsn, stream, 5))
                wait_for(lambda: ask(dsn, TAKEN) >= seq, PATIENCE)
                seconds = round(time.monotonic() - began, 2)
                one.join()
    figures: Figures = {"seconds until the other had taken what came after": seconds, "limit": LIMIT}
    assert seconds <= LIMIT, figures
    return figures
