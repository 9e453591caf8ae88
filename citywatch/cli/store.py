"""`citywatch store status` and `citywatch store care`."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import asyncpg
import typer

from citywatch.errors import StoreError
from citywatch.local.running import store_dsn
from citywatch.settings import Settings, load_settings
from sql.care import LONGEST, Round, look_after
from sql.connection import Pool
from sql.pool import open_pool
from sql.store_status import StoreStatus, read_store_status

app = typer.Typer(no_args_is_help=True, help="How the database is, and what is done for it.")
Json = Annotated[bool, typer.Option("--json", help="for programs")]
T = TypeVar("T")


def _ask(what: Callable[[Pool, Settings], Awaitable[T]]) -> T:
    settings = load_settings()

    async def run() -> T:
        try:
            pool = await open_pool(store_dsn(settings), process="store", size=2, statement_timeout=LONGEST)
        except (OSError, asyncpg.PostgresError) as error:
            raise StoreError(f"the database cannot be reached: {error}") from None
        try:
            return await what(pool, settings)
        finally:
            await pool.close()

    return asyncio.run(run())


@app.command()
def status(as_json: Json = False) -> None:
    """Show size, bytes per row, oldest and newest, lag, what is packed, and what was deleted.

    Example: `citywatch store status`
    """
    found = _ask(read_store_status)
    if as_json:
        print(json.dumps(document(found), default=str))
    else:
        show(found)


@app.command()
def care(as_json: Json = False) -> None:
    """Look after the store now: pack complete weeks and delete by policy, as `citywatch fold run` does by itself.

    Example: `citywatch store care`
    """

    async def once(pool: Pool, settings: Settings) -> Round:
        return await look_after(pool, settings, datetime.now(UTC))

    done = _ask(once)
    if as_json:
        print(json.dumps(asdict(done), default=str))
        return
    print(f"packed: {', '.join(done.packed) or 'nothing'}")
    for deletion in done.deletions:
        print(f"deleted: {deletion.rows:,} of {deletion.kind} before {deletion.before:%Y-%m-%d} ({deletion.reason})")
    if done.postponed:
        print(f"in use, left for the next time: {', '.join(done.postponed)}")


def document(found: StoreStatus) -> dict[str, Any]:
    """Return the status for programs; sizes in bytes."""
    return {
        "engine": found.engine,
        "server": found.server,
        "database_bytes": found.disk.database,
        "disk": {"used": found.disk.used, "limit": found.disk.limit, "share": found.disk.share},
        "observations": {
            "rows": found.rows,
            "bytes": sum(week.chunk.bytes for week in found.weeks),
            "bytes_per_row": found.bytes_per_row,
            "packed_bytes_per_row": found.packed_bytes_per_row,
            "packed_share": found.packed_share,
            "oldest": found.oldest,
            "newest": found.newest,
        },
        "weeks": [{**asdict(week.chunk), "rows": week.rows} for week in found.weeks],
        "tables": found.tables,
        "lag": [asdict(lag) for lag in found.lag],
        "deletions": [{"at": at, **asdict(deletion)} for at, deletion in found.deletions],
    }


def _size(value: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 1000:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def show(found: StoreStatus) -> None:
    """Print the status for people."""
    print(f"{found.engine}, PostgreSQL {found.server}: {_size(found.disk.database)}")
    if found.disk.limit is not None and found.disk.share is not None:
        print(f"disk: {_size(found.disk.used)} of {_size(found.disk.limit)} used ({found.disk.share:.0%})")
    if found.rows and found.bytes_per_row is not None:
        packed = found.packed_bytes_per_row
        print(
            f"{found.rows:,} observations from {found.oldest:%Y-%m-%d} to {found.newest:%Y-%m-%d %H:%M}, "
            f"{found.bytes_per_row:.1f} bytes each" + ("" if packed is None else f" ({packed:.1f} where packed)")
        )
        print(f"{found.packed_share:.0%} of them in packed weeks, {len(found.weeks)} weeks in all")
    else:
        print("no observations yet")
    for name, size in sorted(found.tables.items(), key=lambda item: -item[1])[:5]:
        print(f"  {name}: {_size(size)}")
    for lag in found.lag:
        print(f"  {lag.consumer}: {lag.rows:,} rows behind, {lag.seconds:.1f} s late")
    for at, deletion in found.deletions[:5]:
        print(
            f"  {at:%Y-%m-%d %H:%M} deleted {deletion.rows:,} of {deletion.kind} before {deletion.before:%Y-%m-%d}"
            f" ({deletion.reason})"
        )
