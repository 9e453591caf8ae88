"""Writes devices and rows of the tail as ingest does, for tests of what consumes them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sql.connection import Connection

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
Row = tuple[int, datetime, float | None]


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


async def install(
    connection: Connection,
    device_id: str,
    *properties: str,
    domain: str = "waste",
    every: timedelta = timedelta(minutes=5),
    source_id: str = "live",
) -> list[int]:
    """Register a device; return the ids of its datastreams."""
    if source_id != "live":
        await connection.execute(
            "INSERT INTO source (source_id, kind) VALUES ($1, 'replay') ON CONFLICT DO NOTHING", source_id
        )
    await connection.execute(
        "INSERT INTO device (device_id, profile, domain, name, source_id, expected_interval)"
        " VALUES ($1, 'test', $2, $3, $4, $5)",
        device_id,
        domain,
        device_id.replace("-", " "),
        source_id,
        every,
    )
    return [
        await connection.fetchval(
            "INSERT INTO datastream (device_id, property, unit) VALUES ($1, $2, '1') RETURNING datastream_id",
            device_id,
            name,
        )
        for name in properties
    ]


async def append(
    connection: Connection,
    rows: Iterable[Row],
    *,
    received_at: datetime | None = None,
    clocks: dict[str, str] | None = None,
    quality: int = 1,
    at: datetime | None = None,
    worker: int | None = None,
) -> None:
    """Append one batch to the tail; each row arrives at its own time unless `received_at` says otherwise.

    `at` is when it is written, now if not stated, `worker` the ingest worker that does.
    """
    found = list(rows)
    await connection.execute(
        "INSERT INTO ingest_batch"
        " (seq, datastream_id, phenomenon_time, received_at, result, quality, clocks, at, worker)"
        " VALUES (nextval('ingest_batch_seq'), $1, $2, $3, $4, $5, $6, coalesce($7, clock_timestamp()), $8)",
        [row[0] for row in found],
        [row[1] for row in found],
        [received_at or row[1] for row in found],
        [row[2] for row in found],
        [9 if row[2] is None else quality for row in found],
        clocks or {},
        at,
        worker,
    )
