"""`citywatch ingest run`: one worker between broker and store."""

import gc

import typer

from citywatch.cli.process import run_process
from citywatch.settings import load_settings
from ingest.process import drain_worker, run_worker

app = typer.Typer(help="From the broker to the store.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """From the broker to the store."""


@app.command()
def drain() -> None:
    """Take one worker's slot out of service for good: leave the subscription, store what is queued for it, and end.

    Stop that worker first. Without this the broker would go on giving the slot its share, and drop it in the end.

    Example: `CITYWATCH_INGEST__SLOT=1 citywatch ingest drain`
    """
    run_process("ingest drain", drain_worker)


@app.command()
def run() -> None:
    """Take messages from the broker, store them, and acknowledge each only after its commit.

    Several workers share the load: give each CITYWATCH_INGEST__SLOT of its own, and all CITYWATCH_INGEST__WORKERS.

    Example: `CITYWATCH_INGEST__SLOT=1 CITYWATCH_INGEST__WORKERS=2 citywatch ingest run`
    """
    # Deliveries and rows live for one batch and hold no cycles: looking for some costs 17 % of the worker's time.
    gc.set_threshold(50_000, 50, 1000)
    run_process("ingest", run_worker, reports=True, mark=str(load_settings().ingest.slot))
