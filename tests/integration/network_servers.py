"""The published vectors as The Things Stack v3 and ChirpStack v4 would publish them, each from a device of its own."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from devices.envelopes import ENVELOPES
from devices.model import DecodeError
from devices.profiles import BUILTIN, Profile, load_profiles
from devices.proposal import domain_of, propose
from tests.unit.devices.vectors import Vector

ROUTES = {
    "v3/+/devices/{device_id}/up": "tts_v3",
    "v3/+/devices/{device_id}/join": "tts_v3",
    "application/+/device/{device_id}/event/up": "chirpstack_v4",
}
TEMPLATES = {
    "tts_v3": "v3/city@tenant/devices/{}/up",
    "chirpstack_v4": "application/7e1c/device/{}/event/up",
}


@dataclass(frozen=True, slots=True)
class Wrapped:
    """One vector as one network server publishes it; `expected` is None where it must be rejected."""

    vector: Vector
    device_id: str
    profile: Profile
    topic: str
    payload: bytes
    expected: set[tuple[str, float | None]] | None
    refused: int


def wrap_all(vectors: Sequence[Vector], own: Path, now: datetime) -> list[Wrapped]:
    """Wrap every vector twice; profiles of models without a native codec are proposed and written into `own`.

    Those rely on what the network server decoded, as a city does that runs the vendor's decoder there. Every other
    message lacks what may be missing: the port where there is one only, the network's decoding, the time.
    """
    profiles = load_profiles(BUILTIN)
    for key in sorted({vector.profile for vector in vectors} - set(profiles)):
        write_profile(own, key, [v.data for v in vectors if v.profile == key and isinstance(v.data, dict)])
    profiles |= load_profiles(own)
    return [
        _wrap(at, vector, profiles[vector.profile], envelope, now)
        for at, vector in enumerate(vectors)
        for envelope in TEMPLATES
    ]


def write_profile(folder: Path, key: str, samples: list[Mapping[str, object]]) -> None:
    """Write a profile without a codec, its fields as the proposer sees them."""
    vendor, model = key.split("/")
    fields = propose(samples)
    document: dict[str, object] = {
        "vendor": vendor,
        "model": model,
        "domain": domain_of([one.property for one in fields]).value,
        "envelope": "tts_v3",
        # Where nothing is recognised a name that no message holds stands in: all is refused by name.
        "fields": {one.path: one.as_field() for one in fields} or {"battery": "battery"},
        "unmapped": "refuse",
        "expected_interval": "1h",
        "examples": [],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{vendor}-{model}.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")


def registry_of(wrapped: Sequence[Wrapped]) -> dict[str, Any]:
    return {
        "devices": [
            {"device_id": one.device_id, "profile": one.profile.key, "domain": str(one.profile.domain)}
            for one in wrapped
        ]
    }


def _wrap(at: int, vector: Vector, profile: Profile, envelope: str, now: datetime) -> Wrapped:
    bare = at % 2 == 1
    port = None if bare and vector.port in profile.ports[:1] else vector.port
    decoded = vector.data if isinstance(vector.data, dict) and not (bare and profile.codec is not None) else None
    raw = None if bare and profile.codec is None and decoded is not None else b64encode(vector.payload).decode()
    time = None if at % 3 == 1 else (now - timedelta(seconds=at)).astimezone(UTC).isoformat()
    if envelope == "tts_v3":
        device_id = f"node-{at:03}"
        uplink = {"session_key_id": "AX8=", "f_cnt": at, "f_port": port, "frm_payload": raw, "decoded_payload": decoded}
        message: dict[str, Any] = {
            "end_device_ids": {"device_id": device_id, "application_ids": {"application_id": "city"}},
            "received_at": time,
            "uplink_message": _present(uplink),
        }
    else:
        device_id = f"{0xA81758FFFE000000 + at:016x}"
        message = {
            "deduplicationId": f"3ac7e3c4-{at:04}",
            "time": time,
            "deviceInfo": {"devEui": device_id, "applicationName": "city"},
            "fCnt": at,
            "fPort": port,
            "data": raw,
            "object": decoded,
        }
    payload = json.dumps(_present(message)).encode()
    expected, refused = _expect(profile, envelope, payload, now)
    return Wrapped(vector, device_id, profile, TEMPLATES[envelope].format(device_id), payload, expected, refused)


def _present(entries: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entries.items() if value is not None}


def _expect(
    profile: Profile, envelope: str, payload: bytes, now: datetime
) -> tuple[set[tuple[str, float | None]] | None, int]:
    """Return what is to be stored: of two readings of one property for one time the first."""
    uplink = ENVELOPES[envelope](payload)
    try:
        decoded = profile.decode(uplink, now)
    except DecodeError:
        return None, 0
    first: dict[tuple[str, datetime], float | None] = {}
    for reading in decoded.readings:
        first.setdefault((reading.property, reading.time or uplink.time or now), reading.value)
    return {(name, value) for (name, _), value in first.items()}, len(decoded.refused)
