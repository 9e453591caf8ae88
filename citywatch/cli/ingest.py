"""`citywatch ingest run`: one worker between broker and store."""

import typer

from citywatch.cli.process import run_process
from ingest.worker import run_worker

app = typer.Typer(help="From the broker to the store.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """From the broker to the store."""


@app.command()
def run() -> None:
    """Take messages from the broker, store them, and acknowledge each only after its commit.

    Several workers share the load: give each CITYWATCH_INGEST__SLOT of its own, and all CITYWATCH_INGEST__WORKERS.

    Example: `CITYWATCH_INGEST__SLOT=1 CITYWATCH_INGEST__WORKERS=2 citywatch ingest run`
    """
    run_process("ingest", run_worker)
