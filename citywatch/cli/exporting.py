"""Writes observations to files: one of them, or one for each domain and day."""

import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import asyncpg
import pyarrow as pa

from api.export import copy_csv, copy_geojson
from api.export_parquet import copy_parquet, parquet_writer, row_groups
from citywatch.errors import CitywatchError
from citywatch.local.running import store_dsn
from citywatch.settings import load_settings
from sql.connection import Connection
from sql.pool import set_up
from sql.queries import query

DAY = timedelta(days=1)
# Arrow's own allocator keeps what it has freed, and its threads a buffer each: an export is to stay small.
pa.set_memory_pool(pa.system_memory_pool())
pa.set_cpu_count(1)
SOURCES = {"csv": copy_csv, "parquet": copy_parquet, "geojson": copy_geojson}
Selection = tuple[Any, ...]


async def write_file(target: Path, chosen: str, selection: Selection, *, quiet: bool) -> dict[str, Any]:
    """Write one file (`-`: standard output) in one of the formats of SOURCES; return what was written."""
    return await _with_store(lambda connection: _file(connection, target, chosen, selection, quiet=quiet))


async def write_partitions(target: Path, selection: Selection, *, quiet: bool) -> dict[str, Any]:
    """Write a Parquet file for each domain and day below `target`; return what was written."""
    return await _with_store(lambda connection: _partitions(connection, target, selection, quiet=quiet))


async def _with_store(work: Callable[[Connection], Any]) -> dict[str, Any]:
    connection = await asyncpg.connect(store_dsn(load_settings()), server_settings={"timezone": "UTC"})
    try:
        await set_up(connection)
        # One moment for all of it, however long it takes.
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(query("api", "lift_timeout"))
            written: dict[str, Any] = await work(connection)
            return written
    finally:
        await connection.close()


class _Progress:
    """Says about once a second how far it has come, on standard error where somebody looks."""

    def __init__(self, *, quiet: bool) -> None:
        self._speak = not quiet and sys.stderr.isatty()
        self._next = time.monotonic() + 1
        self.size = 0

    def add(self, size: int) -> None:
        """Count `size` bytes."""
        self.size += size
        if self._speak and time.monotonic() >= self._next:
            self._next += 1
            print(f"\r{self.size / 1e6:.0f} MB", end="", file=sys.stderr, flush=True)


async def _file(
    connection: Connection, target: Path, chosen: str, selection: Selection, *, quiet: bool
) -> dict[str, Any]:
    progress = _Progress(quiet=quiet)

    async def fill(file: BinaryIO) -> None:
        async def write(piece: bytes) -> None:
            file.write(piece)
            progress.add(len(piece))

        await SOURCES[chosen](connection, write, selection)

    if str(target) == "-":
        await fill(sys.stdout.buffer)
    else:
        # Under another name until it is whole, so that nobody takes half an export for all of it.
        part = target.with_name(target.name + ".part")
        try:
            with part.open("wb") as file:
                await fill(file)
            part.replace(target)
        except OSError as error:
            raise CitywatchError(f"{target} cannot be written: {error.strerror}") from None
        finally:
            part.unlink(missing_ok=True)
    return {"file": str(target), "format": chosen, "bytes": progress.size}


async def _partitions(connection: Connection, target: Path, selection: Selection, *, quiet: bool) -> dict[str, Any]:
    """Write `domain=D/day=YYYY-MM-DD/observations.parquet` below `target`, one after the other."""
    *chosen, since, until = selection
    device, observed_property, _, district, source = chosen
    progress, files, rows = _Progress(quiet=quiet), 0, 0
    for domain, day in await connection.fetch(query("api", "export_days"), *selection):
        folder = target / f"domain={domain}" / f"day={day:%Y-%m-%d}"
        span = max(filter(None, (since, day))), min(filter(None, (until, day + DAY)))
        part = folder / "observations.parquet.part"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with parquet_writer(part) as writer:
                narrow = (device, observed_property, domain, district, source, *span)
                async for table in row_groups(connection, narrow):
                    writer.write_table(table)
                    rows += len(table)
            part.replace(folder / "observations.parquet")
        except OSError as error:
            raise CitywatchError(f"{folder} cannot be written: {error.strerror}") from None
        files += 1
        progress.add((folder / "observations.parquet").stat().st_size)
    return {"folder": str(target), "files": files, "rows": rows, "bytes": progress.size}
