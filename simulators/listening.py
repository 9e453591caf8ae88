"""Devices that listen: what a simulated device answers to a command. No clock and no connection of its own.

A command is `{"id", "expires_at", "arguments"}` on the device's branch; the device says that it heard, then how it
went. One that is silent, or gets the command too late, says nothing.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson

from simulators.fleet import Fleet

COMMANDS = "city/v1/devices/{}/commands/+"
SHORTEST, LONGEST = 5.0, 86400.0  # seconds between reports
LIT = 600  # seconds that a light may be asked to blink


def answers(fleet: Fleet, topic: str, payload: bytes, now: datetime, seconds: float) -> Iterator[tuple[str, bytes]]:
    """Yield topic and payload of each answer; `now` is the wall clock, `seconds` the simulated one."""
    levels = topic.split("/")
    device_id, name = levels[3], levels[5]
    if not fleet.knows(device_id) or fleet.silent(device_id, seconds):
        return
    try:
        body = orjson.loads(payload)
        number, arguments = body["id"], body.get("arguments") or {}
        if "expires_at" in body and datetime.fromisoformat(body["expires_at"]) < now:
            return
    except (ValueError, TypeError, KeyError, AttributeError):
        return  # not a command: a device has nobody to tell
    yield _answer(topic, number, state="acknowledged")
    try:
        yield _answer(topic, number, state="done", result=_obey(fleet, device_id, name, arguments, seconds))
    except (ValueError, TypeError, AttributeError) as reason:
        yield _answer(topic, number, state="failed", reason=str(reason))


def _answer(topic: str, number: object, **said: Any) -> tuple[str, bytes]:
    return f"{topic}/response", orjson.dumps({"id": number, **said})


def _obey(fleet: Fleet, device_id: str, name: str, arguments: dict[str, Any], seconds: float) -> dict[str, Any]:
    match name:
        case "interval":
            wanted = _number(arguments, "seconds", SHORTEST, LONGEST)
            fleet.pace(device_id, timedelta(seconds=wanted))
            return {"interval_s": wanted}
        case "identify":
            return {"lit_s": _number({"seconds": 10, **arguments}, "seconds", 1, LIT)}
        case "self-test":
            values = fleet.read(device_id, seconds) or {}
            return {"channels": {key: "ok" if value is not None else "no value" for key, value in values.items()}}
        case _:
            raise ValueError(f"no command {name!r}: there are identify, interval, self-test")


def _number(arguments: dict[str, Any], name: str, low: float, high: float) -> float:
    value = arguments.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{name} must be a number from {low:g} to {high:g}, not {value!r}")
    return value
