"""`citywatch fold run`."""

import asyncio

import typer

from citywatch.cli.process import run_process
from citywatch.settings import Settings
from sql.care import care
from sql.fold import fold

app = typer.Typer(no_args_is_help=True, help="Keep latest results and rollups from the tail, and look after the store.")


@app.callback()
def _group() -> None:
    """Keep `run` a command of its own while it is the only one."""


async def _fold_and_care(settings: Settings, stop: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(fold(settings, stop))
        tasks.create_task(care(settings, stop))


@app.command()
def run() -> None:
    """Keep the latest observation and the rollups up to date, pack and tidy the store, until stopped.

    Example: CITYWATCH_STORE__DSN=postgresql://citywatch@db/citywatch citywatch fold run
    """
    run_process("fold", _fold_and_care, reports=True)
