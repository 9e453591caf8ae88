"""`citywatch fold run`."""

import typer

from citywatch.cli.process import run_process
from sql.fold import fold

app = typer.Typer(no_args_is_help=True, help="Keep latest results and rollups from the tail.")


@app.callback()
def _group() -> None:
    """Keep `run` a command of its own while it is the only one."""


@app.command()
def run() -> None:
    """Keep the latest observation and the rollups up to date until stopped.

    Example: CITYWATCH_STORE__DSN=postgresql://citywatch@db/citywatch citywatch fold run
    """
    run_process("fold", fold)
