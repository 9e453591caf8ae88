"""Where several workers share the messages, each says that it is there while it has nothing to write.

A worker that writes nothing and says nothing is gone or cut off, and messages wait for it at the broker: over that time
no device's silence is judged (rules/judge.py).
"""

import asyncio
from contextlib import suppress

from ingest.broker import BrokerSession
from ingest.store import AwayError
from ingest.worker import Worker

EVERY = 4.0  # seconds


async def keep_saying(session: BrokerSession, worker: Worker) -> None:
    """Write an empty row of the tail whenever nothing else was and no more waits at the broker, until cancelled.

    The broker has answered since the last look: a connection that only seems to stand says nothing. A worker that
    turns everything away, or has had it before, is there too.
    """
    loop = asyncio.get_running_loop()
    while True:
        before, asked_at, asked = worker.total.stored, loop.time(), session.ping()
        await asyncio.sleep(EVERY)
        stands = session.connected and (not asked or session.answered_at > asked_at)
        if stands and not worker.inbox.lagging and worker.total.stored == before:
            with suppress(AwayError):
                await worker.store.say_present()
