"""Commands on the wire: where each goes and how it reads, and what an answer says. Pure.

Native devices get `commands/NAME`: MQTT 5 ones answer to the response topic with the correlation data they were given,
3.1.1 ones repeat the `id` of the payload. Behind a network server a command is a downlink, its id travels with it.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from devices.envelopes.network_server import WEBHOOK
from devices.json_values import storable
from devices.model import DecodeError

BRANCH = "city/v1/devices"
RESPONSES = f"{BRANCH}/+/commands/+/response"
STATES = ("acknowledged", "done", "failed")
DEVICE = "{device_id}"
# The Things Stack's word -> what it means for a command; a downlink that the device confirms is done.
TTS_EVENTS = {"queued": "sent", "sent": "acknowledged", "ack": "done", "nack": "failed", "failed": "failed"}
CORRELATION = "citywatch:"


@dataclass(frozen=True, slots=True)
class CommandMessage:
    """One command ready to be published; `response_topic` and `correlation` are for MQTT 5, None on a downlink."""

    topic: str
    payload: bytes
    response_topic: str | None = None
    correlation: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a device or its network server says about one command."""

    command_id: UUID
    device_id: str
    state: str
    result: Any = None
    reason: str = ""


def native_command(
    command_id: UUID, device_id: str, name: str, arguments: Mapping[str, Any], expires_at: datetime
) -> CommandMessage:
    """Return a command to a device that speaks our topics."""
    topic = f"{BRANCH}/{device_id}/commands/{name}"
    body = {"id": str(command_id), "expires_at": expires_at.isoformat(), "arguments": dict(arguments)}
    return CommandMessage(topic, json.dumps(body).encode(), f"{topic}/response", command_id.bytes)


def downlink(
    command_id: UUID, device_id: str, route: str, template: str, arguments: Mapping[str, Any]
) -> CommandMessage:
    """Return a command as a confirmed downlink; raise DecodeError where `arguments` do not say what to send.

    `arguments` hold `port` (1 to 223) and either `hex` or `object`, which the network server encodes.
    """
    port, text, given = arguments.get("port"), arguments.get("hex"), arguments.get("object")
    if type(port) is not int or not 1 <= port <= 223:
        raise DecodeError(f"a downlink needs a port from 1 to 223, not {port!r}")
    if (text is None) == (given is None) or set(arguments) - {"port", "hex", "object"}:
        raise DecodeError("a downlink needs `port` and either `hex` or `object`, and nothing else")
    try:
        raw = None if text is None else b64encode(bytes.fromhex(text)).decode()
    except (TypeError, ValueError):
        raise DecodeError(f"{text!r} is not hexadecimal") from None
    content: dict[str, Any]
    if route == "tts_v3":
        content = {"f_port": port, "priority": "NORMAL", "confirmed": True}
        content |= {"frm_payload": raw} if raw is not None else {"decoded_payload": given}
        content = {"downlinks": [{**content, "correlation_ids": [f"{CORRELATION}{command_id}"]}]}
    else:
        content = {"id": str(command_id), "devEui": device_id, "confirmed": True, "fPort": port}
        content |= {"data": raw} if raw is not None else {"object": given}
    return CommandMessage(template.replace(DEVICE, device_id), json.dumps(content).encode())


def answer_topics(route: str, template: str) -> list[str]:
    """Return the topic filters on which a network server says what became of a downlink, its webhooks' included."""
    anywhere = template.replace(DEVICE, "+")
    if route == "tts_v3":
        return [WEBHOOK.format(route), *(f"{anywhere.removesuffix('/push')}/{word}" for word in TTS_EVENTS)]
    base = anywhere.removesuffix("/command/down")
    return [WEBHOOK.format(route), f"{base}/event/txack", f"{base}/event/ack"]


def read_answer(topic: str, payload: bytes, correlation: bytes | None = None) -> Answer | None:
    """Return what a message says about a command, None where it is about none of ours.

    Raises DecodeError where it is not an answer as it should be.
    """
    levels = topic.split("/")
    try:
        body = json.loads(payload) if payload else {}
    except (ValueError, RecursionError):
        raise DecodeError("the answer is not JSON, or nested too deep") from None
    if not isinstance(body, dict):
        raise DecodeError("the answer is not a JSON object")
    if topic.startswith(f"{BRANCH}/"):
        return _native(levels[3], body, correlation)
    if topic.startswith(WEBHOOK.format("")):
        return _webhook(levels[-1], body)
    if len(levels) > 2 and levels[-2] == "down":
        return _things_stack(levels[-3], levels[-1], body)
    if len(levels) > 2 and levels[-2] == "event":
        return _chirpstack(levels[-3], levels[-1], body)
    return None


def _native(device_id: str, body: dict[str, Any], correlation: bytes | None) -> Answer:
    said = UUID(bytes=correlation).hex if correlation is not None and len(correlation) == 16 else body.get("id")
    state = body.get("state", "done")
    if state not in STATES:
        raise DecodeError(f"the answer's state is {state!r}, none of {', '.join(STATES)}")
    try:
        result = storable(body.get("result"), "the answer's result")
        reason = storable(str(body.get("reason", ""))[:500], "the answer's reason")
    except ValueError as fault:
        raise DecodeError(str(fault)) from None
    return Answer(_uuid(said), device_id, state, result, reason)


def _things_stack(device_id: str, word: str, body: dict[str, Any]) -> Answer | None:
    inner = next((value for key, value in body.items() if key.startswith("downlink_") and isinstance(value, dict)), {})
    marks = [*(body.get("correlation_ids") or []), *(inner.get("correlation_ids") or [])]
    marks += (inner.get("downlink") or {}).get("correlation_ids") or []
    ours = [mark.removeprefix(CORRELATION) for mark in marks if isinstance(mark, str) and mark.startswith(CORRELATION)]
    if not ours or word not in TTS_EVENTS:
        return None
    fault = inner.get("error") if word == "failed" else None
    return Answer(_uuid(ours[0]), device_id, TTS_EVENTS[word], None, json.dumps(fault)[:500] if fault else "")


def _chirpstack(device_id: str, word: str, body: dict[str, Any]) -> Answer | None:
    said = body.get("queueItemId")
    if word not in ("txack", "ack") or not said:
        return None
    try:
        command_id = UUID(str(said))
    except ValueError:
        return None  # somebody else's downlink
    if word == "txack":
        return Answer(command_id, device_id, "acknowledged")
    done = body.get("acknowledged") is True
    return Answer(command_id, device_id, "done" if done else "failed", None, "" if done else "the device refused it")


def _webhook(route: str, body: dict[str, Any]) -> Answer | None:
    """Read what came over HTTP: there the message, and not its topic, says of whom and of what it is."""
    names = body.get("end_device_ids" if route == "tts_v3" else "deviceInfo")
    device_id = names.get("device_id" if route == "tts_v3" else "devEui") if isinstance(names, dict) else None
    if not isinstance(device_id, str):
        return None
    if route == "tts_v3":
        word = next((key.removeprefix("downlink_") for key in body if key.startswith("downlink_")), "")
        return _things_stack(device_id, word, body)
    # A transmission names the gateway; an acknowledgement that is a refusal leaves `acknowledged` out.
    return _chirpstack(device_id.lower(), "txack" if "txInfo" in body or "gatewayId" in body else "ack", body)


def _uuid(value: object) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise DecodeError(f"the answer's id is {value!r}, which no command has") from None
