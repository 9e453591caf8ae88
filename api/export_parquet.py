"""Observations as Parquet, a row group at a time.

PostgreSQL sends rows of fixed width here (binary COPY), so that numpy reads a piece as it is. What repeats (device,
property, unit) comes once and is written as dictionaries. Arrays are made from buffers: `pyarrow.array` would load
pandas wherever it is installed, 40 MB for nothing.
"""

import asyncio
import io
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from api.export import Write, without_comments
from sql.connection import Connection
from sql.queries import query

PIECE = 16_384  # rows read at once; about 1 MB as they come
GROUP = 50_000  # rows in a row group
_HEAD = 19  # bytes before the first row of a binary COPY
_EPOCH = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000  # PostgreSQL counts from there, in microseconds
# A row as it comes: the number of fields, then each with its length before it.
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("n0", ">i4"), ("datastream_id", ">i4"),
        ("n1", ">i4"), ("phenomenon_time", ">i8"),
        ("n2", ">i4"), ("received_at", ">i8"),
        ("n3", ">i4"), ("result", ">f8"),
        ("n4", ">i4"), ("absent", "u1"),
        ("n5", ">i4"), ("quality", ">i2"),
        ("n6", ">i4"), ("tests", ">i2"),
    ]
)  # fmt: skip
_TIME = pa.timestamp("us", tz="UTC")
_WORD = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        ("device_id", _WORD),
        ("property", _WORD),
        ("unit", _WORD),
        ("phenomenon_time", _TIME),
        ("received_at", _TIME),
        ("result", pa.float64()),
        ("quality", pa.int16()),
        ("tests", pa.int16()),
    ]
)

_WORDS = ["device_id", "property", "unit"]
# A dictionary of what hardly repeats costs memory and helps nobody; differences of times and flags are small.
_DELTA = dict.fromkeys(["phenomenon_time", "received_at", "quality", "tests"], "DELTA_BINARY_PACKED")


def parquet_writer(target: Any) -> pq.ParquetWriter:
    """Return a writer of the schema to a path or a file."""
    return pq.ParquetWriter(target, SCHEMA, compression="zstd", use_dictionary=_WORDS, column_encoding=_DELTA)


def _array(kind: pa.DataType, values: np.ndarray[Any, Any], absent: np.ndarray[Any, Any] | None = None) -> pa.Array:
    """Return `values` as they lie in memory, null where `absent`."""
    there = None if absent is None else pa.py_buffer(np.packbits(~absent, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [there, pa.py_buffer(values)])


def _words(texts: list[str]) -> pa.Array:
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))


class _Streams:
    """What repeats: for each datastream of an export its device, property and unit, as places in dictionaries."""

    def __init__(self, rows: list[Any]) -> None:
        size = max((row["datastream_id"] for row in rows), default=0) + 1
        self.words: dict[str, pa.Array] = {}
        self.places: dict[str, np.ndarray[Any, Any]] = {}
        for name in _WORDS:
            known: dict[str, int] = {}
            places = np.zeros(size, dtype=np.int32)
            for row in rows:
                places[row["datastream_id"]] = known.setdefault(row[name], len(known))
            self.words[name], self.places[name] = _words(list(known)), places

    def table(self, rows: np.ndarray[Any, Any]) -> pa.Table:
        """Return rows as they came as a table of the schema."""
        native = {name: rows[name].astype(rows[name].dtype.newbyteorder("=")) for name in _ROW.names or ()}
        columns = [
            pa.DictionaryArray.from_arrays(
                _array(pa.int32(), self.places[name][native["datastream_id"]]), self.words[name]
            )
            for name in _WORDS
        ]
        columns += [_array(_TIME, native[name] + _EPOCH) for name in ("phenomenon_time", "received_at")]
        columns += [
            _array(pa.float64(), native["result"], native["absent"].astype(bool)),
            _array(pa.int16(), native["quality"]),
            _array(pa.int16(), native["tests"]),
        ]
        return pa.Table.from_arrays(columns, schema=SCHEMA)


async def row_groups(connection: Connection, arguments: tuple[Any, ...]) -> AsyncGenerator[pa.Table]:
    """Yield observations in tables of about `GROUP` rows, never more than one of them in memory."""
    held: list[pa.Table] = []
    async for table in _pieces(connection, arguments):
        held.append(table)
        if sum(map(len, held)) >= GROUP:
            yield pa.concat_tables(held)
            held.clear()
    if held:
        yield pa.concat_tables(held)


async def _pieces(connection: Connection, arguments: tuple[Any, ...]) -> AsyncGenerator[pa.Table]:
    streams = _Streams(await connection.fetch(query("api", "export_streams"), *arguments[:-2]))
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(2)

    async def read() -> None:
        held = bytearray()

        async def take(piece: bytes) -> None:
            held.extend(piece)
            if len(held) >= PIECE * _ROW.itemsize + _HEAD:
                await queue.put(bytes(held))
                held.clear()

        try:
            text = without_comments(query("api", "export_binary"))
            await connection.copy_from_query(text, *arguments, output=take, format="binary")
            await queue.put(bytes(held))
        finally:
            await queue.put(None)

    reading = asyncio.create_task(read(), name="export rows")
    try:
        rest, head = b"", _HEAD
        while (piece := await queue.get()) is not None:
            data = rest + piece
            whole = (len(data) - head) // _ROW.itemsize
            end = head + whole * _ROW.itemsize
            rows = np.frombuffer(data, dtype=_ROW, count=max(whole, 0), offset=head if whole > 0 else 0)
            rest, head = data[end:], 0
            if whole > 0:
                yield await asyncio.to_thread(streams.table, rows)
        await reading
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


class _Outlet(io.RawIOBase):
    """A file that is only written: holds what was written since it was last emptied."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()
        self._at = 0

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: Any) -> int:
        """Hold `data`."""
        piece = bytes(data)
        self._held += piece
        self._at += len(piece)
        return len(piece)

    def tell(self) -> int:
        """Return how much was written in all."""
        return self._at

    def empty(self) -> bytes:
        """Return what is held, and hold nothing."""
        held = bytes(self._held)
        self._held.clear()
        return held


async def copy_parquet(connection: Connection, write: Write, arguments: tuple[Any, ...]) -> None:
    """Write observations as one Parquet file, row group by row group."""
    outlet = _Outlet()
    writer = await asyncio.to_thread(parquet_writer, outlet)
    tables = row_groups(connection, arguments)
    async for table in tables:
        await asyncio.to_thread(writer.write_table, table, row_group_size=len(table))
        if held := outlet.empty():
            await write(held)
    await asyncio.to_thread(writer.close)
    await write(outlet.empty())
