"""`citywatch ingest run`: one worker between broker and store."""

import gc

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
    # Deliveries and rows live for one batch and hold no cycles: looking for some costs 17 % of the worker's time.
    gc.set_threshold(50_000, 50, 1000)
    run_process("ingest", run_worker)
