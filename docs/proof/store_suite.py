"""The unit and integration tests on each PostgreSQL of this machine: embedded, Debian's plain one, and TimescaleDB.

Parts are named SERVER-PIECE, such as timescale-api: docs/proof/report.py. The browser and acceptance tests start the
embedded server themselves, whatever there is.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import asyncpg

from citywatch.local.postgres import LocalPostgres, binaries
from docs.proof.report import ROOT, run_parts
from docs.proof.store_servers import TIMESCALE, timescale_programs

# For tests, which create and drop a database each: speed, and room for the locks of many chunks and partitions.
SETTINGS = {"fsync": "off", "max_connections": "100", "shared_buffers": "256MB", "max_locks_per_transaction": "512"}
DEBIAN = Path("/usr/lib/postgresql/15/bin")


def servers() -> dict[str, tuple[Path, dict[str, str]]]:
    """Return the servers there are here: their programs and settings."""
    found = {"embedded": (binaries(), SETTINGS)}
    if DEBIAN.is_dir():
        found["postgresql-15"] = (DEBIAN, SETTINGS)
    timescale = timescale_programs()
    if timescale is not None:
        found["timescale"] = (timescale, SETTINGS | TIMESCALE)
    return found


def pieces() -> dict[str, list[str]]:
    """Return every unit and integration test file in pieces of some minutes."""
    files = sorted(path.name for path in (ROOT / "tests" / "integration").glob("test_*.py"))
    half = files.index("test_local.py")
    return {
        "unit": ["tests/unit"],
        "api": ["tests/integration/api"],
        "standards": ["tests/integration/standards", "tests/integration/indicators"],
        "first-half": [f"tests/integration/{name}" for name in files[:half]],
        "second-half": [f"tests/integration/{name}" for name in files[half:]],
    }


async def _versions(dsn: str, *, timescale: bool) -> dict[str, str]:
    connection = await asyncpg.connect(dsn)
    try:
        found = {"server": str(await connection.fetchval("SHOW server_version"))}
        if timescale:
            found["timescaledb"] = await connection.fetchval(
                "SELECT default_version FROM pg_available_extensions WHERE name = 'timescaledb'"
            )
        return found
    finally:
        await connection.close()


def run(programs: Path, settings: Mapping[str, str], tests: list[str]) -> dict[str, object]:
    """Run `tests` on a server of their own and count; raises AssertionError where one fails."""
    folder = Path(tempfile.mkdtemp(prefix="citywatch-suite-", dir="/var/tmp"))
    server = LocalPostgres(folder, 0, dict(settings), programs)
    try:
        server.start()
        dsn = server.dsn("postgres")
        figures: dict[str, object] = dict(asyncio.run(_versions(dsn, timescale="shared_preload_libraries" in settings)))
        report = folder / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *tests]
        subprocess.run(command, check=False, cwd=ROOT, env=os.environ | {"CITYWATCH_TEST_DSN": dsn})
        assert report.exists(), {**figures, "missed": "the tests did not end"}
        suite = ElementTree.parse(report).getroot()
        bad = [
            f"{case.get('classname')}::{case.get('name')}"
            for case in suite.iter("testcase")
            if case.find("failure") is not None or case.find("error") is not None
        ]
        skipped = sum(case.find("skipped") is not None for case in suite.iter("testcase"))
        total = sum(1 for _ in suite.iter("testcase"))
        figures |= {"tests": total, "passed": total - skipped - len(bad), "skipped": skipped, "failed": bad}
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    assert total, {**figures, "missed": "no test ran"}
    assert not bad, figures
    return figures


def prove() -> dict[str, object]:
    """Run every piece on each server, or those that PROOF_PARTS names."""
    parts: dict[str, Callable[[], Mapping[str, object]]] = {
        f"{name}-{piece}": partial(run, programs, settings, tests)
        for name, (programs, settings) in servers().items()
        for piece, tests in pieces().items()
    }
    return run_parts("store_suite", parts)
