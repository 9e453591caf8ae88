"""Citywatch's own JSON: an object of properties, an array of such objects (a pack), or a SenML pack.

`time` (RFC 3339, epoch seconds or milliseconds) or `time_offset` (seconds from arrival, negative is past) belong to
their record and stay in it. `seq`, `now` and `device_id` belong to the message and are read here.
"""

from datetime import datetime

from devices.envelopes.json_text import MAX_RECORDS, kind, load
from devices.envelopes.senml import looks_like_senml, uplink_of_pack
from devices.instants import parse_instant, shown
from devices.model import DecodeError, RejectReason, Uplink


def read(payload: bytes) -> Uplink:
    """Return what one native message says; its records keep their own times."""
    value = load(payload)
    if isinstance(value, dict):
        return _read_object(value)
    if isinstance(value, list):
        return uplink_of_pack(value) if looks_like_senml(value) else _read_pack(value)
    raise DecodeError(f"a native message is an object or an array, this is {kind(value)}", RejectReason.BAD_ENVELOPE)


def _read_object(record: dict[str, object]) -> Uplink:
    if not record:
        raise DecodeError("an empty object", RejectReason.BAD_ENVELOPE)
    get = record.get
    device_id, seq, now = get("device_id"), get("seq"), get("now")
    return Uplink(
        records=(record,),
        device_id=None if device_id is None else _identity(device_id),
        now=None if now is None else _clock(now),
        delivery_key=None if seq is None else _key(seq, record),
    )


def _read_pack(pack: list[object]) -> Uplink:
    if not pack:
        raise DecodeError("an empty pack", RejectReason.BAD_ENVELOPE)
    if len(pack) > MAX_RECORDS:
        raise DecodeError(f"a pack of {len(pack)} records, at most {MAX_RECORDS} are read", RejectReason.TOO_LARGE)
    device_id = None
    for at, record in enumerate(pack):
        if type(record) is not dict or not record:
            text = (
                f"record {at} of the pack is {'empty' if record == {} else kind(record)}, not an object of properties"
            )
            raise DecodeError(text, RejectReason.BAD_ENVELOPE)
        if "device_id" in record:
            stated = _identity(record["device_id"])
            if device_id is not None and stated != device_id:
                text = f"record {at} of the pack is from {stated!r}, an earlier one from {device_id!r}"
                raise DecodeError(text, RejectReason.IDENTITY_MISMATCH)
            device_id = stated
    records: tuple[dict[str, object], ...] = tuple(pack)  # type: ignore[arg-type]  # checked just now
    first, last = records[0], records[-1]
    now = last.get("now")  # a pack is sent after its newest record
    key = None
    if first.get("seq") is not None and last.get("seq") is not None:
        key = f"{_key(first['seq'], first)}..{_key(last['seq'], last)}"
    return Uplink(records, device_id=device_id, now=None if now is None else _clock(now), delivery_key=key)


def _identity(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 128:
        raise DecodeError(f"device_id is {shown(value)}, not a name", RejectReason.BAD_ENVELOPE)
    return value


def _clock(value: object) -> datetime:
    try:
        return parse_instant(value)
    except ValueError as reason:
        raise DecodeError(f"now: {reason}", RejectReason.BAD_ENVELOPE) from None


def _key(seq: object, record: dict[str, object]) -> str:
    """Return the sequence number with the record's time: a counter that starts again after a reboot is not a repeat."""
    if type(seq) is not int and not (type(seq) is str and 0 < len(seq) <= 64):
        raise DecodeError(f"seq is {shown(seq)}, not a counter", RejectReason.BAD_ENVELOPE)
    time = record.get("time")
    return f"seq:{seq}" if time is None else f"seq:{seq}@{time}"
