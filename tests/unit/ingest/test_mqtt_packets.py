"""The receive loop's bytes: whole, cut anywhere, and wrong."""

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load import packet
from citywatch.errors import BrokerError
from ingest import mqtt_packets as mqtt
from ingest.broker_direct import Connection
from ingest.inbox import Inbox
from ingest.routes import make_route


@given(st.integers(min_value=0, max_value=268_435_455))
def test_lengths_read_back(number: int) -> None:
    raw = mqtt.varint(number)
    assert mqtt.read_varint(raw, 0) == (number, len(raw))
    assert mqtt.read_varint(raw[:-1], 0) is None


def test_a_length_of_five_bytes_is_refused() -> None:
    with pytest.raises(BrokerError, match="malformed"):
        mqtt.read_varint(b"\xff\xff\xff\xff\x01", 0)


def test_a_refused_connection_says_why() -> None:
    with pytest.raises(BrokerError, match="bad user name or password"):
        mqtt.read_connack(b"\x00\x04", version=4)
    with pytest.raises(BrokerError, match="taken over"):
        mqtt.read_connack(b"\x00\x8e\x00", version=5)


def test_connack_of_mqtt_5_tells_session_and_keep_alive() -> None:
    properties = b"\x13\x00\x0a" + b"\x1f\x00\x02hi" + b"\x26\x00\x01a\x00\x01b" + b"\x21\x00\x14"
    body = b"\x01\x00" + mqtt.varint(len(properties)) + properties
    assert mqtt.read_connack(body, version=5) == (True, 10)
    assert mqtt.read_connack(b"\x00\x00", version=4) == (False, None)


@given(
    cuts=st.lists(st.integers(min_value=0, max_value=400), max_size=8),
    sizes=st.lists(st.integers(0, 200), min_size=1, max_size=4),
)
async def test_packets_cut_anywhere_come_out_whole(cuts: list[int], sizes: list[int]) -> None:
    inbox = Inbox(1000, 1 << 30)
    connection = Connection(inbox, 4)
    wanted = [(f"t/{n}", bytes([n]) * size, n + 1) for n, size in enumerate(sizes)]
    stream = b"".join(packet(topic, payload, number) for topic, payload, number in wanted)
    at = 0
    for cut in sorted(cut for cut in cuts if cut < len(stream)):
        if stream[at:cut]:
            connection.data_received(stream[at:cut])
            at = cut
    connection.data_received(stream[at:])
    found = await inbox.take(1000, 0)
    assert [(d.topic, d.payload, d.packet_id) for d in found] == wanted
    assert all(d.qos == 1 and not d.dup and not d.retain for d in found)
    assert len({d.received_at for d in found}) == len(found)
    assert all(d.received_at.tzinfo is UTC and d.received_at.year >= 2024 for d in found)


@given(st.binary(max_size=300))
async def test_any_bytes_end_in_messages_or_a_closed_connection(data: bytes) -> None:
    inbox = Inbox(1000, 1 << 30)
    connection = Connection(inbox, 5)
    connection.data_received(data)
    if not connection.alive:
        assert isinstance(connection.lost.exception(), BrokerError)


@pytest.mark.parametrize(
    ("template", "topic", "expected"),
    [
        ("city/v1/devices/{device_id}/telemetry", "city/v1/devices/a/telemetry", (True, "a")),
        ("city/v1/devices/{device_id}/telemetry", "city/v1/devices/a/status", (False, None)),
        ("v3/+/devices/{device_id}/up", "v3/app/devices/b/up", (True, "b")),
        ("application/#", "application/1/device/2/event/up", (True, None)),
        ("a/+", "a/b/c", (False, None)),
        ("a/b/c", "a/b", (False, None)),
    ],
)
def test_a_route_matches_its_topics(template: str, topic: str, expected: tuple[bool, str | None]) -> None:
    assert make_route(template).match(topic) == expected
