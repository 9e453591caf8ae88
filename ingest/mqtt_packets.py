"""The few MQTT packets that a receiver needs, as bytes (OASIS MQTT 3.1.1 and 5.0). Pure.

QoS 2, wills and topic aliases are not here: a receiver that does not offer them is not sent them.
"""

import struct
from collections.abc import Sequence

from citywatch.errors import BrokerError

CONNACK, PUBLISH, SUBACK, UNSUBACK, PINGRESP, DISCONNECT = 2, 3, 9, 11, 13, 14
PINGREQ = b"\xc0\x00"
GOODBYE = b"\xe0\x00"
SUBSCRIBE_ID = 1
LONGEST_VARINT = 4

# CONNACK, 3.1.1 (table 3.1); in 5.0 the codes are 128 and above, named in section 3.2.2.2.
REFUSALS = {
    1: "unacceptable protocol version",
    2: "client id rejected",
    3: "server unavailable",
    4: "bad user name or password",
    5: "not authorized",
    128: "unspecified error",
    132: "unsupported protocol version",
    133: "client id not valid",
    134: "bad user name or password",
    135: "not authorized",
    136: "server unavailable",
    137: "server busy",
    138: "banned",
    139: "server shutting down",
    141: "keep alive timeout",
    142: "session taken over by another worker with the same client id",
    151: "quota exceeded",
}
# Length of the CONNACK and DISCONNECT properties that are not text (5.0, table 2-4): id -> bytes.
_FIXED = {0x11: 4, 0x13: 2, 0x21: 2, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1}
_SERVER_KEEP_ALIVE = 0x13


def varint(number: int) -> bytes:
    """Return a variable byte integer."""
    out = bytearray()
    while True:
        number, low = divmod(number, 128)
        out.append(low | 0x80 if number else low)
        if not number:
            return bytes(out)


def read_varint(data: bytes, at: int) -> tuple[int, int] | None:
    """Return the number at `at` and where it ends; None where it is not whole yet; raise BrokerError if malformed."""
    number = 0
    for count in range(LONGEST_VARINT):
        if at + count >= len(data):
            return None
        byte = data[at + count]
        number |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return number, at + count + 1
    raise BrokerError("the broker sent a malformed packet length")


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">H", len(raw)) + raw


def _packet(head: int, body: bytes) -> bytes:
    return bytes([head]) + varint(len(body)) + body


def connect(
    client_id: str,
    *,
    version: int,
    keepalive: int,
    username: str | None = None,
    password: str | None = None,
    session_expiry: int = 0,
    receive_maximum: int = 65_535,
) -> bytes:
    """Return a CONNECT that resumes the session of `client_id`; `version` is 4 (3.1.1) or 5."""
    flags = (0x80 if username is not None else 0) | (0x40 if password is not None else 0)
    body = _text("MQTT") + bytes([version, flags]) + struct.pack(">H", keepalive)
    if version == 5:
        properties = b"\x11" + struct.pack(">I", session_expiry) + b"\x21" + struct.pack(">H", receive_maximum)
        body += varint(len(properties)) + properties
    body += _text(client_id)
    for part in (username, password):
        if part is not None:
            body += _text(part)
    return _packet(0x10, body)


def subscribe(filters: Sequence[str], *, version: int) -> bytes:
    """Return a SUBSCRIBE to every filter with QoS 1."""
    body = struct.pack(">H", SUBSCRIBE_ID) + (b"\x00" if version == 5 else b"")
    return _packet(0x82, body + b"".join(_text(name) + b"\x01" for name in filters))


def unsubscribe(filters: Sequence[str], *, version: int) -> bytes:
    """Return an UNSUBSCRIBE from every filter; what is queued for the session already still comes."""
    body = struct.pack(">H", SUBSCRIBE_ID) + (b"\x00" if version == 5 else b"")
    return _packet(0xA2, body + b"".join(_text(name) for name in filters))


def publish(topic: str, payload: bytes, packet_id: int, *, version: int) -> bytes:
    """Return a PUBLISH with QoS 1."""
    return _packet(0x32, _text(topic) + struct.pack(">H", packet_id) + (b"\x00" if version == 5 else b"") + payload)


def puback(packet_id: int) -> bytes:
    """Return a PUBACK; this short form means success in 5.0 too."""
    return b"\x40\x02" + packet_id.to_bytes(2, "big")


def read_connack(body: bytes, *, version: int) -> tuple[bool, int | None]:
    """Return whether a session was resumed, and the keep-alive the server imposes; raise BrokerError if refused."""
    if len(body) < 2:
        raise BrokerError("the broker sent a malformed CONNACK")
    if body[1]:
        raise BrokerError(f"the broker refuses the connection: {REFUSALS.get(body[1], f'code {body[1]}')}")
    keepalive = None
    if version == 5:
        keepalive = _properties(body, 2).get(_SERVER_KEEP_ALIVE)
    return bool(body[0] & 1), keepalive


def read_suback(body: bytes, *, version: int) -> list[int]:
    """Return the granted QoS, or the refusal (128 and above), of every filter."""
    at = 2
    if version == 5:
        found = read_varint(body, at)
        if found is None:
            raise BrokerError("the broker sent a malformed SUBACK")
        at = found[1] + found[0]
    return list(body[at:])


def read_disconnect(body: bytes) -> str:
    """Return why the broker closes the connection (5.0)."""
    code = body[0] if body else 0
    return REFUSALS.get(code, f"code {code}")


def _properties(body: bytes, at: int) -> dict[int, int]:
    """Return the properties that are numbers, by id; text properties are passed over."""
    found = read_varint(body, at)
    if found is None:
        raise BrokerError("the broker sent a packet with malformed properties")
    length, at = found
    end, numbers = at + length, {}
    while at < end:
        name, at = body[at], at + 1
        size = _FIXED.get(name)
        if size is not None:
            numbers[name] = int.from_bytes(body[at : at + size], "big")
            at += size
        else:
            for _ in range(2 if name == 0x26 else 1):  # a user property is a pair
                at += 2 + int.from_bytes(body[at : at + 2], "big")
    return numbers
