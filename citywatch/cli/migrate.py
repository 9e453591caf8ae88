"""`citywatch migrate`."""

import asyncio
import json
from typing import Annotated

import asyncpg
import typer

from citywatch.errors import StoreError
from citywatch.local.running import store_dsn
from citywatch.settings import load_settings
from sql.migrate import migrate
from sql.pool import set_up


async def _migrate(dsn: str) -> list[str]:
    try:
        connection = await asyncpg.connect(dsn, server_settings={"application_name": "citywatch migrate"})
    except (OSError, asyncpg.PostgresError) as error:
        raise StoreError(f"the database cannot be reached: {error}") from None
    try:
        await set_up(connection)
        return await migrate(connection)
    finally:
        await connection.close()


def migrate_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the applied names as a JSON array.")] = False,
) -> None:
    """Bring the database up to date; does nothing where it is. Safe with several starters at once.

    Example: CITYWATCH_STORE__DSN=postgresql://citywatch@db/citywatch citywatch migrate
    """
    applied = asyncio.run(_migrate(store_dsn(load_settings())))
    if as_json:
        print(json.dumps(applied))
    else:
        print("\n".join(applied) if applied else "The database is up to date.")
