"""The messages of the chaos proof, the same for the same seed, and how many readings of each device there are.

Nine devices of ten are bins of a replay source, which say when they measured; the tenth counts vehicles without saying
when, so that nothing but its delivery key keeps a redelivery from being stored twice. Bins dwell around the limits of
the shipped rules and fall silent now and then: alerts come of it.

`python -m docs.proof.chaos_messages HOST PORT DEVICES RATE COUNT [more]` publishes COUNT messages, with `more` as
many as there are until SIGTERM if that comes later, and prints how many.
"""

import json
import os
import random
import select
import signal
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from benchmarks.load import CHUNK, TOPIC, connect_again, packet

FULL = os.environ.get("PROOF_FULL") == "1"
RATE = 1000 if FULL else 600  # messages a second
SEED = 11
START = datetime(2026, 3, 3, 8, tzinfo=UTC)
EVERY = timedelta(seconds=10)  # between two readings of one device
# So many that what they measured is as long ago as what they send: an outage is no longer here than it is out there.
DEVICES = RATE * int(EVERY.total_seconds())
BIN, COUNTER = "chaos-bin-{:05}", "chaos-counter-{:05}"
IN_FLIGHT = 5000


def device(number: int) -> str:
    """Return the id of one device."""
    return (COUNTER if number % 10 == 9 else BIN).format(number)


def registry(devices: int = DEVICES) -> dict[str, Any]:
    """Return the registry document of so many devices."""
    bins = {"profile": "citywatch/bin", "domain": "waste", "source_id": "chaos", "expected_interval": "10s"}
    counters = {"profile": "citywatch/native", "domain": "traffic", "expected_interval": "10s"}
    entries = [{"device_id": device(n), **(counters if n % 10 == 9 else bins)} for n in range(devices)]
    return {"sources": [{"source_id": "chaos", "kind": "replay"}], "devices": entries}


def messages(devices: int = DEVICES) -> Iterator[tuple[str, str]]:
    """Yield device and payload without end, turn by turn."""
    dice = random.Random(SEED)
    level = [dice.uniform(20, 80) for _ in range(devices)]
    heat = [20.0] * devices
    battery = [80.0] * devices
    mute = [0] * devices
    number = turn = 0
    while True:
        for each in range(devices):
            name = device(each)
            if each % 10 == 9:
                yield name, f'{{"seq":{turn},"vehicle_count":{number}}}'
                number += 1
                continue
            chance = dice.random()
            if chance < 0.002:
                mute[each] = turn + dice.randint(4, 12)
            elif chance < 0.008:
                level[each] = dice.choice([5.0, 60.0, 88.0, 91.0, 95.0, 99.5])
            elif chance < 0.010:
                heat[each] = dice.choice([20.0, 55.0, 61.0, 300.0])
            elif chance < 0.012:
                battery[each] = dice.choice([10.0, 15.0, 18.0, 80.0])
            if turn < mute[each]:
                continue
            at = START + turn * EVERY + each * EVERY / devices
            values = f'"fill_level":{level[each] + dice.uniform(-0.4, 0.4):.2f}'
            values += f',"bin_temperature":{heat[each] + dice.uniform(-1, 1):.1f},"battery":{battery[each]:.0f}'
            yield name, f'{{"time":"{at.isoformat(timespec="milliseconds")}","seq":{turn},{values}}}'
        turn += 1


def readings(count: int) -> Counter[str]:
    """Return how many readings of each device the first `count` messages hold."""
    found: Counter[str] = Counter()
    for name, _ in islice(messages(), count):
        found[name] += 1 if name.startswith("chaos-counter") else 3
    return found


class Publisher:
    """Publishes with QoS 1; what a lost connection leaves unacknowledged is sent again."""

    def __init__(self, host: str, port: int) -> None:
        self._to = host, port
        self._connection: socket.socket | None = None
        self._waiting: deque[bytes] = deque()
        self._answered = 0  # bytes of a PUBACK, of which only a part has come
        self.acknowledged = 0
        self.connections = 0

    def send(self, packets: list[bytes]) -> None:
        """Send, or keep for the next connection."""
        self._waiting.extend(packets)
        if self._connection is None:
            self._again()
        else:
            self._guarded(packets)

    def listen(self, seconds: float) -> None:
        """Take acknowledgements for a while."""
        if self._connection is None:
            self._again()
        assert self._connection is not None
        if select.select([self._connection], [], [], seconds)[0]:
            try:
                data = self._connection.recv(1 << 16)
            except OSError:
                data = b""
            if not data:
                self._connection = None
                return
            # Nothing but PUBACKs comes, of four bytes each, in the order of sending.
            whole, self._answered = divmod(self._answered + len(data), 4)
            self.acknowledged += whole
            for _ in range(whole):
                self._waiting.popleft()

    @property
    def in_flight(self) -> int:
        """Return how many messages are not acknowledged."""
        return len(self._waiting)

    def _again(self) -> None:
        self._connection, self._answered = connect_again(self._to[1], self._to[0]), 0
        self.connections += 1
        self._guarded(list(self._waiting))

    def _guarded(self, packets: list[bytes]) -> None:
        assert self._connection is not None
        try:
            self._connection.sendall(b"".join(packets))
        except OSError:
            self._connection = None


def publish(host: str, port: int, devices: int, rate: float, at_least: int, *, more: bool) -> dict[str, int]:
    """Publish `at_least` messages at `rate` a second, with `more` until SIGTERM; return what was published."""
    enough: list[int] = [] if more else [0]
    signal.signal(signal.SIGTERM, lambda number, _frame: enough.append(number))
    flow, sent, publisher = messages(devices), 0, Publisher(host, port)
    began = time.monotonic()
    while not enough or sent < at_least or publisher.in_flight:
        room = min(int((time.monotonic() - began) * rate) - sent, CHUNK, IN_FLIGHT - publisher.in_flight)
        if enough:
            room = min(room, at_least - sent)
        if room > 0:
            publisher.send(
                [
                    packet(TOPIC.format(name), body.encode(), (sent + each) % 65_535 + 1)
                    for each, (name, body) in enumerate(islice(flow, room))
                ]
            )
            sent += room
        publisher.listen(0.0 if room == CHUNK else 0.005)
    return {"published": sent, "acknowledged": publisher.acknowledged, "connections": publisher.connections}


if __name__ == "__main__":
    host, port, devices, rate, count, *more = sys.argv[1:]
    published = publish(host, int(port), int(devices), float(rate), int(count), more=more == ["more"])
    print(json.dumps(published), flush=True)
