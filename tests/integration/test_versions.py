"""From the schema and data of every published version to today's: nothing lost, nothing different from a new one."""

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from sql.connection import Connection, Pool
from sql.fold import ROLLUPS, fold_once
from sql.migrate import migrate
from sql.pool import open_pool
from tests.conftest import ROOT, administer
from tests.integration.storing import Row, make_room, recount, stored_rows, write

FOLDER = ROOT / "tests" / "versions"
VERSIONS = re.findall(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
SCHEMA = """
SELECT c.oid::regclass::text || '.' || a.attname AS name,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
                 pg_get_expr(d.adbin, d.adrelid)) AS is
  FROM pg_class AS c
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relnamespace IN ('public'::regnamespace, 'analytics'::regnamespace) AND c.relkind IN ('r', 'p', 'v')
   AND c.relname !~ '^observation_[0-9]'
UNION ALL
SELECT conrelid::regclass::text || ' ' || conname, pg_get_constraintdef(oid) FROM pg_constraint
 WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND conrelid::regclass::text !~ 'observation_[0-9]'
UNION ALL
SELECT indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename !~ '^observation_[0-9]'
UNION ALL
SELECT proname::text, prosrc FROM pg_proc
 WHERE pronamespace IN ('public'::regnamespace, 'analytics'::regnamespace) AND prolang <> 13
   AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.objid = pg_proc.oid AND e.deptype = 'e')
"""


def test_every_published_version_has_its_fixture() -> None:
    assert VERSIONS
    assert {path.stem for path in FOLDER.glob("*.sql")} == set(VERSIONS)


async def schema(connection: Connection) -> dict[str, Any]:
    return {row["name"]: row["is"] for row in await connection.fetch(SCHEMA)}


@pytest.fixture(params=VERSIONS)
def old_dsn(request: pytest.FixtureRequest, server_dsn: Callable[[str], str]) -> Iterator[str]:
    """The address of a database as that version left it."""
    name = f"citywatch_version_{Path(request.node.name).name.translate(str.maketrans('[].-', '____'))}"
    text = (FOLDER / f"{request.param}.sql").read_text(encoding="utf-8")
    asyncio.run(administer(server_dsn("postgres"), f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}"))
    asyncio.run(administer(server_dsn(name), text))
    yield server_dsn(name)
    asyncio.run(administer(server_dsn("postgres"), f"DROP DATABASE {name} WITH (FORCE)"))


async def test_migration_keeps_the_data_and_ends_in_the_schema_of_a_new_database(old_dsn: str, pool: Pool) -> None:
    plain = await asyncpg.connect(old_dsn)
    tables = [
        row[0]
        for row in await plain.fetch(
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            " AND NOT relispartition AND relname <> 'schema_migration'"
        )
    ]
    before = {table: await plain.fetchval(f"SELECT count(*) FROM {table}") for table in tables}
    await plain.close()
    old = await open_pool(old_dsn, process="test", size=1)
    try:
        rows = sorted(await stored_rows(old))
        assert len(rows) > 500
        async with old.acquire() as connection, pool.acquire() as fresh:
            await migrate(connection)
            assert await migrate(connection) == []
            found, wanted = await schema(connection), await schema(fresh)
            if await fresh.fetchval("SELECT relkind FROM pg_class WHERE oid = 'observation'::regclass") == b"p":
                assert found == wanted
            else:  # the fixture is plain, the new database a hypertable: its own table is laid out differently
                assert {k: v for k, v in found.items() if not k.startswith("observation") and k != "time_bucket"} == {
                    k: v for k, v in wanted.items() if not k.startswith("observation")
                }
        kept = set(await schema_tables(old))
        assert {t: await old.fetchval(f"SELECT count(*) FROM {t}") for t in tables if t in kept} == {
            t: n for t, n in before.items() if t in kept
        }
        assert sorted(await stored_rows(old)) == rows
        await check_use(old, rows)
    finally:
        await old.close()


async def schema_tables(pool: Pool) -> list[str]:
    return [row[0] for row in await pool.fetch("SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p')")]


async def check_use(pool: Pool, rows: list[Row]) -> None:
    """Write and fold as today's version does: the rollups of old and new rows together are right."""
    more = [row._replace(phenomenon_time=row.phenomenon_time + timedelta(seconds=1)) for row in rows[::7]]
    await make_room(pool, [row.phenomenon_time for row in more])
    async with pool.acquire() as connection:
        async with connection.transaction():
            assert len(await write(connection, more, rows[0].phenomenon_time)) == len(more)
        while await fold_once(connection):
            pass
    circular = {
        r[0] for r in await pool.fetch("SELECT datastream_id FROM datastream WHERE property LIKE '%_direction'")
    }
    wanted = recount([*rows, *more], ROLLUPS["rollup_hour"], circular)
    found = {(r["datastream_id"], r["bucket"]): r for r in await pool.fetch("SELECT * FROM rollup_hour")}
    assert found.keys() == wanted.keys()
    for key, want in wanted.items():
        for column, value in want.items():
            assert found[key][column] == (pytest.approx(value, abs=1e-9) if column.endswith("sum") else value), key
