"""Payloads made of records: a key of one or two bytes, then a fixed layout. The table is the protocol."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from devices.model import DecodeError

# How one raw number becomes the vendor's value: a divisor, or the words its codes stand for
Scale = float | Mapping[int, object] | Callable[[int], object] | Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Record:
    """The layout after a key: one struct item for each part; `nested` puts the parts in a list under that name."""

    wire: struct.Struct
    parts: tuple[tuple[str, Scale], ...]
    nested: str | None = None


Table = Mapping[bytes, Record]


def record(wire: str, *parts: tuple[str, Scale], nested: str | None = None) -> Record:
    """Return the record whose bytes are laid out as `wire` (a struct format) says."""
    return Record(struct.Struct(wire), parts, nested)


def number(wire: str, name: str, divisor: float = 1) -> Record:
    """Return a record of one number."""
    return record(wire, (name, divisor))


def choice(name: str, words: Mapping[int, object]) -> Record:
    """Return a record of one byte that stands for a word."""
    return record("<B", (name, words))


def read_records(table: Table, key_sizes: tuple[int, ...], payload: bytes) -> dict[str, object]:
    """Return what every record of `payload` says, in wire order; an unknown or short record is an error."""
    if not payload:
        raise DecodeError("an empty payload")
    decoded: dict[str, object] = {}
    at = 0
    while at < len(payload):
        key = next((k for size in key_sizes if (k := payload[at : at + size]) in table), None)
        if key is None:
            raise DecodeError(f"unknown record {payload[at : at + key_sizes[0]].hex()} at byte {at}")
        found = table[key]
        begin, end = at + len(key), at + len(key) + found.wire.size
        if end > len(payload):
            raise DecodeError(f"{found.nested or found.parts[0][0]} is cut short at byte {at}")
        said = read_parts(found, payload[begin:end], begin)
        if found.nested is None:
            decoded |= said
        else:
            entries = decoded.setdefault(found.nested, [])
            assert isinstance(entries, list)
            entries.append(said)
        at = end
    return decoded


def read_parts(layout: Record, body: bytes, at: int) -> dict[str, object]:
    """Return the parts of one record; a code that the table does not know is an error, never a guess.

    A part without a name is checked and dropped; one whose value is itself parts (bits of a byte) is spread out.
    """
    said: dict[str, object] = {}
    for (name, scale), raw in zip(layout.parts, layout.wire.unpack(body), strict=True):
        if isinstance(scale, Mapping):
            if raw not in scale:
                raise DecodeError(f"{name or 'a code'} is {raw} at byte {at}, which has no meaning")
            value = scale[raw]
        elif callable(scale):
            value = scale(raw)
        else:
            value = raw if scale == 1 else raw / scale
        if isinstance(value, dict):
            said |= value
        elif name:
            said[name] = value
    return said


def hexadecimal(raw: bytes) -> str:
    """Return bytes as hex text, as serial numbers are written."""
    return raw.hex()


def dotted(raw: bytes) -> str:
    """Return bytes as a version: 1.2.3."""
    return ".".join(map(str, raw))
