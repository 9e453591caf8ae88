"""Recordings: live traffic of a broker as lines of JSON, written as it comes and read back for replay.

One line a message: `received_at` (RFC 3339, UTC, microseconds), `topic`, and `payload` as text, or `payload_base64`
where the bytes are no UTF-8.
"""

import base64
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import orjson

from citywatch.errors import MappingError
from simulators.planting import rfc3339
from simulators.replay import Timed

SUFFIXES = (".jsonl", ".jsonl.gz")


@dataclass(frozen=True, slots=True)
class Captured:
    """One message as the broker handed it over."""

    received_at: datetime
    topic: str
    payload: bytes


def is_recording(path: Path) -> bool:
    """Return whether a file is named as recordings are."""
    return path.name.endswith(SUFFIXES)


def line_of(captured: Captured) -> bytes:
    """Return a message as one line."""
    entry: dict[str, str] = {"received_at": captured.received_at.isoformat(), "topic": captured.topic}
    try:
        entry["payload"] = captured.payload.decode()
    except UnicodeDecodeError:
        entry["payload_base64"] = base64.b64encode(captured.payload).decode()
    return orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)


def open_recording(path: Path, mode: str) -> IO[bytes]:
    """Open a recording as bytes, through gzip where its name says so; raise MappingError where that fails."""
    try:
        return gzip.open(path, mode) if path.suffix == ".gz" else path.open(mode)  # type: ignore[return-value]
    except OSError as reason:
        raise MappingError(f"{path}: {reason}") from None


def read_recording(path: Path) -> Iterator[Captured]:
    """Yield every message of a recording; raise MappingError naming file and line for what is none."""
    with open_recording(path, "rb") as file:
        lines = enumerate(file, 1)
        while True:
            number = 0
            try:
                number, line = next(lines, (0, b""))
                if not number:
                    return
                captured = _captured(orjson.loads(line))
            except (OSError, EOFError, ValueError, KeyError, TypeError) as reason:
                place = f"line {number}" if number else "the archive"
                raise MappingError(f"{path}, {place}: not a recorded message ({reason})") from None
            yield captured


def _captured(entry: dict[str, Any]) -> Captured:
    received_at = datetime.fromisoformat(entry["received_at"])
    if received_at.tzinfo is None:
        raise ValueError("received_at states no zone")
    payload = (
        base64.b64decode(entry["payload_base64"], validate=True)
        if "payload_base64" in entry
        else entry["payload"].encode()
    )
    return Captured(received_at.astimezone(UTC), str(entry["topic"]), payload)


def device_of(topic: str) -> str | None:
    """Return the device of a native telemetry topic, None for any other topic."""
    parts = topic.split("/")
    native = len(parts) == 5 and parts[:3] == ["city", "v1", "devices"] and parts[4] == "telemetry"
    return parts[3] if native else None


def timed_recording(path: Path, prefix: str | None = None) -> list[Timed]:
    """Return a recording's messages at their own pace.

    With `prefix` only native telemetry is taken, from devices renamed PREFIX + id: so that the same city can be shown
    again beside the living one. Its objects then carry the `now` at which they were received, for a replay source.
    """
    timed: list[Timed] = []
    begin: datetime | None = None
    for captured in sorted(read_recording(path), key=lambda one: one.received_at):
        topic, payload = captured.topic, captured.payload
        if prefix is not None:
            device_id = device_of(topic)
            if device_id is None:
                continue
            topic = topic.replace(f"/{device_id}/", f"/{prefix}{device_id}/")
            payload = with_now(payload, captured.received_at)
        begin = begin or captured.received_at
        seconds = (captured.received_at - begin).total_seconds()
        timed.append(Timed(seconds, topic, payload, captured.received_at, 0))
    return timed


def with_now(payload: bytes, now: datetime) -> bytes:
    """Return a native object or pack that states its now; anything else unchanged."""
    try:
        value = orjson.loads(payload)
    except ValueError:
        return payload
    stated = {"now": rfc3339(now.timestamp())}
    if isinstance(value, dict) and value:
        return orjson.dumps({**value, **stated})
    if isinstance(value, list) and value and all(isinstance(r, dict) and "n" not in r and "bn" not in r for r in value):
        return orjson.dumps([*value[:-1], {**value[-1], **stated}])
    return payload


def recorded_devices(path: Path) -> set[str]:
    """Return the ids of the devices heard in a recording."""
    return {device_id for one in read_recording(path) if (device_id := device_of(one.topic)) is not None}
