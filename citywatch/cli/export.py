"""`citywatch export`: observations to files, whatever their number, in bounded memory."""

import asyncio
import json
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from devices.instants import parse_instant


class Format(StrEnum):
    """Formats a file can have."""

    CSV = "csv"
    PARQUET = "parquet"
    GEOJSON = "geojson"


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
    # Here and not above: every other command would carry Arrow's 50 MB with it.
    from citywatch.cli.exporting import write_file, write_partitions

    selection = device, observed_property, domain, district, source, _at("--since", since), _at("--until", until)
    if partitioned:
        if format_ not in (None, Format.PARQUET):
            raise typer.BadParameter("--partitioned writes Parquet")
        written = asyncio.run(write_partitions(target, selection, quiet=as_json))
    else:
        chosen = format_ or _format_of(target)
        written = asyncio.run(write_file(target, chosen.value, selection, quiet=as_json))
    if str(target) == "-":
        return
    if as_json:
        print(json.dumps(written))
        return
    what = f"{written['rows']:,} observations in {written['files']:,} files, " if partitioned else ""
    print(f"{target}: {what}{written['bytes']:,} bytes")


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
