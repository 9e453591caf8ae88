"""`citywatch rules`."""

import typer

from citywatch.cli.process import run_process
from rules.worker import run as run_rules

app = typer.Typer(help="From readings to alerts.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """From readings to alerts."""


@app.command()
def run() -> None:
    """Judge every new reading until stopped.

    Example: `citywatch rules run`
    """
    run_process("rules", run_rules)
