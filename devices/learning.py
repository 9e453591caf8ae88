"""A profile proposed from sample messages: what wraps them, which field is which property, and in which unit."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from devices.envelopes import ENVELOPES
from devices.instants import shown
from devices.javascript import Sandbox
from devices.model import DecodeError
from devices.profile_schema import ProfileFile
from devices.profiles import make_profile
from devices.properties import PROPERTIES
from devices.proposal import domain_of, propose, scalars

# What a network server's or a monitor's message always has, before it is taken for plain JSON
SIGNS: tuple[tuple[str, bytes], ...] = (
    ("tts_v3", b'"end_device_ids"'),
    ("chirpstack_v4", b'"deviceInfo"'),
    ("airgradient", b'"pm02"'),
)


@dataclass(frozen=True, slots=True)
class Learned:
    """A proposed profile as it stands in a file, why each field is in it, and those left out, each with an example."""

    document: dict[str, Any]
    reasons: dict[str, str]
    left_out: dict[str, str]

    def as_yaml(self) -> str:
        """Return the text of the profile file."""
        return yaml.safe_dump(self.document, sort_keys=False, allow_unicode=True)


def learn(samples: Sequence[bytes], vendor: str, model: str) -> Learned:
    """Return the profile that reads `samples`, messages of one device type.

    Raises DecodeError where a sample cannot be read, or where nothing in it is known as an observed property.
    """
    if not samples:
        raise DecodeError("no sample message")
    envelope = envelope_of(samples[0])
    records: list[Mapping[str, object]] = []
    for sample in samples:
        records += ENVELOPES[envelope](sample).records
    if not records:
        raise DecodeError(
            "only bytes in it: their meaning is the vendor's, so this type needs a codec (docs/devices.md)"
        )
    proposed = propose(records)
    if not proposed:
        names = ", ".join(list(_values(records))[:20])
        raise DecodeError(f"none of its fields is known as an observed property: {names}")
    document: dict[str, Any] = {
        "vendor": vendor,
        "model": model,
        "domain": domain_of([one.property for one in proposed]).value,
        "envelope": envelope,
        "fields": {one.path: one.as_field() for one in proposed},
        "unmapped": "ignore",
        "expected_interval": "15m",
        "limits": {
            one.property: {"gross_range": {"fail": [PROPERTIES[one.property].low, PROPERTIES[one.property].high]}}
            for one in proposed
        },
    }
    document["examples"] = _first_example(document, samples[0])
    mapped = {one.path for one in proposed}
    left_out = {path: shown(value) for path, value in _values(records).items() if path not in mapped}
    return Learned(document, {one.path: one.because for one in proposed}, left_out)


def _first_example(document: Mapping[str, Any], sample: bytes) -> list[dict[str, Any]]:
    """Return the message with what the profile makes of it, so that a person sees it and a later change is noticed.

    A message that is no JSON is left out: an example is text.
    """
    try:
        payload = json.loads(sample)
    except ValueError:
        return []
    profile = make_profile(ProfileFile.model_validate(document), Path(), Sandbox())
    try:
        decoded = profile.decode(ENVELOPES[profile.envelope](sample))
    except DecodeError:
        return []  # something in it is for a person to settle first
    example: dict[str, Any] = {"description": "the message it was learnt from", "payload": payload}
    readings = {one.property: one.value for one in decoded.readings}
    if len(readings) == len(decoded.readings):  # a pack of several times is for a person to write down
        example["readings"] = readings
    if decoded.refused:
        example["refused"] = {one.property: one.reason.value for one in decoded.refused}
    return [example]


def envelope_of(sample: bytes) -> str:
    """Return the envelope of one message; raise DecodeError where it is none we know."""
    for name, sign in SIGNS:
        if sign in sample:
            return name
    if sample.lstrip()[:1] in (b"{", b"["):
        return "native"
    for name in ("senml_cbor", "cayenne_lpp"):
        try:
            ENVELOPES[name](sample)
        except DecodeError:
            continue
        return name
    raise DecodeError("neither JSON nor SenML nor Cayenne LPP: a binary message needs a codec (docs/devices.md)")


def _values(records: Sequence[Mapping[str, object]]) -> dict[str, object]:
    return {path: value for record in reversed(records) for path, value in scalars(record)}
