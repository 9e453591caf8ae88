"""`citywatch account`: what became of every message and every reading, and whether both sums close."""

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import asyncpg
import typer

from citywatch.local.running import store_dsn
from citywatch.settings import load_settings
from ingest.account import COLUMNS, AccountRow, fetch_account, total
from sql.connection import Record
from sql.pool import set_up
from sql.queries import query


def account(
    device: Annotated[str | None, typer.Option(help="one device, hour by hour")] = None,
    hours: Annotated[int | None, typer.Option(min=1, help="only the last hours")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Show what became of every message and every reading; exit with 1 where a sum does not close.

    received = accepted + rejected; readings = stored + duplicate + refused.

    Example: `citywatch account --hours 24`
    """
    rows, floods = asyncio.run(_fetch(device, hours))
    all_rows = [*rows, total(rows)]
    if as_json:
        print(json.dumps([{**asdict(row), "closes": row.closes} for row in all_rows], default=str))
    else:
        _print(all_rows)
        for flood in floods:
            print(
                f"{flood['device_id']} flooded from {flood['began_at']:%H:%M:%S} to {flood['last_at']:%H:%M:%S} UTC: "
                f"{flood['messages']} messages, up to {flood['peak_rate']:.0f} a second "
                f"(others {flood['usual_rate']:.2f}), {flood['set_aside']} set aside"
            )
    if not all(row.closes for row in all_rows):
        raise typer.Exit(1)


async def _fetch(device: str | None, hours: int | None) -> tuple[list[AccountRow], list[Record]]:
    connection = await asyncpg.connect(store_dsn(load_settings()))
    try:
        await set_up(connection)
        now = datetime.now(UTC)
        rows = await fetch_account(connection, now=now, hours=hours, device_id=device, by_hour=device is not None)
        floods = await connection.fetch(query("account", "recent_floods"), now - timedelta(hours=hours or 24))
        return rows, [flood for flood in floods if device in (None, flood["device_id"])]
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
