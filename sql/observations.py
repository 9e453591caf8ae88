"""The one write of observations, whoever makes it: rows and their tail row in one statement, changes, the account."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import orjson

from sql.connection import Connection, Record
from sql.queries import query


async def store_observations(
    connection: Connection,
    *,
    datastreams: Sequence[int | None],
    times: Sequence[datetime],
    received: Sequence[datetime],
    results: Sequence[float | None],
    quality: Sequence[int],
    tests: Sequence[int],
    clocks: Mapping[str, datetime] | None = None,
    worker: int | None = None,
    lagging: bool = False,
) -> Record:
    """Store rows given as columns; see the query for what comes back. `clocks` are those of replay sources.

    An ingest worker names itself, and says whether more waits for it at the broker.
    """
    columns = (datastreams, times, received, results, quality, tests)
    stated = {source_id: clock.isoformat() for source_id, clock in (clocks or {}).items()}
    text = query("ingest", "store_observations")
    row: Record | None = await connection.fetchrow(text, *map(as_array, columns), stated, worker, lagging)
    assert row is not None
    return row


async def revise_rows(
    connection: Connection,
    text: str,
    datastreams: Sequence[int | None],
    times: Sequence[datetime],
    *columns: Sequence[object],
) -> list[Record]:
    """Change the observations of these keys inside the caller's transaction; `text` gets the span of `times` last.

    The plan must know the values: one for any values visits every week, and TimescaleDB unpacks what an update visits.
    """
    await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
    return await connection.fetch(text, datastreams, times, *columns, min(times), max(times))


async def count_deliveries(
    connection: Connection, devices: Sequence[str], hours: Sequence[datetime], counts: Sequence[Sequence[int]]
) -> str:
    """Add to the account of each device and hour; `counts` are the columns that the query names.

    Returns the id of the transaction, by which its outcome can be asked for after a lost connection.
    """
    columns = map(as_array, (hours, *counts))
    transaction_id: str = await connection.fetchval(query("ingest", "count_deliveries"), devices, *columns)
    return transaction_id


def as_array(values: Sequence[object]) -> str:
    """Return numbers, instants and None as PostgreSQL writes an array, which is JSON but for the brackets.

    The driver searches every element of a list for lists inside: a quarter of a worker's time.
    """
    return "{" + orjson.dumps(values)[1:-1].decode() + "}"
