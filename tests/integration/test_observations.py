"""Columns on their way into the store as text: what comes out is what went in, to the last bit."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest

from sql.connection import Pool
from sql.observations import as_array


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
