"""Sensor Measurement Lists (RFC 8428), JSON and CBOR: resolve the pack, then name properties by their last segment."""

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import cbor2

from devices.envelopes.json_text import MAX_RECORDS, check_size, kind, load
from devices.instants import shown
from devices.model import DecodeError, RejectReason, Uplink

# Seconds below this are relative to now, negative is past (RFC 8428, 4.5.3).
RELATIVE_BELOW = 2.0**28
VERSION = 10
# A base name of this form states who speaks, as `device_id` does in native JSON.
IDENTITY = "urn:dev:citywatch:"
VALUES = ("v", "vs", "vb", "vd")
# CBOR labels (RFC 8428, table 4)
LABELS: dict[object, str] = {-1: "bver", -2: "bn", -3: "bt", -4: "bu", -5: "bv", -6: "bs"}
LABELS.update(enumerate(("n", "u", "v", "vs", "vb", "s", "t", "ut", "vd")))


def read_json(payload: bytes) -> Uplink:
    """Return what a SenML pack in JSON says."""
    return uplink_of_pack(load(payload))


def read_cbor(payload: bytes) -> Uplink:
    """Return what a SenML pack in CBOR says."""
    check_size(payload)
    stream = io.BytesIO(payload)
    try:
        pack: object = cbor2.CBORDecoder(stream).decode()
    except (cbor2.CBORDecodeError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError) as reason:
        raise DecodeError(f"not CBOR: {shown(str(reason))}", RejectReason.BAD_ENVELOPE) from None
    if stream.tell() != len(payload):
        raise DecodeError(f"{len(payload) - stream.tell()} bytes after the pack", RejectReason.BAD_ENVELOPE)
    if not isinstance(pack, list):
        raise DecodeError(f"a SenML pack is an array, this is {kind(pack)}", RejectReason.BAD_ENVELOPE)
    return uplink_of_pack(
        [{LABELS.get(k, k): v for k, v in record.items()} if isinstance(record, dict) else record for record in pack]
    )


def looks_like_senml(pack: Sequence[object]) -> bool:
    """Tell a SenML pack from a pack of native records: the first record must say a name or a base name."""
    return bool(pack) and isinstance(pack[0], dict) and ("bn" in pack[0] or "n" in pack[0])


def resolve(pack: object, now: datetime | None = None) -> list[dict[str, object]]:
    """Return the resolved records (RFC 8428, 4.6); times stay relative, as the key `rt`, where `now` is not given."""
    if not isinstance(pack, list) or not pack:
        raise DecodeError("an empty pack" if pack == [] else f"a SenML pack is an array, this is {kind(pack)}", _BAD)
    if len(pack) > MAX_RECORDS:
        raise DecodeError(f"a pack of {len(pack)} records, at most {MAX_RECORDS} are read", RejectReason.TOO_LARGE)
    base: dict[str, object] = {}
    resolved = []
    for at, record in enumerate(pack):
        if not isinstance(record, dict):
            raise DecodeError(f"record {at} of the pack is {kind(record)}, not an object", _BAD)
        base.update((k, v) for k, v in record.items() if k in ("bn", "bt", "bu", "bv", "bs", "bver"))
        one = _resolve_one(record, base, at, now)
        if one is not None:
            resolved.append(one)
    return resolved


def uplink_of_pack(pack: object) -> Uplink:
    """Return the pack as native records: the property is the name's last segment, beside it its value and unit."""
    resolved = resolve(pack)
    if not resolved:
        raise DecodeError("a pack without a value", _BAD)
    return Uplink(records=tuple(_native(record) for record in resolved), device_id=_identity(resolved))


_BAD = RejectReason.BAD_ENVELOPE


def _resolve_one(
    record: Mapping[str, object], base: Mapping[str, object], at: int, now: datetime | None
) -> dict[str, object] | None:
    for key in record:
        if not isinstance(key, str) or key.endswith("_"):
            raise DecodeError(f"record {at} needs {shown(key)}, which is not understood", _BAD)
    version = base.get("bver", VERSION)
    if type(version) is not int or not 0 < version <= VERSION:
        raise DecodeError(f"record {at} is of SenML version {shown(version)}, up to {VERSION} is understood", _BAD)
    values = [key for key in VALUES if key in record]
    if len(values) > 1:
        raise DecodeError(f"record {at} has {' and '.join(values)}: one value is allowed", _BAD)
    if not values and "s" not in record and ("bs" not in base or "n" not in record):
        return None  # only base fields
    name = _text(base.get("bn", ""), at) + _text(record.get("n", ""), at)
    if not name:
        raise DecodeError(f"record {at} has no name", _BAD)
    one: dict[str, object] = {"n": name}
    unit = record.get("u", base.get("bu"))
    if unit is not None:
        one["u"] = _text(unit, at)
    one |= _time(record, base, at, now)
    if "v" in record:
        one["v"] = _sum(base.get("bv", 0), record["v"], at)
    for key in values:
        one.setdefault(key, record[key])
    if "s" in record or "bs" in base:
        one["s"] = _sum(base.get("bs", 0), record.get("s", 0), at)
    if "ut" in record:
        one["ut"] = record["ut"]
    return one


def _time(record: Mapping[str, object], base: Mapping[str, object], at: int, now: datetime | None) -> dict[str, object]:
    time = _sum(base.get("bt", 0), record.get("t", 0), at)
    if time >= RELATIVE_BELOW:
        return {"t": time}
    if now is not None:
        return {"t": now.timestamp() + time}
    return {"rt": time} if time else {}


def _sum(base: object, value: object, at: int) -> float:
    total = 0.0
    for part in (base, value):
        if type(part) is Decimal or (type(part) in (int, float) and abs(part) < 1e300):  # type: ignore[arg-type]
            total += float(part)  # type: ignore[arg-type]
        else:
            raise DecodeError(f"record {at} has {shown(part)} where a number belongs", _BAD)
    return total


def _text(value: object, at: int) -> str:
    if not isinstance(value, str):
        raise DecodeError(f"record {at} has {shown(value)} where a name or unit belongs", _BAD)
    return value


def _native(record: Mapping[str, object]) -> dict[str, object]:
    segment = str(record["n"]).replace("/", ":").rstrip(":").rpartition(":")[2]
    fields: dict[str, object] = {
        "value" if key in VALUES else "sum": record[key] for key in (*VALUES, "s") if key in record
    }
    if "u" in record:
        fields["unit"] = record["u"]
    native: dict[str, object] = {segment: fields}
    if "t" in record:
        native["time"] = record["t"]
    elif "rt" in record:
        native["time_offset"] = record["rt"]
    return native


def _identity(resolved: Sequence[Mapping[str, object]]) -> str | None:
    stated = {
        str(record["n"])[len(IDENTITY) :].replace("/", ":").partition(":")[0]
        for record in resolved
        if str(record["n"]).startswith(IDENTITY)
    }
    if len(stated) > 1:
        raise DecodeError(
            f"a pack from {len(stated)} devices: {', '.join(sorted(stated)[:3])}", RejectReason.IDENTITY_MISMATCH
        )
    return stated.pop() if stated else None
