import json
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

import pytest

from devices.decode_command import decode_hex
from devices.envelopes import ENVELOPES
from devices.model import DecodeError, Uplink
from devices.profiles import BUILTIN, load_profiles
from tests.unit.devices.vectors import Vector, agrees, read_vectors

PROFILES = load_profiles(BUILTIN)
CATEGORIES = {"waste_level", "air_quality_environment", "traffic_parking_people"}


@pytest.fixture(scope="module")
def native(shared_data: Path) -> list[Vector]:
    return [vector for vector in read_vectors(shared_data) if vector.profile in PROFILES]


def test_at_least_sixty_published_vectors_in_every_category_decode_as_the_vendor_does(native: list[Vector]) -> None:
    differing = []
    for vector in native:
        decoded = decode_hex(PROFILES[vector.profile], vector.port, vector.payload.hex())["decoded"]
        if not agrees(decoded, vector.data):
            differing.append(f"{vector}: {decoded} instead of {vector.data}")
    assert not differing
    assert len(native) >= 60
    assert set(Counter(vector.category for vector in native)) == CATEGORIES


def test_a_prefix_says_nothing_that_the_whole_payload_does_not(native: list[Vector]) -> None:
    for vector in native:
        profile = PROFILES[vector.profile]
        whole = decode_hex(profile, vector.port, vector.payload.hex())
        for end in range(len(vector.payload)):
            try:
                part = decode_hex(profile, vector.port, vector.payload[:end].hex())
            except DecodeError:
                continue
            readings, every = part["readings"], whole["readings"]
            assert isinstance(readings, list)
            assert isinstance(every, list)
            assert all(reading in every for reading in readings), f"{vector} cut to {end} bytes"


def test_a_wrong_port_yields_no_reading(native: list[Vector]) -> None:
    for vector in native:
        profile = PROFILES[vector.profile]
        for port in range(256):
            if port in profile.ports:
                continue
            with pytest.raises(DecodeError, match="port"):
                decode_hex(profile, port, vector.payload.hex())


@pytest.mark.parametrize(
    ("profile", "port", "text", "reason"),
    [
        pytest.param("milesight/em310-udl", 85, "0175", "battery is cut short at byte 0", id="cut inside a record"),
        pytest.param("milesight/em310-udl", 85, "01755c0999", "unknown record 0999 at byte 3", id="unknown record"),
        pytest.param("milesight/vs341", 85, "030007", "occupancy is 7 at byte 2", id="a code without a meaning"),
        pytest.param("milesight/vs341", 85, "", "empty payload", id="nothing at all"),
        pytest.param("netvox/r718pe", 6, "01b1012401012c320000", "10 bytes", id="one byte short"),
        pytest.param("netvox/r718pe", 6, "0177012401012c32000000", "device type 119", id="another device's message"),
        pytest.param("netvox/r718pe", 6, "82b1038407080100640000", "version 130", id="an answer on the reports' port"),
        pytest.param("decentlab/dl-mbx", 1, "02012f000704d200010bb1", "flags 0x0007", id="a sensor it does not have"),
        pytest.param("decentlab/dl-mbx", 1, "02012f000304d200", "not a header", id="half a word"),
        pytest.param("elsys/ers-co2", 1, "0g", "not hexadecimal", id="not hexadecimal"),
        pytest.param("citywatch/road", 1, "00", "has no codec", id="a profile for JSON"),
    ],
)
def test_what_cannot_be_decoded_says_what_and_where(profile: str, port: int, text: str, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        decode_hex(PROFILES[profile], port, text)


def test_decode_names_property_value_and_unit() -> None:
    assert decode_hex(PROFILES["milesight/em400-mud"], None, "0482cc01") == {
        "decoded": {"distance": 460},
        "readings": [
            {"property": "distance", "value": 46.0, "unit": "cm"},
            {"property": "fill_level", "value": 80.0, "unit": "%"},
        ],
        "refused": [],
    }


def in_the_things_stack(vector: Vector, port: int | None) -> Uplink:
    uplink: dict[str, object] = {
        "session_key_id": "AX==",
        "f_cnt": 7,
        "frm_payload": b64encode(vector.payload).decode(),
    }
    uplink |= {} if port is None else {"f_port": port}
    message = {"end_device_ids": {"device_id": "a"}, "received_at": "2026-03-01T07:05:00Z", "uplink_message": uplink}
    return ENVELOPES["tts_v3"](json.dumps(message).encode())


def in_chirpstack(vector: Vector, port: int | None) -> Uplink:
    event: dict[str, object] = {"deduplicationId": "b", "time": "2026-03-01T07:05:00Z", "deviceInfo": {"devEui": "A"}}
    event |= {"data": b64encode(vector.payload).decode()} | ({} if port is None else {"fPort": port})
    return ENVELOPES["chirpstack_v4"](json.dumps(event).encode())


@pytest.mark.parametrize("wrapped", [in_the_things_stack, in_chirpstack])
def test_a_network_server_around_a_payload_changes_nothing(
    native: list[Vector], wrapped: Callable[[Vector, int | None], Uplink]
) -> None:
    for vector in native:
        profile = PROFILES[vector.profile]
        direct = profile.decode(Uplink(raw=vector.payload, port=vector.port))
        assert profile.decode(wrapped(vector, vector.port)) == direct
        assert wrapped(vector, vector.port).delivery_key is not None
        if vector.port == profile.ports[0]:
            assert profile.decode(wrapped(vector, None)) == direct


def test_what_the_network_decoded_counts_where_the_bytes_are_missing(native: list[Vector]) -> None:
    for vector in native:
        assert isinstance(vector.data, dict)
        profile = PROFILES[vector.profile]
        by_network = profile.decode(Uplink(records=(vector.data,)))
        direct = profile.decode(Uplink(raw=vector.payload, port=vector.port))
        key = attrgetter("property", "time")
        assert sorted(map(key, by_network.readings), key=str) == sorted(map(key, direct.readings), key=str)
