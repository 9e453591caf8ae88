"""`citywatch export`: observations to files, whatever their number, in bounded memory."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import asyncpg
import pyarrow.parquet as pq
import typer

from api.export import copy_csv, copy_geojson
from api.export_parquet import SCHEMA, copy_parquet, row_groups
from citywatch.errors import CitywatchError
from citywatch.local.running import store_dsn
from citywatch.settings import load_settings
from devices.instants import parse_instant
from sql.connection import Connection
from sql.pool import set_up
from sql.queries import query

DAY = timedelta(days=1)
Selection = tuple[Any, ...]


class Format(StrEnum):
    """Formats a file can have."""

    CSV = "csv"
    PARQUET = "parquet"
    GEOJSON = "geojson"


SOURCES = {Format.CSV: copy_csv, Format.PARQUET: copy_parquet, Format.GEOJSON: copy_geojson}


def export(
    target: Annotated[Path, typer.Argument(help="file, - for standard output, or with --partitioned a folder")],
    format_: Annotated[Format | None, typer.Option("--format", help="by default what the name ends in")] = None,
    partitioned: Annotated[bool, typer.Option(help="Parquet, a file for each domain and day")] = False,
    device: Annotated[str | None, typer.Option(help="only this device")] = None,
    observed_property: Annotated[str | None, typer.Option("--property", help="only this property")] = None,
    domain: Annotated[str | None, typer.Option(help="only this domain")] = None,
    district: Annotated[str | None, typer.Option(help="only this district")] = None,
    source: Annotated[str | None, typer.Option(help="only this source of time")] = None,
    since: Annotated[str | None, typer.Option(help="from this time on, RFC 3339")] = None,
    until: Annotated[str | None, typer.Option(help="before this time, RFC 3339")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="what was written, for programs")] = False,
) -> None:
    """Write observations to a file, every row of them, by device, property and time.

    DuckDB reads a partitioned export with `read_parquet('DIR/**/*.parquet', hive_partitioning = true)`.

    Example: `citywatch export air.parquet --domain air --since 2026-11-01T00:00:00Z`
    """
    selection = device, observed_property, domain, district, source, _at("--since", since), _at("--until", until)
    if partitioned:
        if format_ not in (None, Format.PARQUET):
            raise typer.BadParameter("--partitioned writes Parquet")
        written = asyncio.run(_with_store(lambda c: _partitions(c, target, selection, quiet=as_json)))
    else:
        chosen = format_ or _format_of(target)
        written = asyncio.run(_with_store(lambda c: _file(c, target, chosen, selection, quiet=as_json)))
    if as_json and str(target) != "-":
        print(json.dumps(written))


def _format_of(target: Path) -> Format:
    ending = target.suffix.removeprefix(".").lower()
    if ending not in set(Format):
        raise typer.BadParameter(f"{str(target)!r} ends in no format; say --format csv, parquet or geojson")
    return Format(ending)


def _at(option: str, text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_instant(text)
    except ValueError as error:
        raise typer.BadParameter(f"{option}: {error}") from None


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
    connection: Connection, target: Path, chosen: Format, selection: Selection, *, quiet: bool
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
    return {"file": str(target), "format": chosen.value, "bytes": progress.size}


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
            with pq.ParquetWriter(part, SCHEMA, compression="zstd") as writer:
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
