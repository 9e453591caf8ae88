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

    The broker has answered since the last look, if we can ask it (`receiver` aiomqtt cannot): a connection that only
    seems to stand says nothing. A worker that turns everything away, or has had it before, is there too.
    """
    loop = asyncio.get_running_loop()
    while True:
        stored, messages, stood = worker.total.stored, worker.total.messages, session.connected
        asked_at, asked = loop.time(), session.ping()
        await asyncio.sleep(EVERY)
        stands = stood and session.connected and (not asked or session.answered_at > asked_at)
        # What is in the inbox is not in the store: nothing is there, or it goes on at the least.
        goes_on = not worker.inbox.held or (worker.total.messages != messages and not worker.inbox.lagging)
        if stands and goes_on and worker.total.stored == stored:
            with suppress(AwayError):
                await worker.store.say_present()
