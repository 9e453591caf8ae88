"""`citywatch probe run`: Citywatch looks after itself."""

import typer

from citywatch.cli.process import run_process
from ingest.probe import run_probe

app = typer.Typer(help="Measure how long a reading takes to be seen.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `run` a command of its own while it is the only one."""


@app.command()
def run() -> None:
    """Publish as a device of our own every ten seconds, and measure until the reading is shown, until stopped.

    Example: `citywatch probe run`
    """
    run_process("probe", run_probe, reports=True)
