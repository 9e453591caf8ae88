"""`citywatch indicators`: which there are, what one says of given values, and the worker that derives them."""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import asyncpg
import typer

from citywatch.cli import judging
from citywatch.cli.instants import instant
from citywatch.cli.process import run_process
from citywatch.errors import StoreError
from citywatch.local.running import store_dsn
from citywatch.settings import Settings, load_settings
from citywatch.telemetry import configure_logging
from indicators import again, process
from indicators.catalogue import compute, list_indicators
from indicators.errors import IndicatorError
from sql.pool import open_pool

app = typer.Typer(help="What readings mean.", no_args_is_help=True)
for judgement in (judging.compare, judging.equity, judging.routes):
    app.command()(judgement)


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False) -> None:
    """Show every indicator with what it takes.

    Example: `citywatch indicators list`
    """
    entries = list_indicators()
    if as_json:
        print(json.dumps(entries))
        return
    for entry in entries:
        print(f"{entry['name']}: {entry['summary']}")
        for name, about in entry["inputs"].items():
            print(f"    {name} ({about['unit']}){'' if about['required'] else ', optional'}")


@app.command("compute")
def compute_(
    name: Annotated[str, typer.Argument(help="as `indicators list` says, for example us_aqi")],
    path: Annotated[
        typer.FileText | None, typer.Argument(help="JSON lines, one object each; none: standard input")
    ] = None,
) -> None:
    """Answer one JSON line for each JSON line read. Exit code 1 when one cannot be answered.

    Example: `echo '{"pm2_5": 35.9}' | citywatch indicators compute us_aqi`
    """
    for number, line in enumerate(sys.stdin if path is None else path, start=1):
        if not line.strip():
            continue
        try:
            inputs = json.loads(line)
        except json.JSONDecodeError as error:
            raise IndicatorError(f"line {number}: not JSON: {error}") from None
        if not isinstance(inputs, dict):
            raise IndicatorError(f'line {number}: {line.strip()[:60]} is not an object such as {{"pm2_5": 35.9}}')
        try:
            print(json.dumps(compute(name, inputs)))
        except IndicatorError as error:
            raise IndicatorError(f"line {number}: {error}") from None


@app.command()
def run() -> None:
    """Derive what the stored readings mean, as observations of their own, until stopped.

    Several share the devices where CITYWATCH_INDICATORS__PARTS is more than 1.

    Example: CITYWATCH_STORE__DSN=postgresql://citywatch@db/citywatch citywatch indicators run
    """
    divided = load_settings().indicators.parts > 1
    run_process("indicators", process.run, reports=True, mark=str(os.getpid()) if divided else "")


@app.command()
def recompute(
    since: Annotated[str, typer.Option(help="first instant, RFC 3339; without zone: UTC")],
    until: Annotated[str, typer.Option(help="instant after the last; none: now")] = "",
) -> None:
    """Work out again what ends in a span of time, from the readings as they are stored now.

    Needed after a new edition of a threshold table; late readings are followed without it. Values that come out the
    same are not touched.

    Example: `citywatch indicators recompute --since 2026-03-01 --until 2026-03-08`
    """
    now = datetime.now(UTC)
    start, end = instant("--since", since), instant("--until", until) if until else now
    if start >= end:
        raise typer.BadParameter(f"{start.isoformat()} is not before {end.isoformat()}", param_hint="--since")
    settings = load_settings()
    configure_logging("indicators", settings.log_level, settings.log_format)
    total = asyncio.run(_recompute(settings, start, end, now))
    print(f"{total} periods worked out again")


async def _recompute(settings: Settings, since: datetime, until: datetime, now: datetime) -> int:
    try:
        pool = await open_pool(
            store_dsn(settings), process="recompute", size=1, statement_timeout=timedelta(minutes=10)
        )
    except (OSError, asyncpg.PostgresError) as error:
        raise StoreError(f"the store cannot be reached: {error}") from error
    try:
        async with pool.acquire() as connection:
            return await again.recompute(connection, since, until, now, _show, process.city_calendar(settings))
    finally:
        await pool.close()


def _show(done: int, total: int) -> None:
    end = "\n" if done == total else ""
    if sys.stderr.isatty() or end:
        print(f"\r{done} of {total} periods", end=end, file=sys.stderr, flush=True)
