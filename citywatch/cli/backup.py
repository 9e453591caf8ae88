"""`citywatch backup` and `citywatch restore`."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer

from citywatch.errors import StoreError
from citywatch.local.server import store_server
from citywatch.settings import load_settings
from citywatch.telemetry import configure_logging
from simulators.progress import Progress
from sql.archive import Tell, back_up, restore
from sql.connection import Connection
from sql.pool import set_up

Json = Annotated[bool, typer.Option("--json", help="for programs")]
Work = Callable[[Connection, Path, Tell], Awaitable[dict[str, Any]]]


def _run(label: str, work: Work, folder: Path, *, create: bool, as_json: bool) -> None:
    settings = load_settings()
    configure_logging(label, settings.log_level, settings.log_format)
    progress = Progress(label)

    async def run(dsn: str) -> dict[str, Any]:
        try:
            connection = await asyncpg.connect(
                dsn, server_settings={"application_name": f"citywatch {label}", "timezone": "UTC", "datestyle": "ISO"}
            )
        except (OSError, asyncpg.PostgresError) as error:
            raise StoreError(f"the database cannot be reached: {error}") from None
        try:
            await set_up(connection)
            return await work(connection, folder, progress)
        except asyncpg.PostgresError as error:
            raise StoreError(f"{label} of {folder} failed: {error}") from None
        finally:
            await connection.close()

    try:
        with store_server(settings, create=create) as dsn:
            manifest = asyncio.run(run(dsn))
    finally:
        progress.close()
    rows = sum(part["rows"] for part in manifest["parts"])
    stored = sum(part["rows"] for part in manifest["parts"] if part["table"] == "observation")
    if as_json:
        print(
            json.dumps({"folder": str(folder), "taken_at": manifest["taken_at"], "rows": rows, "observations": stored})
        )
    else:
        print(f"{label} of {folder}: {rows:,} rows, {stored:,} of them observations, as of {manifest['taken_at']}")


def backup(folder: Annotated[Path, typer.Argument(help="New folder for the backup.")], as_json: Json = False) -> None:
    """Write everything the store holds, as of one instant, into a new folder; nothing has to stop for it.

    Example: `citywatch backup /srv/backup/2026-03-27`
    """
    _run("backup", back_up, folder, create=False, as_json=as_json)


def restore_command(
    folder: Annotated[Path, typer.Argument(help="Folder of a backup.", exists=True, file_okay=False)],
    as_json: Json = False,
) -> None:
    """Fill an empty store from a backup, of this version or an older one; counts and checksums are compared.

    The embedded store must not be running. Example: `CITYWATCH_DATA_DIR=new citywatch restore /srv/backup/2026-03-27`
    """
    _run("restore", restore, folder, create=True, as_json=as_json)
