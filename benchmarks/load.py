"""A publisher that costs next to nothing: packets encoded beforehand, written to a socket, acknowledgements counted.

`python -m benchmarks.load PORT COUNT [--devices N] [--pack N] [--rate N]` prints JSON: sent, acknowledged, seconds.
"""

import argparse
import json
import random
import select
import socket
import struct
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

TOPIC = "city/v1/devices/{}/telemetry"
DEVICE = "bench-{:05}"
VENDOR = "vendor-{:05}"  # speaks through a network server, in bytes that a vendor's script decodes
WARM_UP = 5000
WINDOW = 20_000
CHUNK = 500


def registry(devices: int, name: str = DEVICE, profile: str = "citywatch/air") -> dict[str, object]:
    """Return the registry document of the devices that the load comes from."""
    entry = {"profile": profile, "domain": "air", "expected_interval": "1s"}
    return {"devices": [{"device_id": name.format(n), **entry} for n in range(devices)]}


def packet(topic: str, payload: bytes, packet_id: int) -> bytes:
    """Return a PUBLISH with QoS 1 (MQTT 3.1.1)."""
    raw = topic.encode()
    body = struct.pack(">H", len(raw)) + raw + struct.pack(">H", packet_id) + payload
    out, left = bytearray(b"\x32"), len(body)
    while True:
        left, low = divmod(left, 128)
        out.append(low | 0x80 if left else low)
        if not left:
            return bytes(out) + body


def payloads(
    count: int, devices: int, pack: int, first: int = 0, seed: int = 1, back: int = 1200
) -> Iterator[tuple[str, bytes]]:
    """Yield (topic, payload): every device a second further with each of its readings, values that wander a little.

    They begin `back` seconds ago, 20 minutes: near enough that no clock seems to be wrong by a constant, and far enough
    that none of a million messages comes from the future.
    """
    dice = random.Random(seed)
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=back)
    topics = [TOPIC.format(DEVICE.format(n)) for n in range(devices)]
    levels = [dice.uniform(8, 30) for _ in range(devices)]
    steps = [dice.uniform(-0.6, 0.6) for _ in range(997)]
    for number in range(first, first + count):
        device, turn = number % devices, number // devices
        records = []
        for part in range(pack):
            at = begin + timedelta(seconds=turn * pack + part)
            value = levels[device] + steps[(number * 31 + part) % 997]
            records.append(f'{{"time":"{at:%Y-%m-%dT%H:%M:%SZ}","seq":{turn * pack + part},"pm2_5":{value:.2f}}}')
        body = records[0] if pack == 1 else "[" + ",".join(records) + "]"
        yield topics[device], body.encode()


def uplinks(count: int, devices: int, first: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield (topic, payload) as ChirpStack wraps a device's bytes: three channels of three bytes each."""
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=20)
    for number in range(first, first + count):
        name, turn = VENDOR.format(number % devices), number // devices
        at = begin + timedelta(seconds=turn)
        data = struct.pack(">BHBHBH", 1, 180 + number % 60, 2, 90 + number % 40, 3, 95)
        body = {
            "deduplicationId": f"{number}",
            "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "deviceInfo": {"devEui": name},
            "fPort": 2,
            "data": b64encode(data).decode(),
        }
        yield TOPIC.format(name), json.dumps(body).encode()


def connect(port: int, client_id: str, host: str = "127.0.0.1") -> socket.socket:
    """Return a socket with a clean session."""
    raw = client_id.encode()
    body = struct.pack(">H", 4) + b"MQTT\x04\x02" + struct.pack(">H", 0) + struct.pack(">H", len(raw)) + raw
    connection = socket.create_connection((host, port), 30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(bytes([0x10, len(body)]) + body)
    if connection.recv(4)[3] != 0:
        raise ConnectionError("the broker refuses the connection")
    connection.settimeout(None)
    return connection


def publish(
    port: int, messages: list[tuple[str, bytes]], rate: float | None = None, *, reconnect: bool = False
) -> dict[str, float]:
    """Publish all `messages`, at `rate` a second or as fast as acknowledged; return what happened.

    With `reconnect` a broken connection is made again, and what was not acknowledged is sent again.
    """
    packets = [packet(topic, body, number % 65_535 + 1) for number, (topic, body) in enumerate(messages)]
    connection, connections = connect(port, f"load-{random.randrange(1 << 30)}"), 1
    sent, acknowledged, received = 0, 0, 0
    began, wall = time.perf_counter(), time.time()
    while acknowledged < len(packets):
        room = min(WINDOW - (sent - acknowledged), CHUNK, len(packets) - sent)
        if rate is not None:
            room = min(room, int((time.perf_counter() - began) * rate) - sent)
        try:
            if room > 0:
                connection.sendall(b"".join(packets[sent : sent + room]))
                sent += room
            wait = 0.0 if room > 0 else 0.002 if rate is not None else 1.0
            if select.select([connection], [], [], wait)[0]:
                data = connection.recv(1 << 16)
                if not data:
                    raise ConnectionError("the broker closed the connection")
                received += len(data)  # nothing but PUBACKs comes, of four bytes each, in the order of sending
                acknowledged = received // 4
        except OSError:
            if not reconnect:
                raise
            connection.close()
            connection = connect_again(port)
            connections += 1
            sent, received = acknowledged, acknowledged * 4
    took = time.perf_counter() - began
    connection.sendall(b"\xe0\x00")
    connection.close()
    return {
        "sent": sent,
        "acknowledged": acknowledged,
        "connections": connections,
        "seconds": took,
        "began": wall,
        "rate": sent / took,
    }


def connect_again(port: int, host: str = "127.0.0.1") -> socket.socket:
    """Return a new connection as soon as the broker takes one; raise ConnectionError after two minutes."""
    deadline = time.monotonic() + 120
    while True:
        try:
            return connect(port, f"load-{random.randrange(1 << 30)}", host)
        except (OSError, IndexError) as error:
            if time.monotonic() > deadline:
                raise ConnectionError(f"the broker does not come back: {error}") from error
            time.sleep(0.1)


def main() -> None:
    """Publish as asked and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--pack", type=int, default=1)
    parser.add_argument("--kind", choices=("native", "javascript"), default="native")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--back", type=int, default=1200, help="age of the first message in seconds")
    parser.add_argument("--rate", type=float)
    parser.add_argument("--reconnect", action="store_true")
    options = parser.parse_args()
    if options.kind == "javascript":
        messages = list(uplinks(options.count, options.devices, options.first))
    else:
        messages = list(payloads(options.count, options.devices, options.pack, options.first, back=options.back))
    print(json.dumps(publish(options.port, messages, options.rate, reconnect=options.reconnect)), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
