"""`citywatch import`: recorded history straight into the store, through the same checks as live messages."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from citywatch.cli.process import run_process
from citywatch.cli.recorded import Recorded, load_recorded, registry_for
from citywatch.cli.registering import register
from citywatch.local.running import store_dsn
from citywatch.settings import Settings, load_settings
from citywatch.telemetry import get_logger
from devices.profile_store import ProfileStore
from devices.profiles import BUILTIN
from ingest.model import Delivery, Outcome
from ingest.store import Store
from ingest.worker import Worker
from simulators.progress import Progress
from simulators.replay import together
from sql.engine import detect_engine
from sql.pool import open_pool

log = get_logger()
# A slot of its own in the delivery keys, beside every worker's.
SLOT = 32_000
FEED = 500

Tell = Callable[[int, int, str], None]


def import_(
    files: Annotated[list[Path], typer.Argument(help="Recorded series (CSV) or recordings (.jsonl).", exists=True)],
    mapping: Annotated[
        str | None, typer.Option(help="Mapping: a shipped name or a YAML file; found by the columns when left out.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Name of the replay source; the mapping's own if left out.")
    ] = None,
    as_: Annotated[
        str | None, typer.Option("--as", help="Recordings: put this before each device's name, on a replay source.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON line of figures.")] = False,
) -> None:
    """Load history into the store without the broker: the same decoding, quality tests, account and tail.

    Example: `citywatch import prsa_dongsi_2016.csv.gz`
    """
    recorded = load_recorded(files, mapping, source, as_)
    dsn = store_dsn(load_settings())
    if recorded.series or recorded.renamed:
        register(dsn, registry_for(recorded, dsn))

    async def process(settings: Settings, stop: asyncio.Event) -> None:
        progress = Progress("import")
        try:
            outcome = await import_recorded(settings, dsn, recorded, stop, progress)
        finally:
            progress.close()
        log.info("imported", messages=outcome.messages, stored=outcome.stored, duplicate=outcome.duplicate)
        if as_json:
            figures = ("messages", "accepted", "rejected", "stored", "duplicate", "refused")
            typer.echo(json.dumps({name: getattr(outcome, name) for name in figures}))

    run_process("import", process)


async def import_recorded(
    settings: Settings, dsn: str, recorded: Recorded, stop: asyncio.Event, progress: Tell
) -> Outcome:
    """Hand every message to an ingest worker that has no broker; return what it did with them."""
    pool = await open_pool(
        dsn, process="import", size=settings.store.pool_max, statement_timeout=settings.store.statement_timeout
    )
    try:
        async with pool.acquire() as connection:
            engine = await detect_engine(connection)
        patience = settings.store.statement_timeout * 2
        store = Store(pool, engine, slot=SLOT, patience=patience, takes_deliveries=False)
        worker = Worker(settings, pool, store, ProfileStore(BUILTIN, *settings.devices.folders))
        await worker.start()
        fed = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.run(fed))
            await _feed(worker, recorded, stop, progress)
            fed.set()
        return worker.total
    finally:
        pool.terminate()


async def _feed(worker: Worker, recorded: Recorded, stop: asyncio.Event, progress: Tell) -> None:
    """Put messages in as there is room for them."""
    room = asyncio.Event()
    worker.inbox.attach(room, lambda: None, room.set)
    total = sum(map(len, recorded.messages))
    for number, timed in enumerate(together(recorded.messages), 1):
        if stop.is_set():
            return
        worker.inbox.put(Delivery(timed.topic, timed.payload, datetime.now(UTC)))
        if worker.inbox.full:
            room.clear()
            await room.wait()
        elif number % FEED == 0:
            await asyncio.sleep(0)
            progress(number, total, f"{number:,} of {total:,} messages, at {timed.at:%Y-%m-%d %H:%M}")
