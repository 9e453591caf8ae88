"""Whatever comes off the wire, an envelope and a profile answer with readings, refusals or DecodeError."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime

import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.envelopes import ENVELOPES
from devices.model import Decoded, DecodeError, Uplink
from devices.profiles import BUILTIN, Profile, load_profiles
from devices.properties import FORBIDDEN, PROPERTIES

PROFILES = list(dict.fromkeys(load_profiles(BUILTIN).values()))
WITH_CODEC = [profile for profile in PROFILES if profile.codec is not None]
FEW = [profile for profile in PROFILES if profile.vendor in ("citywatch", "airgradient")] + [
    profile for profile in PROFILES if profile.history is not None or "battery_voltage.value" in profile.mapper.paths
]
NOW = datetime(2026, 3, 1, 7, 5, tzinfo=UTC)
quick = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.sampled_from([2**64, -1, 1e308, ""])
)
keys = st.one_of(
    st.sampled_from(
        ["time", "time_offset", "seq", "now", "device_id", "value", "unit", "n", "bn", "bt", "t", "u", "v", "vb", "s"]
    ),
    st.sampled_from(["end_device_ids", "uplink_message", "frm_payload", "f_port", "decoded_payload", "join_accept"]),
    st.sampled_from(["deviceInfo", "devEui", "data", "object", "fPort", "serialno", "received_at"]),
    st.sampled_from(sorted(PROPERTIES)),
    st.sampled_from(sorted(FORBIDDEN)),
    st.text(max_size=6),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=5)),
    max_leaves=20,
)
records = st.dictionaries(keys, values, max_size=6)


def check(decoded: Decoded) -> None:
    for reading in decoded.readings:
        assert reading.property in PROPERTIES
        assert reading.value is None or math.isfinite(reading.value)
        assert reading.time is None or reading.time.tzinfo is UTC


def decode_all(uplink: Uplink) -> None:
    for profile in FEW:
        try:
            check(profile.decode(uplink, NOW))
        except DecodeError as reason:
            assert 0 < len(str(reason)) < 1000


@pytest.mark.parametrize("name", ENVELOPES)
@quick
@given(payload=st.binary(max_size=80))
def test_no_bytes_break_an_envelope(name: str, payload: bytes) -> None:
    try:
        decode_all(ENVELOPES[name](payload))
    except DecodeError as reason:
        assert str(reason)


@pytest.mark.parametrize("name", ENVELOPES)
@quick
@given(value=st.one_of(records, st.lists(records, max_size=4)))
def test_no_json_breaks_an_envelope_or_a_profile(name: str, value: object) -> None:
    payload = cbor2.dumps(value) if name == "senml_cbor" else json.dumps(value).encode()
    try:
        decode_all(ENVELOPES[name](payload))
    except DecodeError as reason:
        assert str(reason)


@quick
@given(record=records)
def test_no_record_breaks_a_profile(record: Mapping[str, object]) -> None:
    decode_all(Uplink(records=(record,)))


@pytest.mark.parametrize("profile", WITH_CODEC, ids=lambda p: p.key)
@quick
@given(payload=st.binary(max_size=40), port=st.one_of(st.none(), st.integers(0, 255)))
def test_no_bytes_break_a_codec(profile: Profile, payload: bytes, port: int | None) -> None:
    try:
        check(profile.decode(Uplink(raw=payload, port=port)))
    except DecodeError as reason:
        assert str(reason)


@quick
@given(value=st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**63), 2**63)))
def test_any_number_of_a_native_record_is_stored_as_it_is_or_refused(value: float) -> None:
    profile = next(profile for profile in PROFILES if profile.key == "citywatch/native")
    decoded = profile.decode(ENVELOPES["native"](json.dumps({"pm2_5": value}).encode()))
    if decoded.readings:
        assert decoded.readings[0].value == pytest.approx(float(value), rel=1e-15)
    else:
        assert abs(value) >= 1e300
        assert len(decoded.refused) == 1
