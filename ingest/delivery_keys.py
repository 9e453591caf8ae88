"""The keys of messages without a time of their own: which were here before, and how long a key is kept."""

from datetime import datetime, timedelta

from ingest.batch import Batch
from ingest.model import Accepted
from sql.connection import Connection, Pool
from sql.queries import query

# So long a broker keeps the session of a worker that is away (EMQX, as in deploy/): until then it may send again.
SESSION_KEPT = timedelta(days=30)
ROWS = 10_000  # keys a statement deletes, at most


async def take_keys(connection: Connection, batch: Batch, slot: int) -> set[Accepted]:
    """Return the messages that were here before, by their delivery keys."""
    repeated: set[Accepted] = set()
    waiting = [verdict for verdict in batch.verdicts if isinstance(verdict, Accepted) and verdict.key is not None]
    while waiting:
        # One statement asks for a key once. What came so much later that it is another message waits for the next:
        # a batch may span minutes after an outage, and days when rejected messages are played again.
        keyed: dict[tuple[str, str | None], Accepted] = {}
        later: list[Accepted] = []
        for verdict in waiting:
            first = keyed.setdefault((verdict.device_id, verdict.key), verdict)
            if first is not verdict:
                repeated.add(verdict) if verdict.repeats(first) else later.append(verdict)
        found = await connection.fetch(
            query("ingest", "take_delivery_keys"),
            [key[0] for key in keyed],
            [key[1] for key in keyed],
            [verdict.delivery.received_at for verdict in keyed.values()],
            [verdict.since for verdict in keyed.values()],
            slot,
        )
        fresh = {(row["device_id"], row["delivery_key"]) for row in found}
        repeated.update(verdict for key, verdict in keyed.items() if key not in fresh)
        waiting = later
    return repeated


async def forget_keys(pool: Pool, slot: int, before: datetime) -> None:
    """Drop this slot's keys older than `before`, and those of every other slot once no broker sends again for it."""
    arguments = (slot, before, before - SESSION_KEPT, ROWS)
    while await pool.fetchval(query("ingest", "forget_deliveries"), *arguments) == ROWS:
        pass
