"""Births and wills: what a status message says. Pure; the judgement itself is SQL (migration 0111)."""

import json

from devices.model import DecodeError

STATUS = "city/v1/devices/+/status"
WORDS = {"online": "online", "1": "online", "true": "online", "offline": "offline", "0": "offline", "false": "offline"}


def read_status(topic: str, payload: bytes) -> tuple[str, str]:
    """Return device id and `online` or `offline`: bare, or the `status` or `state` of a JSON object.

    Raises DecodeError where it says neither.
    """
    device_id = topic.split("/")[3]
    text = payload.decode("utf-8", "replace").strip()
    if text.startswith("{"):
        try:
            body = json.loads(text)
        except ValueError:
            raise DecodeError(f"{device_id}: the status is not JSON") from None
        text = str(body.get("status", body.get("state", "")))
    link = WORDS.get(text.strip('"').lower())
    if link is None:
        raise DecodeError(f"{device_id}: the status is {text[:40]!r}, neither online nor offline")
    return device_id, link
