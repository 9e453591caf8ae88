"""Backup, wipe, restore: counts and checksums equal, on either engine, from this version and older ones."""

import asyncio
import gzip
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from citywatch.errors import CitywatchError, StoreError
from citywatch.local.server import store_server
from citywatch.settings import Settings
from sql.archive import back_up, read_manifest, restore
from sql.audit import audit
from sql.care import look_after
from sql.connection import Connection, Pool
from sql.migrate import load_migrations, migrate
from sql.pool import open_pool
from tests.conftest import administer
from tests.integration.storing import Row, add_streams, make_room, stored_rows, write
from tests.versions.__main__ import fill


def quiet(_done: int, _total: int, _detail: str) -> None:
    """Tell nobody."""


@pytest.fixture
async def databases(server_dsn: Callable[[str], str]) -> AsyncIterator[Callable[[], Awaitable[Pool]]]:
    """Makes databases without our schema."""
    made: dict[str, Pool] = {}

    async def make() -> Pool:
        name = f"citywatch_bare_{os.getpid()}_{len(made)}"
        await administer(server_dsn("postgres"), f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
        made[name] = await open_pool(server_dsn(name), process="test", size=2)
        return made[name]

    yield make
    for name, pool in made.items():
        await pool.close()
        await administer(server_dsn("postgres"), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def empty(databases: Callable[[], Awaitable[Pool]]) -> Pool:
    """A database without our schema."""
    return await databases()


async def take(pool: Pool, folder: Path) -> Path:
    async with pool.acquire() as connection:
        await back_up(connection, folder, quiet)
    return folder


def contents(folder: Path) -> list[tuple[str, int, str]]:
    """What an archive holds. Weeks without a row are as good as none."""
    return sorted((p["table"], p["rows"], p["sha256"]) for p in read_manifest(folder)["parts"] if p["rows"])


async def give(pool: Pool, folder: Path) -> None:
    async with pool.acquire() as connection:
        await restore(connection, folder, quiet)


async def test_restored_is_what_was_backed_up_and_goes_on(pool: Pool, empty: Pool, tmp_path: Path) -> None:
    async with pool.acquire() as connection:
        await fill(connection)
        await connection.execute("UPDATE observation SET result = 1/3::float8 WHERE quality = 1 AND datastream_id = 2")
        await look_after(pool, Settings(), datetime(2026, 5, 1, tzinfo=UTC))  # packed: the archive does not care
    folder = await take(pool, tmp_path / "backup")
    await give(empty, folder)
    again = await take(empty, tmp_path / "again")
    assert contents(folder) == contents(again)
    assert sum(part["rows"] for part in read_manifest(folder)["parts"]) > 1500
    assert sorted(await stored_rows(empty)) == sorted(await stored_rows(pool))
    # Sequences go on where they were.
    later = datetime(2026, 4, 9, tzinfo=UTC)
    await make_room(empty, [later])
    async with empty.acquire() as connection, connection.transaction():
        assert len(await write(connection, [Row(1, later, 1.0, 1)], later)) == 1
    assert (await add_streams(empty, ["o3"])) == [5]
    with pytest.raises(StoreError, match="not empty"):
        await give(empty, folder)
    with pytest.raises(StoreError, match="exists"):
        await take(pool, folder)


async def test_it_is_restored_over_a_first_start_and_under_another_collation(
    pool: Pool, server_dsn: Callable[[str], str], tmp_path: Path
) -> None:
    """Sessions stay behind; the log of the first start makes way, and is protected again afterwards."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.executemany(
            "INSERT INTO district (district_id, name, polygon) VALUES ($1, $1, '{}')",
            [("a-b",), ("Aa",), ("a_b",), ("B",)],
        )
        await audit(connection, "ann", "account.add", "account/ann")
        await add_session(connection)
    folder = await take(pool, tmp_path / "backup")
    tables = {part["table"] for part in read_manifest(folder)["parts"]}
    assert "account_user" in tables
    assert not tables & {"session", "sign_in_flow", "sign_in_failure", "answered_request", "credential_job_part"}
    name = f"citywatch_other_{os.getpid()}"
    await administer(
        server_dsn("postgres"), f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} {await otherwise(pool)}"
    )
    other = await open_pool(server_dsn(name), process="test", size=2)
    try:
        async with other.acquire() as connection:
            await migrate(connection)
            async with connection.transaction():
                await audit(connection, "system", "account.add", "account/first")
                await add_session(connection)
        await give(other, folder)
        assert await other.fetchval("SELECT string_agg(actor, ',') FROM audit_event") == "ann"
        assert await other.fetchval("SELECT count(*) FROM session") == 0
        with pytest.raises(asyncpg.RaiseError, match="only added to"):
            await other.execute("DELETE FROM audit_event")
    finally:
        await other.close()
        await administer(server_dsn("postgres"), f"DROP DATABASE {name} WITH (FORCE)")


async def add_session(connection: Connection) -> None:
    await connection.execute(
        "WITH made AS (INSERT INTO account_user (name, role) VALUES ('ann', 'admin') RETURNING account_id)"
        " INSERT INTO session (token_hash, account_id, expires_at) SELECT 'x', account_id, now() FROM made"
    )


async def otherwise(pool: Pool) -> str:
    """How to make a database that sorts text otherwise than this one does, where the server can."""
    if await pool.fetchval("SELECT EXISTS (SELECT FROM pg_collation WHERE collname = 'en-x-icu')"):
        return "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en' ENCODING 'UTF8'"
    return "TEMPLATE template0 LOCALE 'C' ENCODING 'UTF8'"


async def test_a_backup_is_of_one_instant_while_others_write(pool: Pool, empty: Pool, tmp_path: Path) -> None:
    (stream,) = await add_streams(pool, ["pm2_5"])
    start = datetime(2026, 1, 5, tzinfo=UTC)
    await make_room(pool, [start])
    done = asyncio.Event()

    async def keep_writing() -> None:
        for number in range(100_000):
            async with pool.acquire() as connection, connection.transaction():
                await write(connection, [Row(stream, start + timedelta(seconds=number), 1.0, 1)], start)
            if done.is_set():
                return

    writer = asyncio.create_task(keep_writing())
    folder = await take(pool, tmp_path / "backup")
    done.set()
    await writer
    await give(empty, folder)
    tail = await empty.fetchval("SELECT coalesce(sum(size), 0) FROM ingest_batch")
    assert tail == await empty.fetchval("SELECT count(*) FROM observation")


async def test_a_damaged_backup_restores_nothing(pool: Pool, empty: Pool, tmp_path: Path) -> None:
    async with pool.acquire() as connection:
        await fill(connection)
    folder = await take(pool, tmp_path / "backup")
    part = next(folder.glob("rollup_hour.copy.gz"))
    rows = gzip.decompress(part.read_bytes()).splitlines(keepends=True)
    part.write_bytes(gzip.compress(b"".join(rows[1:])))
    with pytest.raises(StoreError, match=r"rollup_hour\.copy\.gz.*differs"):
        await give(empty, folder)
    assert await empty.fetchval("SELECT count(*) FROM observation") == 0
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(StoreError, match="damaged"):
        await give(empty, folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["migrations"].append("9999_of_tomorrow")
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(StoreError, match="another version"):
        await give(empty, folder)
    with pytest.raises(StoreError, match="is not a backup"):
        read_manifest(tmp_path)


async def test_an_older_archive_is_restored_and_migrated(
    databases: Callable[[], Awaitable[Pool]], tmp_path: Path
) -> None:
    old, new = await databases(), await databases()
    async with old.acquire() as connection:
        await migrate(connection, [each for each in load_migrations() if each.name < "0090"])
        await fill(connection)
    await give(new, await take(old, tmp_path / "backup"))
    assert await new.fetchval("SELECT count(*) FROM store_deletion") == 0, "made by a later migration"
    assert sorted(await stored_rows(new)) == sorted(await stored_rows(old))


def test_the_embedded_server_is_started_where_it_does_not_run(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store"), store_server(Settings(data_dir=tmp_path / "a")):
        pass
    with store_server(Settings(data_dir=tmp_path / "a"), create=True) as dsn:
        asyncio.run(_with_pool(dsn, _fill))
    with store_server(Settings(data_dir=tmp_path / "a")) as dsn:
        asyncio.run(_with_pool(dsn, lambda pool: take(pool, tmp_path / "backup")))
        with pytest.raises(CitywatchError, match="already"), store_server(Settings(data_dir=tmp_path / "a")):
            pass
    with store_server(Settings(data_dir=tmp_path / "b"), create=True) as dsn:
        asyncio.run(_with_pool(dsn, lambda pool: give(pool, tmp_path / "backup")))
        asyncio.run(_with_pool(dsn, lambda pool: take(pool, tmp_path / "again")))
    assert contents(tmp_path / "backup") == contents(tmp_path / "again")


async def _fill(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await migrate(connection)
        await fill(connection)


async def _with_pool(dsn: str, work: Callable[[Pool], Awaitable[object]]) -> None:
    pool = await open_pool(dsn, process="test", size=1)
    await work(pool)
    await pool.close()
