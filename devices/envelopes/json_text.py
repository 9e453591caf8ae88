"""JSON as it comes off the wire, bounded in size. orjson bounds the depth; who walks it bounds his own steps."""

from typing import Any

import orjson

from devices.model import DecodeError, RejectReason

MAX_BYTES = 256 * 1024
MAX_RECORDS = 5000


def load(payload: bytes) -> Any:
    """Return the JSON value in `payload`; NaN, Infinity and numbers beyond a double are not JSON."""
    check_size(payload)
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as reason:
        raise DecodeError(f"not JSON: {reason}", RejectReason.BAD_JSON) from None


def load_object(payload: bytes, what: str) -> dict[str, object]:
    """Return the JSON object in `payload`; `what` names the expected message in the error."""
    value = load(payload)
    if not isinstance(value, dict):
        raise DecodeError(f"{what} is a JSON object, this is {kind(value)}", RejectReason.BAD_ENVELOPE)
    return value


def check_size(payload: bytes) -> None:
    """Raise DecodeError where `payload` is larger than any honest message."""
    if len(payload) > MAX_BYTES:
        raise DecodeError(f"{len(payload)} bytes, at most {MAX_BYTES} are read", RejectReason.TOO_LARGE)


def kind(value: object) -> str:
    """Return what JSON calls the type of `value`."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    names = {dict: "an object", list: "an array", str: "a string", int: "a number", float: "a number"}
    return names.get(type(value), type(value).__name__)
