"""A publisher of numbered readings, and an independent count of which numbers arrived.

Device I publishes value N at second N: every number once, acknowledged by the broker or not. The count is plain SQL.
"""

import asyncio
import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

TOPIC = "city/v1/devices/{}/telemetry"
COUNT = """
SELECT count(*) AS rows, count(DISTINCT o.result) AS numbers
  FROM device JOIN datastream USING (device_id) JOIN observation AS o USING (datastream_id)
 WHERE device_id LIKE 'numbered-%' AND o.result = ANY ($1::float8[])
"""


def registry(devices: int) -> dict[str, Any]:
    """Return the registry document of the numbered devices."""
    entry = {"profile": "citywatch/native", "domain": "traffic", "expected_interval": "60s"}
    return {"devices": [{"device_id": f"numbered-{i}", **entry} for i in range(devices)]}


@dataclass(slots=True)
class Numbered:
    """Publishes `first`, `first` + 1, ... at `rate` a second from a thread; `acknowledged` are the broker's PUBACKs."""

    port: int
    devices: int = 10
    rate: float = 400
    first: int = 0
    acknowledged: set[int] = field(default_factory=set)
    published: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _mids: dict[int, int] = field(default_factory=dict)
    _client: mqtt.Client | None = None

    def start(self) -> None:
        """Connect and begin."""
        client = mqtt.Client(CallbackAPIVersion.VERSION2, "numbered", clean_session=False)
        client.max_inflight_messages_set(1000)
        client.reconnect_delay_set(1, 2)
        client.on_publish = self._on_publish
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        self._client = client
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """Stop publishing, wait until every message is acknowledged, and disconnect."""
        self._stop.set()
        assert self._thread is not None
        assert self._client is not None
        self._thread.join()
        deadline = time.monotonic() + 60
        while len(self.acknowledged) < self.published and time.monotonic() < deadline:
            time.sleep(0.05)
        self._client.disconnect()
        self._client.loop_stop()

    def _on_publish(self, _client: object, _data: object, mid: int, _reason: object, _properties: object) -> None:
        number = self._mids.pop(mid, None)
        if number is not None:
            self.acknowledged.add(number)

    def _run(self) -> None:
        assert self._client is not None
        # Recent enough for a live source, one second apart, so that no two messages share a key.
        oldest = datetime.now(UTC) - timedelta(hours=40)
        begun = time.monotonic()
        while not self._stop.is_set():
            due = int((time.monotonic() - begun) * self.rate)
            while self.published < due and not self._stop.is_set():
                number = self.first + self.published
                at = oldest + timedelta(seconds=number // self.devices)
                body = json.dumps({"vehicle_count": number, "time": at.isoformat()}).encode()
                info = self._client.publish(TOPIC.format(f"numbered-{number % self.devices}"), body, qos=1)
                self._mids[info.mid] = number
                self.published += 1
            time.sleep(0.005)


def count(dsn: str, numbers: set[int]) -> tuple[int, int]:
    """Return how many rows hold one of `numbers`, and how many different ones they hold."""

    async def ask() -> tuple[int, int]:
        connection = await asyncpg.connect(dsn)
        try:
            row = await connection.fetchrow(COUNT, [float(number) for number in numbers])
            assert row is not None
            return int(row["rows"]), int(row["numbers"])
        finally:
            await connection.close()

    return asyncio.run(ask())
