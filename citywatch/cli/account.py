"""`citywatch account`: what became of every message and every reading, and whether both sums close."""

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import asyncpg
import typer

from citywatch.local.running import store_dsn
from citywatch.settings import load_settings
from ingest.account import COLUMNS, AccountRow, fetch_account, total
from sql.pool import set_up


def account(
    device: Annotated[str | None, typer.Option(help="one device, hour by hour")] = None,
    hours: Annotated[int | None, typer.Option(min=1, help="only the last hours")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Show what became of every message and every reading; exit with 1 where a sum does not close.

    received = accepted + rejected; readings = stored + duplicate + refused.

    Example: `citywatch account --hours 24`
    """
    rows = asyncio.run(_fetch(device, hours))
    all_rows = [*rows, total(rows)]
    if as_json:
        print(json.dumps([{**asdict(row), "closes": row.closes} for row in all_rows], default=str))
    else:
        _print(all_rows)
    if not all(row.closes for row in all_rows):
        raise typer.Exit(1)


async def _fetch(device: str | None, hours: int | None) -> list[AccountRow]:
    connection = await asyncpg.connect(store_dsn(load_settings()))
    try:
        await set_up(connection)
        return await fetch_account(
            connection, now=datetime.now(UTC), hours=hours, device_id=device, by_hour=device is not None
        )
    finally:
        await connection.close()


def _print(rows: list[AccountRow]) -> None:
    width = max(len("device"), *(len(row.device_id) for row in rows))
    stamp = 18 if any(row.hour for row in rows) else 0
    print("device".ljust(width), "hour (UTC)".ljust(stamp) if stamp else "", *(name.rjust(10) for name in COLUMNS))
    for row in rows:
        hour = (f"{row.hour:%Y-%m-%d %H:00}" if row.hour else "").ljust(stamp)
        numbers = (str(getattr(row, name)).rjust(10) for name in COLUMNS)
        print(row.device_id.ljust(width), hour, *numbers, "" if row.closes else "  DOES NOT CLOSE")
