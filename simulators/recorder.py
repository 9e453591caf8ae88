"""Capturing live traffic: a subscriber of its own that writes what it hears until it is told to stop."""

import asyncio
import queue
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from citywatch.errors import BrokerError
from simulators.publisher import KEEPALIVE, Endpoint
from simulators.recording import Captured, line_of, open_recording

HELD = 100_000  # messages between the network and the disk; beyond that the network waits
TICK = 0.2


class Recorder:
    """Subscribes with QoS 1 on paho's thread and writes on ours; retained messages are old news and left out."""

    def __init__(self, endpoint: Endpoint, client_id: str, filters: list[str]) -> None:
        self.endpoint, self.filters = endpoint, filters
        self.messages = 0
        self._heard: queue.Queue[Captured] = queue.Queue(HELD)
        self._refused: str | None = None
        self._ready = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv311)
        if endpoint.username is not None:
            self._client.username_pw_set(endpoint.username, endpoint.password)
        if endpoint.ca_file is not None:
            self._client.tls_set(endpoint.ca_file)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    async def open(self) -> None:
        """Connect and subscribe; raise BrokerError where that is not granted within ten seconds."""
        place = f"{self.endpoint.host}:{self.endpoint.port}"
        try:
            await self._loop.run_in_executor(
                None, self._client.connect, self.endpoint.host, self.endpoint.port, KEEPALIVE
            )
            self._client.loop_start()
            await asyncio.wait_for(self._ready.wait(), timeout=10)
        except (OSError, TimeoutError) as reason:
            self._client.loop_stop()
            raise BrokerError(f"no MQTT connection to {place}: {reason or 'no answer'}") from None
        if self._refused is not None:
            self._client.loop_stop()
            raise BrokerError(f"{place} refused the subscription: {self._refused}")

    async def write(self, path: Path, stop: asyncio.Event, tell: Callable[[int], None]) -> None:
        """Write to `path` until `stop` is set; every line is whole whenever the file is looked at."""
        with open_recording(path, "wb") as file:
            try:
                while not stop.is_set():
                    self._write_heard(file.write)
                    file.flush()
                    tell(self.messages)
                    try:
                        await asyncio.wait_for(stop.wait(), timeout=TICK)
                    except TimeoutError:
                        continue
            finally:
                self._client.disconnect()
                self._client.loop_stop()
                self._write_heard(file.write)

    def _write_heard(self, write: Callable[[bytes], Any]) -> None:
        while True:
            try:
                captured = self._heard.get_nowait()
            except queue.Empty:
                return
            write(line_of(captured))
            self.messages += 1

    def _on_connect(
        self, client: Client, _userdata: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._refused = str(reason)
            self._loop.call_soon_threadsafe(self._ready.set)
            return
        client.subscribe([(one, 1) for one in self.filters])

    def _on_subscribe(
        self, _client: Client, _userdata: Any, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        failures = [str(reason) for reason in reasons if reason.is_failure]
        self._refused = failures[0] if failures else None
        self._loop.call_soon_threadsafe(self._ready.set)

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        if not message.retain:
            self._heard.put(Captured(datetime.now(UTC), message.topic, bytes(message.payload)))
