"""Uplinks as LoRaWAN network servers put them on MQTT: The Things Stack v3 and ChirpStack v4.

Both leave out fields that are zero, false or empty. A decoded object and the raw bytes are both kept: a profile with a
codec of its own prefers the bytes, one without uses the network's decoding.
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime

from devices.envelopes.json_text import kind, load_object
from devices.instants import parse_instant, shown
from devices.model import DecodeError, RejectReason, Uplink

# Where messages that came over HTTP are published, by envelope; the message itself names its device.
WEBHOOK = "citywatch/webhooks/{}"
# Messages of an application that carry no measurement (The Things Stack, data formats)
WITHOUT_READINGS = (
    "join_accept",
    "downlink_ack",
    "downlink_nack",
    "downlink_sent",
    "downlink_failed",
    "downlink_queued",
    "downlink_queue_invalidated",
    "location_solved",
    "service_data",
)


def read_tts_v3(payload: bytes) -> Uplink:
    """Return what one application message of The Things Stack says; a join or a downlink event has no records."""
    message = load_object(payload, "a message of The Things Stack")
    device = _object(message, "end_device_ids")
    device_id = _text(device, "device_id")
    if device_id is None:
        raise DecodeError("end_device_ids.device_id is missing", RejectReason.BAD_ENVELOPE)
    if "uplink_message" not in message:
        if not any(name in message for name in WITHOUT_READINGS) and "downlinks" not in message:
            raise DecodeError("neither uplink_message nor another known event", RejectReason.BAD_ENVELOPE)
        return Uplink(device_id=device_id, time=_instant(message, "received_at"))
    uplink = _object(message, "uplink_message")
    return Uplink(
        records=_records(uplink, "decoded_payload"),
        raw=_bytes(uplink, "frm_payload"),
        port=_counter(uplink, "f_port"),
        device_id=device_id,
        time=_instant(uplink, "received_at") or _instant(message, "received_at"),
        delivery_key=_tts_key(message, uplink, device_id),
    )


def read_chirpstack_v4(payload: bytes) -> Uplink:
    """Return what one device event of ChirpStack v4 says; the device is known by its EUI."""
    message = load_object(payload, "an event of ChirpStack")
    device_id = _text(_object(message, "deviceInfo"), "devEui")
    if device_id is None:
        raise DecodeError("deviceInfo.devEui is missing", RejectReason.BAD_ENVELOPE)
    key = _text(message, "deduplicationId")
    return Uplink(
        records=_records(message, "object"),
        raw=_bytes(message, "data"),
        port=_counter(message, "fPort"),
        device_id=device_id.lower(),
        time=_instant(message, "time"),
        delivery_key=None if key is None else f"chirpstack:{key}",
    )


def _tts_key(message: Mapping[str, object], uplink: Mapping[str, object], device_id: str) -> str | None:
    session = _text(uplink, "session_key_id")
    if session is not None:
        return f"tts:{device_id}:{session}:{_counter(uplink, 'f_cnt') or 0}"
    correlations = message.get("correlation_ids")
    if isinstance(correlations, list):
        for correlation in correlations:
            if isinstance(correlation, str) and correlation.startswith(("gs:uplink:", "ns:uplink:", "as:up:")):
                return f"tts:{correlation[:128]}"
    return None


def _object(parent: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = parent.get(name)
    if not isinstance(value, dict):
        text = f"{name} is {'missing' if value is None else kind(value)}, an object is expected"
        raise DecodeError(text, RejectReason.BAD_ENVELOPE)
    return value


def _records(parent: Mapping[str, object], name: str) -> tuple[Mapping[str, object], ...]:
    value = parent.get(name)
    if value is None or value == {}:
        return ()
    if not isinstance(value, dict):
        raise DecodeError(f"{name} is {kind(value)}, an object is expected", RejectReason.BAD_ENVELOPE)
    return (value,)


def _bytes(parent: Mapping[str, object], name: str) -> bytes | None:
    value = parent.get(name)
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as reason:
        raise DecodeError(f"{name} is not base64: {reason}", RejectReason.BAD_ENVELOPE) from None
    raise DecodeError(f"{name} is {kind(value)}, base64 text is expected", RejectReason.BAD_ENVELOPE)


def _text(parent: Mapping[str, object], name: str) -> str | None:
    value = parent.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > 128:
        raise DecodeError(f"{name} is {shown(value)}, not a name", RejectReason.BAD_ENVELOPE)
    return value


def _counter(parent: Mapping[str, object], name: str) -> int | None:
    value = parent.get(name)
    if value is None or (type(value) is int and 0 <= value < 2**32):
        return value
    raise DecodeError(f"{name} is {shown(value)}, not a counter", RejectReason.BAD_ENVELOPE)


def _instant(parent: Mapping[str, object], name: str) -> datetime | None:
    value = parent.get(name)
    if value is None:
        return None
    try:
        return parse_instant(value)
    except ValueError as reason:
        raise DecodeError(f"{name}: {reason}", RejectReason.BAD_ENVELOPE) from None
