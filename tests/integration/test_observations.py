"""The one write of observations: exact to the last bit, the first of two kept, and the tail holding what was new."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest

from sql.connection import Pool, Record
from sql.engine import detect_engine
from sql.observations import as_array, revise_rows, store_observations
from sql.queries import query
from tests.integration.storing import add_streams, make_room

AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
# Instants at which a sum in floating point would go wrong first: before 1970, odd microseconds, centuries away.
TIMES = [
    datetime(1890, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2026, 3, 2, 10, 0, 0, 123457, tzinfo=UTC),
    datetime(2199, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
]


async def _write(pool: Pool, streams: list[int], times: list[datetime], results: list[float | None]) -> Record:
    await make_room(pool, times)
    async with pool.acquire() as connection, connection.transaction():
        quality = [9 if result is None else 1 for result in results]
        return await store_observations(
            connection,
            datastreams=streams,
            times=times,
            received=[AT] * len(times),
            results=results,
            quality=quality,
            tests=[0] * len(times),
        )


async def _tail(pool: Pool) -> list[tuple[int, datetime, float | None]]:
    rows = await pool.fetch(
        "SELECT d, t, v FROM (SELECT seq, unnest(datastream_id) AS d, unnest(phenomenon_time) AS t, unnest(result) AS v"
        " FROM ingest_batch) AS rows ORDER BY seq, d, t"
    )
    return [tuple(row) for row in rows]


async def test_instants_are_stored_to_the_microsecond(pool: Pool) -> None:
    (stream,) = await add_streams(pool, ["pm2_5"])
    eastern = AT.astimezone(tz=None).replace(microsecond=7)  # another zone's clock, the same instant
    times = [*TIMES, eastern]
    written = await _write(pool, [stream] * len(times), times, [1.0] * len(times))
    assert dict(written) == {"stored": len(times), "datastream_id": None, "phenomenon_time": None}
    stored = await pool.fetch("SELECT phenomenon_time, received_at FROM observation ORDER BY phenomenon_time")
    assert [row["phenomenon_time"] for row in stored] == sorted(times)
    assert {row["received_at"] for row in stored} == {AT}
    assert [time for _, time, _ in await _tail(pool)] == sorted(times)


async def test_only_new_rows_are_written_told_and_put_on_the_tail(pool: Pool) -> None:
    first, second = await add_streams(pool, ["pm2_5", "pm10"])
    later = AT + timedelta(minutes=1)
    await _write(pool, [first, second], [AT, AT], [1.0, None])
    # One is there already, one comes twice in the batch: of the two that arrive, the first is kept.
    written = await _write(pool, [second, first, second], [later, AT, later], [7.0, 5.0, 8.0])
    assert dict(written) == {"stored": 1, "datastream_id": [second], "phenomenon_time": [later]}
    assert await _tail(pool) == [(first, AT, 1.0), (second, AT, None), (second, later, 7.0)]
    again = await _write(pool, [first, second], [AT, later], [1.0, 7.0])
    assert dict(again) == {"stored": 0, "datastream_id": [], "phenomenon_time": []}
    assert await pool.fetchval("SELECT count(*) FROM ingest_batch") == 2


async def test_clocks_alone_make_a_tail_row(pool: Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        written = await store_observations(
            connection, datastreams=[], times=[], received=[], results=[], quality=[], tests=[], clocks={"museum": AT}
        )
    assert written["stored"] == 0
    assert await pool.fetchval("SELECT clocks FROM ingest_batch") == {"museum": AT.isoformat()}


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        pytest.param("int", [0, -1, 2**31 - 1, -(2**31)], id="numbers"),
        pytest.param("float8", [0.1, -0.0, 1e300, 5e-324, math.pi, 1 / 3, None, 7.0], id="doubles, one missing"),
        pytest.param("int", [], id="no rows"),
        pytest.param(
            "timestamptz",
            [
                datetime(2026, 3, 29, 1, 59, 59, 999_999, UTC),
                datetime(1969, 12, 31, 23, 59, 59, 1, UTC),
                datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=45))),
            ],
            id="instants to the microsecond",
        ),
    ],
)
async def test_a_column_arrives_as_it_was(pool: Pool, kind: str, values: Sequence[object]) -> None:
    assert await pool.fetchval(f"SELECT $1::text::{kind}[]", as_array(values)) == values


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        pytest.param(query("ingest", "revise_observations"), [[1], [3], [4]], id="a later verdict"),
        pytest.param(query("indicators", "revise_derived"), [[5.0], [3]], id="a derived value worked out again"),
    ],
)
async def test_a_change_in_this_week_leaves_packed_weeks_alone(
    pool: Pool, text: str, columns: list[list[object]]
) -> None:
    (stream,) = await add_streams(pool, ["pm2_5"])
    times = [AT + timedelta(minutes=minute) for minute in range(10)]
    before = [time - timedelta(days=14) for time in times]
    await _write(pool, [stream] * 20, [*before, *times], [1.0] * 20)
    async with pool.acquire() as connection:
        engine = await detect_engine(connection)
        (old, *_) = await engine.chunks(connection)
        await engine.pack(connection, old)
        await connection.execute("ANALYZE observation")
        visits = "SELECT coalesce(seq_scan, 0) + coalesce(idx_scan, 0) FROM pg_stat_xact_user_tables"
        visits += " WHERE relid = $1::text::regclass"
        async with connection.transaction():
            visited = await connection.fetchval(visits, old.name)
            for time in times:  # so often that a plan for any values would be made
                await revise_rows(connection, text, [stream], [time], *columns)
            assert await connection.fetchval(visits, old.name) == visited, "the old week was looked into"
        assert [chunk.packed for chunk in await engine.chunks(connection) if chunk.name == old.name] == [True]
        # What is changed in a packed week is found there.
        async with connection.transaction():
            await revise_rows(connection, text, [stream], [before[3]], *columns)
    changed = await pool.fetch("SELECT phenomenon_time FROM observation WHERE quality = 3 ORDER BY phenomenon_time")
    assert [row["phenomenon_time"] for row in changed] == [before[3], *times]
