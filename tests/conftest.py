"""Real services for every test: one PostgreSQL and one broker for the run, a fresh database for each test."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings

from citywatch.local.broker import LocalBroker, local_broker
from citywatch.local.postgres import local_postgres
from sql.connection import Pool
from sql.migrate import migrate
from sql.pool import open_pool, set_up

# A busy machine is not a fault: no example is judged by how long it took.
settings.register_profile("any-machine", settings(), deadline=None)
settings.load_profile("any-machine")

ROOT = Path(__file__).resolve().parents[1]
_numbers = itertools.count()


@pytest.fixture(scope="session")
def server_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """A function from database name to address, on CITYWATCH_TEST_DSN's server or on an embedded one."""
    given = os.environ.get("CITYWATCH_TEST_DSN")
    if given:
        base = given.rsplit("/", 1)[0]
        yield lambda database: f"{base}/{database}"
        return
    folder = tmp_path_factory.mktemp("postgres")
    for part in [folder, *folder.parents[:3]]:
        part.chmod(0o755) if part.owner() != "root" or part.name.startswith("pytest") else None
    with local_postgres(folder, fsync="off") as server:
        yield server.dsn


async def administer(dsn: str, *statements: str) -> None:
    """Run statements on a connection of their own."""
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def template(server_dsn: Callable[[str], str]) -> Iterator[str]:
    """The name of a migrated database that each test's own is copied from."""
    name = f"citywatch_template_{os.getpid()}"

    async def prepare() -> None:
        await administer(server_dsn("postgres"), f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
        connection = await asyncpg.connect(server_dsn(name))
        await set_up(connection)
        try:
            await migrate(connection)
        finally:
            await connection.close()
        # A database that somebody looks into cannot be copied; TimescaleDB's scheduler would, in every one.
        await administer(
            server_dsn("postgres"),
            f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
        )

    asyncio.run(prepare())
    yield name
    asyncio.run(administer(server_dsn("postgres"), f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def dsn(server_dsn: Callable[[str], str], template: str) -> Iterator[str]:
    """The address of a migrated database of this test's own."""
    name = f"citywatch_test_{os.getpid()}_{next(_numbers)}"
    asyncio.run(administer(server_dsn("postgres"), f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield server_dsn(name)
    asyncio.run(administer(server_dsn("postgres"), f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Pool]:
    """A pool on this test's own database."""
    pool = await open_pool(dsn, process="test")
    try:
        yield pool
    finally:
        await pool.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[LocalBroker]:
    """A broker of this test's own."""
    with local_broker(tmp_path / "broker", port=21883) as running:
        yield running


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data by others; absent on most machines, required in CI."""
    folder = Path(os.environ.get("CITYWATCH_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        message = f"the reference data is not at {folder}"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return folder


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI everything the tests need is there, so a skip there is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped") and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
