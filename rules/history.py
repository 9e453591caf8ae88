"""Stored observations as arrays, by PostgreSQL's binary COPY: a million rows in well under a second."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from rules.scan import Column
from sql.connection import Connection
from sql.queries import query

# One row of COPY ... WITH (FORMAT binary): a field count, then each field behind its length. All big-endian.
_ROW = np.dtype(
    [("n", ">i2"), ("l1", ">i4"), ("time", ">i8"), ("l2", ">i4"), ("result", ">f8"), ("l3", ">i4"), ("quality", ">i2")]
)
_HEADER, _TRAILER = 19, 2


async def load_column(connection: Connection, datastream_id: int, since: datetime, until: datetime) -> Column:
    """Return what is stored of one datastream from `since` up to, not including, `until`."""
    parts: list[bytes] = []

    async def take(data: bytes) -> None:
        parts.append(bytes(data))

    await connection.copy_from_query(
        query("rules", "history"), datastream_id, since, until, output=take, format="binary"
    )
    data = b"".join(parts)
    rows = np.frombuffer(data, _ROW, count=(len(data) - _HEADER - _TRAILER) // _ROW.itemsize, offset=_HEADER)
    return Column(rows["time"].astype(np.int64), rows["result"].astype(np.float64), rows["quality"].astype(np.int16))
