"""The scripts of docker-compose.cluster.yml that make a replica, with a real PostgreSQL."""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from citywatch.local.postgres import SETTINGS, USER, LocalPostgres, binaries, local_postgres
from citywatch.local.process import free_port, start_child

SCRIPTS = Path(__file__).parents[2] / "deploy" / "timescaledb"


def script(name: str, folder: Path) -> Path:
    """Return a script of the containers with their path to the secret as it is here."""
    path = folder / name
    text = (SCRIPTS / name).read_text(encoding="utf-8")
    path.write_text(text.replace("/run/secrets/store_password", str(folder / "secret")), encoding="utf-8")
    path.chmod(0o755)
    return path


@contextmanager
def replica(primary: LocalPostgres, folder: Path) -> Iterator[int]:
    """Run replica.sh as the container does, and yield its port."""
    data, port = folder / "replica", free_port(24_100)
    data.mkdir(mode=0o700)
    if primary.account.uid is not None and primary.account.gid is not None:
        os.chown(data, primary.account.uid, primary.account.gid)
    environment = {
        "PATH": f"{binaries()}:{os.environ['PATH']}",
        "PGDATA": str(data),
        "PRIMARY": "127.0.0.1",
        "PRIMARY_PORT": str(primary.port),
    }
    # A replica refuses to start with less room than its primary has; the image keeps that in a file, which is copied.
    options = {"port": port, "unix_socket_directories": "", "listen_addresses": "127.0.0.1"} | {
        key: SETTINGS[key] for key in ("max_connections", "max_locks_per_transaction")
    }
    with (folder / "replica.log").open("wb") as log:
        child = start_child(
            ["/bin/sh", script("replica.sh", folder), *(f"-c{key}={value}" for key, value in options.items())],
            log=log,
            env=environment,
            before=primary.account.enter,
        )
    try:
        yield port
    finally:
        child.terminate()
        child.wait(60)


def ask(dsn: str, *statements: str) -> list[int]:
    """Run statements and return the first column of the last one's rows."""

    async def run() -> list[int]:
        connection = await asyncpg.connect(dsn)
        try:
            rows: list[asyncpg.Record] = []
            for statement in statements:
                rows = list(await connection.fetch(statement))
            return [row[0] for row in rows]
        finally:
            await connection.close()

    return asyncio.run(run())


def read_there(dsn: str, log: Path) -> list[int]:
    """Return the rows that the replica shows as soon as it shows any."""
    deadline = time.monotonic() + 120
    while True:
        try:
            rows = ask(dsn, "SELECT n FROM written WHERE pg_is_in_recovery() ORDER BY n")
            if rows:
                return rows
        except (OSError, asyncpg.PostgresError):
            pass  # not there yet
        assert time.monotonic() < deadline, log.read_text(errors="replace")[-2000:]
        time.sleep(0.1)


def test_what_the_primary_writes_is_read_at_the_replica(tmp_path: Path) -> None:
    for part in (tmp_path, *tmp_path.parents[:2]):
        part.chmod(0o755)  # the servers run under an account that is not root
    with local_postgres(tmp_path / "primary", 24_000) as primary:
        secret = tmp_path / "secret"
        secret.write_text(primary.password + "\n", encoding="utf-8")
        secret.chmod(0o644)
        environment = {
            "PATH": f"{binaries()}:{os.environ['PATH']}",
            "PGDATA": str(primary.data),
            "POSTGRES_USER": USER,
            "PGHOST": "127.0.0.1",
            "PGPORT": str(primary.port),
            "PGPASSWORD": primary.password,
        }
        subprocess.run(["/bin/sh", script("replication.sh", tmp_path)], env=environment, check=True, timeout=120)
        here = primary.dsn("postgres")
        ask(here, "SELECT pg_reload_conf()")  # the image starts its server anew after such scripts
        with replica(primary, tmp_path) as port:
            ask(here, "CREATE TABLE written (n int)", "INSERT INTO written VALUES (1), (2)")
            assert read_there(here.replace(f":{primary.port}/", f":{port}/"), tmp_path / "replica.log") == [1, 2]
