"""The one write of observations: new rows and their tail, in one statement and one round trip."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sql.connection import Connection
from sql.queries import query

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Key = tuple[int, datetime]  # datastream and phenomenon time


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows were new; `keys` are those, or None where all were."""

    stored: int
    keys: set[Key] | None


def microseconds(times: Iterable[datetime]) -> list[int]:
    """Return each instant as microseconds since 1970: the driver takes a third of the time that datetimes take it."""
    sinces = (time - EPOCH for time in times)
    return [(s.days * 86_400 + s.seconds) * 1_000_000 + s.microseconds for s in sinces]


async def store_observations(
    connection: Connection,
    streams: Sequence[int | None],
    times: Iterable[datetime],
    received: Iterable[datetime],
    results: Sequence[float | None],
    quality: Sequence[int],
    tests: Sequence[int],
    clocks: Mapping[str, datetime],
) -> Written:
    """Insert the rows whose keys are not there yet, and put those on the tail, with the replay sources' clocks.

    Call it last in a transaction that has room for the rows (`Engine.ensure`): from here on the tail's lock is held.
    """
    found = await connection.fetchrow(
        query("ingest", "store_observations"),
        streams,
        microseconds(times),
        microseconds(received),
        results,
        quality,
        tests,
        {source_id: clock.isoformat() for source_id, clock in clocks.items()},
    )
    assert found is not None
    if found["stored"] == len(streams):
        return Written(len(streams), None)
    return Written(found["stored"], set(zip(found["datastream_id"] or (), found["phenomenon_time"] or (), strict=True)))
