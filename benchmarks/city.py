"""A city's traffic at its own pace, with one device that floods or many that deliver a backlog at once."""

import heapq
import random
import select
import socket
import time
from datetime import UTC, datetime, timedelta

from benchmarks.load import DEVICE, TOPIC, connect, packet


def _body(at: datetime, number: int) -> bytes:
    return f'{{"time":"{at.isoformat()}","pm2_5":{10 + number % 50 / 10:.1f}}}'.encode()


def _hear(connection: socket.socket) -> int:
    data = connection.recv(1 << 16)
    if not data:
        raise ConnectionError("the broker closed the connection")
    return len(data)


def publish_city(
    port: int,
    seconds: float,
    *,
    normal: int,
    normal_rate: float,
    loud: int = 0,
    loud_rate: float = 0.0,
    backlog: int = 0,
    backlog_each: int = 0,
) -> dict[str, float]:
    """Publish for `seconds`: devices 0 to `normal` - 1 together at `normal_rate`, the next `loud` each at `loud_rate`.

    Instead of loud ones, `backlog` devices send `backlog_each` readings of the past minutes each, all at once, at a
    third of the time. Every live reading carries the instant of its publication, so that its delay can be told.
    """
    connection, dice = connect(port, f"city-{random.randrange(1 << 30)}"), random.Random(3)
    connection.setblocking(True)
    due: list[tuple[float, int, float]] = []  # when, device, seconds until its next
    for n in range(normal):
        every = normal / normal_rate
        heapq.heappush(due, (dice.uniform(0, every), n, every))
    for n in range(normal, normal + loud):
        heapq.heappush(due, (dice.uniform(0, 1 / loud_rate), n, 1 / loud_rate))
    began, wall, sent, flushed = time.monotonic(), time.time(), 0, False
    received = 0  # bytes: nothing but PUBACKs comes, of four each
    while (now := time.monotonic() - began) < seconds:
        out = bytearray()
        if backlog and not flushed and now > seconds / 3:
            flushed = True
            start = datetime.now(UTC) - timedelta(minutes=backlog_each)
            for minute in range(backlog_each):
                for n in range(normal, normal + backlog):
                    sent += 1
                    body = _body(start + timedelta(minutes=minute), minute)
                    out += packet(TOPIC.format(DEVICE.format(n)), body, sent % 65_535 + 1)
        while due and due[0][0] <= now:
            at, n, every = heapq.heappop(due)
            sent += 1
            out += packet(TOPIC.format(DEVICE.format(n)), _body(datetime.now(UTC), sent), sent % 65_535 + 1)
            heapq.heappush(due, (at + every, n, every))
        if out:
            connection.sendall(out)
        while select.select([connection], [], [], 0.002)[0]:
            received += _hear(connection)
    while received < 4 * sent:  # closing earlier would throw away what the broker has not read yet
        received += _hear(connection)
    connection.sendall(b"\xe0\x00")
    connection.close()
    return {"messages": sent, "began": wall, "seconds": seconds}
