"""What a worker does beside the flow: name floods and wrong clocks, say how it goes, forget old delivery keys."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from citywatch.metrics import INGEST_FLOODS, INGEST_HELD
from citywatch.telemetry import get_logger
from ingest.decode import Decoder
from ingest.floods import FloodRecord
from ingest.inbox import Inbox
from ingest.model import Outcome
from ingest.store import AwayError, Store

log = get_logger()

LOOK_EVERY = 2.0
REPORT_EVERY = 10.0
FORGET_EVERY = 600.0


async def keep_house(inbox: Inbox, decoder: Decoder, store: Store, total: Outcome, look: Callable[[], None]) -> None:
    """Watch floods and clocks, and now and then call `look`, until cancelled.

    With the store away nothing is written down, and nothing stops.
    """
    loop, floods = asyncio.get_running_loop(), FloodRecord(decoder.device_of)
    before, reported, forgotten = 0, loop.time(), loop.time() - FORGET_EVERY
    while True:
        await asyncio.sleep(LOOK_EVERY)
        INGEST_HELD.set(inbox.held)
        columns = floods.note(inbox.fairness.look(LOOK_EVERY), datetime.now(UTC))
        INGEST_FLOODS.set(len(columns[0]) if columns else 0)
        if columns:
            with suppress(AwayError):
                await store.record_floods(columns)
        await _record_clocks(decoder, store)
        if loop.time() - reported >= REPORT_EVERY:
            reported = loop.time()
            look()
            if total.messages != before:
                before = total.messages
                _report(total, inbox.held)
        if loop.time() - forgotten >= FORGET_EVERY:
            forgotten = loop.time()
            with suppress(AwayError):
                await store.forget_deliveries(datetime.now(UTC) - decoder.lateness)


def _report(total: Outcome, held: int) -> None:
    log.info(
        "ingest_progress",
        messages=total.messages,
        stored=total.stored,
        duplicate=total.duplicate,
        refused=total.refused,
        rejected=total.rejected,
        held=held,
    )


async def _record_clocks(decoder: Decoder, store: Store) -> None:
    directory = decoder.directory
    faults, directory.clock_faults = directory.clock_faults, []
    if not faults:
        return
    for fault in faults:
        log.warning(
            "device_clock_wrong",
            device=fault.device_id,
            kind=fault.kind,
            offset=fault.offset.total_seconds(),
            corrected=fault.corrected,
        )
    try:
        await store.record_clocks(list({fault.device_id: fault for fault in faults}.values()), datetime.now(UTC))
    except AwayError:
        directory.clock_faults = faults + directory.clock_faults
