"""Backup, wipe, restore: equal by checksums of our own. And an upgrade from the first version while messages flow.

There is no tag yet, so the first version is the commit that wrote the fixture of the first version of CHANGELOG.md
(tests/versions); once there is a tag, it is the first of those. Its own code runs, out of the repository's history.
"""

import asyncio
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import asyncpg

from benchmarks.services import ROOT
from citywatch.local.broker import local_broker
from citywatch.local.postgres import local_postgres
from docs.proof.report import Figures, run_parts
from tests.installation import installation, wait_for
from tests.numbered import Numbered, count, registry

FIXTURES = ROOT / "tests" / "versions"
RATE = 400  # messages a second
PROCESSES = {"ingest": ["ingest", "run"], "fold": ["fold", "run"], "rules": ["rules", "run"]}
TABLES = """
SELECT relname::text FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
   AND relname NOT IN ('schema_migration', 'session', 'sign_in_flow', 'sign_in_failure', 'answered_request')
 ORDER BY 1
"""
LONGEST_GAP = """
SELECT extract(epoch FROM max(gap))::float8
  FROM (SELECT at - lag(at) OVER (ORDER BY seq) AS gap FROM ingest_batch WHERE at >= $1) AS gaps
"""
OF_FIXTURE = """
SELECT o::text AS row FROM observation AS o JOIN datastream AS s USING (datastream_id)
 WHERE device_id IN ('air-1', 'bin-1', 'old-1') AND s.property NOT LIKE '%index%'
"""


async def checksums(dsn: str) -> dict[str, list[object]]:
    """Return rows and checksum of every table, computed row by row here."""
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    found: dict[str, list[object]] = {}
    try:
        for table in [row[0] for row in await connection.fetch(TABLES)]:
            digest, rows = hashlib.sha256(), 0
            async with connection.transaction():
                text = f'SELECT t::text AS row FROM "{table}" AS t ORDER BY t::text COLLATE "C"'
                async for row in connection.cursor(text, prefetch=5000):
                    digest.update(row["row"].encode() + b"\n")
                    rows += 1
            found[table] = [rows, digest.hexdigest()]
    finally:
        await connection.close()
    return found


def stored(data_dir: Path) -> dict[str, list[object]]:
    """Return the checksums of an installation that does not run."""
    with local_postgres(data_dir / "postgres") as server:
        return asyncio.run(checksums(server.dsn()))


def _command(folder: Path, environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "citywatch", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, f"citywatch {' '.join(arguments)}: {done.stderr[-1500:]}"
    return done.stdout


def restored() -> Figures:
    """Let a city live, back it up while it does and when it stands still, wipe it, restore, compare."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        data, environment = folder / "data", {"CITYWATCH_DATA_DIR": str(folder / "data")}
        with installation(data, "--devices", "120") as city:
            wait_for(lambda: city.get("/api/v1/alerts")["items"], "the city's first alerts", 180)
            began = time.monotonic()
            live = json.loads(city.command("backup", str(folder / "live"), "--json"))
            live_took = time.monotonic() - began
        before = stored(data)
        began = time.monotonic()
        _command(ROOT, environment, "backup", str(folder / "still"))
        took = time.monotonic() - began
        shutil.rmtree(data)
        began = time.monotonic()
        _command(ROOT, environment, "restore", str(folder / "still"))
        back = time.monotonic() - began
        after = stored(data)
        shutil.rmtree(data)
        _command(ROOT, environment, "restore", str(folder / "live"))
        rows_of_live = sum(int(str(rows)) for rows, _ in stored(data).values())
        with installation(data, "--no-simulator") as city:
            goes_on = city.get("/api/v1/summary") is not None
    figures: Figures = {
        "tables": len(before),
        "rows": sum(int(str(rows)) for rows, _ in before.values()),
        "observations": before["observation"][0],
        "tables that differ after backup, wipe, restore": sorted(t for t in before if after.get(t) != before[t]),
        "seconds of backup": took,
        "seconds of restore": back,
        "rows backed up while everything ran": live["rows"],
        "of these restored": rows_of_live,
        "seconds of backup while everything ran": live_took,
        "city goes on from what was restored": goes_on,
    }
    assert not figures["tables that differ after backup, wipe, restore"], figures
    assert rows_of_live == live["rows"], figures
    assert goes_on, figures
    return figures


def first_version() -> tuple[str, str]:
    """Return the commit of the first version, and how we know; raise AssertionError without a repository."""
    git = ["git", "-C", str(ROOT)]

    def said(*arguments: str) -> list[str]:
        return subprocess.run([*git, *arguments], check=False, capture_output=True, text=True).stdout.split()

    tags = said("tag", "--sort=creatordate")
    if tags:
        return tags[0], f"tag {tags[0]}"
    fixture = min(FIXTURES.glob("*.sql"))
    commits = said("log", "--format=%H", "--", str(fixture))
    assert commits, f"{ROOT} is no git repository with the history of {fixture.name}"
    return commits[-1], f"commit {commits[-1][:9]}, which wrote the fixture of {fixture.stem}: there is no tag yet"


@contextmanager
def _running(folder: Path, environment: dict[str, str], logs: Path) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Run our processes with the code in `folder`; stop them in order at the end."""
    children = {}
    for name, command in PROCESSES.items():
        with (logs / f"{name}.log").open("ab") as out:
            children[name] = subprocess.Popen(
                [sys.executable, "-m", "citywatch", *command],
                cwd=folder,
                env={**os.environ, **environment},
                stdout=out,
                stderr=out,
            )
    try:
        yield children
        for name, child in children.items():
            assert child.poll() is None, (name, (logs / f"{name}.log").read_text(errors="replace")[-1500:])
    finally:
        for child in children.values():
            child.send_signal(signal.SIGTERM)
        for child in children.values():
            child.wait(60)


async def _ask(dsn: str, statement: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    try:
        return list(await connection.fetch(statement, *arguments))
    finally:
        await connection.close()


async def _begin(dsn: str, text: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(text)
    await connection.close()


def _grows(dsn: str, than: int) -> bool:
    return int(asyncio.run(_ask(dsn, "SELECT coalesce(max(seq), 0) AS seq FROM ingest_batch"))[0]["seq"]) > than


def _end(dsn: str) -> int:
    return int(asyncio.run(_ask(dsn, "SELECT coalesce(max(seq), 0) AS seq FROM ingest_batch"))[0]["seq"])


def upgraded() -> Figures:
    """Run the first version on its fixture under traffic, stop it, migrate, run today's; count with our own SQL."""
    commit, known_by = first_version()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp")))
        folder.chmod(0o755)
        old, logs = folder / "old", folder / "logs"
        old.mkdir()
        logs.mkdir()
        archive = subprocess.run(["git", "-C", ROOT, "archive", commit], check=True, capture_output=True)
        subprocess.run(["tar", "-x", "-C", old], input=archive.stdout, check=True)
        postgres = stack.enter_context(local_postgres(folder / "postgres", 23_700))
        broker = stack.enter_context(local_broker(folder / "broker", 23_800))
        asyncio.run(_begin(postgres.dsn("postgres"), "CREATE DATABASE citywatch"))
        asyncio.run(_begin(postgres.dsn(), min((old / "tests" / "versions").glob("*.sql")).read_text(encoding="utf-8")))
        dsn = postgres.dsn()
        environment = {
            "CITYWATCH_STORE__DSN": dsn,
            "CITYWATCH_BROKER__HOST": "127.0.0.1",
            "CITYWATCH_BROKER__PORT": str(broker.port),
        }
        (folder / "registry.json").write_text(json.dumps(registry(10)), encoding="utf-8")
        _command(old, environment, "devices", "import", str(folder / "registry.json"))
        rows_before = asyncio.run(_ask(dsn, OF_FIXTURE))
        flow = Numbered(broker.port, rate=RATE)
        with _running(old, environment, logs):
            # Nobody keeps anything for a session that has never been.
            wait_for(lambda: "broker_connected" in (logs / "ingest.log").read_text(), "the first subscription", 120)
            flow.start()
            last = _end(dsn)
            wait_for(lambda: _grows(dsn, last + 20), "the first version to store", 120)
            by_old = len(flow.acknowledged)
            since = asyncio.run(_ask(dsn, "SELECT max(at) AS at FROM ingest_batch"))[0]["at"]
            stopped = time.monotonic()
        began = time.monotonic()
        applied = _command(ROOT, environment, "migrate").split()
        migrated = time.monotonic() - began
        last = _end(dsn)
        with _running(ROOT, environment, logs):
            wait_for(lambda: _grows(dsn, last), "today's version to store", 120)
            down = time.monotonic() - stopped
            wait_for(lambda: _grows(dsn, last + 20), "today's version to go on", 120)
            flow.stop()
            wait_for(lambda: count(dsn, flow.acknowledged)[1] == len(flow.acknowledged), "all numbers stored", 120)
        rows, numbers = count(dsn, flow.acknowledged)
        gap = asyncio.run(_ask(dsn, LONGEST_GAP, since))[0][0]
        rows_after = {row["row"] for row in asyncio.run(_ask(dsn, OF_FIXTURE))}
    figures: Figures = {
        "from": known_by,
        "messages a second": RATE,
        "acknowledged by the broker": len(flow.acknowledged),
        "of these before the upgrade": by_old,
        "lost": len(flow.acknowledged) - numbers,
        "doubled": rows - numbers,
        "rows of the old version": len(rows_before),
        "of these missing or changed": len({row["row"] for row in rows_before} - rows_after),
        "migrations": len(applied),
        "seconds of migration": migrated,
        "seconds from the order to stop until new rows": down,
        "longest gap between two writes, seconds": gap,
    }
    assert applied, figures
    assert rows_before, figures
    assert not any(figures[each] for each in ("lost", "doubled", "of these missing or changed")), figures
    return figures


def prove() -> Figures:
    """Run both parts; `PROOF_PARTS=upgrade` runs one."""
    return run_parts("upgrade", {"restore": restored, "upgrade": upgraded})
