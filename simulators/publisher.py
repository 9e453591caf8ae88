"""One MQTT connection on the running event loop: QoS 1, a bounded number of messages in flight, reconnecting.

paho's own thread is not used, so that one process can hold thousands of connections. What was sent and not yet
acknowledged when a connection breaks is sent again on the next one: at least once, as devices do.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from citywatch.errors import BrokerError
from citywatch.local.running import broker_account, broker_address
from citywatch.settings import Settings
from citywatch.telemetry import get_logger

KEEPALIVE = 30
LONGEST_PAUSE = 10.0

log = get_logger()


@dataclass(slots=True)
class Endpoint:
    """Where and as whom to connect."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Endpoint":
        """Return the broker of the settings, or the embedded one, with the account of our own processes there."""
        ca_file = settings.broker.ca_file
        return cls(*broker_address(settings), *broker_account(settings), str(ca_file) if ca_file else None)


class Publisher:
    """Publishes with `window` messages in flight at most; `await publish` waits while the window is full."""

    def __init__(
        self, endpoint: Endpoint, client_id: str, *, window: int = 500, will: tuple[str, bytes] | None = None
    ) -> None:
        self.endpoint, self.client_id, self.window = endpoint, client_id, window
        self.acknowledged = 0
        self._outstanding = 0
        self._room = asyncio.Event()
        self._room.set()
        self._online = asyncio.Event()
        self._closing = False
        self._refused: str | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._topics: list[tuple[str, int]] = []
        self._client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv311)
        self._client.max_inflight_messages_set(window)
        if endpoint.username is not None:
            self._client.username_pw_set(endpoint.username, endpoint.password)
        if endpoint.ca_file is not None:
            self._client.tls_set(endpoint.ca_file)
        if will is not None:
            self._client.will_set(will[0], will[1], qos=1, retain=True)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_socket_register_write = self._on_want_write
        self._client.on_socket_close = self._on_socket_close
        self._socket: Any = None  # paho may wrap it

    async def open(self) -> None:
        """Connect; raise BrokerError when the broker cannot be reached or refuses. Later losses are mended silently."""
        try:
            await self._connect()
            await asyncio.wait_for(self._online.wait(), timeout=10)
        except (OSError, TimeoutError) as reason:
            self._forget_socket()
            place = f"{self.endpoint.host}:{self.endpoint.port}"
            raise BrokerError(f"no MQTT connection to {place}: {self._refused or reason or 'no answer'}") from None
        self._keeper = asyncio.create_task(self._keep())

    def listen(self, topics: Sequence[str], hear: Callable[[str, bytes], None]) -> None:
        """Have `hear` called with topic and payload of what arrives; to be set before `open`."""
        self._topics = [(topic, 1) for topic in topics]
        self._client.on_message = lambda _client, _userdata, message: hear(message.topic, bytes(message.payload))

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand one message over, waiting for room in the window."""
        while self._outstanding >= self.window:
            self._room.clear()
            await self._room.wait()
        self._outstanding += 1
        self._client.publish(topic, payload, qos=1, retain=retain)

    async def drain(self) -> None:
        """Wait until the broker has acknowledged everything."""
        while self._outstanding:
            self._room.clear()
            await self._room.wait()

    async def close(self) -> None:
        """Disconnect orderly; what is still in flight gets a moment."""
        self._closing = True
        if self._online.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.drain(), timeout=3)
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        self._client.disconnect()
        while self._client.want_write():
            if self._client.loop_write() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
        self._forget_socket()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._client.connect, self.endpoint.host, self.endpoint.port, KEEPALIVE)
        opened = self._client.socket()
        if opened is None:
            raise ConnectionError("the connection was closed at once")
        self._socket = opened
        loop.add_reader(opened, self._read)
        if self._client.want_write():
            self._on_want_write(self._client, None, opened)

    async def _keep(self) -> None:
        """Send keep-alives, and connect again when the connection is lost."""
        pause = 0.5
        while True:
            if self._online.is_set():
                pause = 0.5
                self._client.loop_misc()
                await asyncio.sleep(5)
                continue
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            try:
                await self._connect()
                await asyncio.wait_for(self._online.wait(), timeout=10)
            except (OSError, TimeoutError) as reason:
                self._forget_socket()
                log.warning("broker_away", client=self.client_id, reason=self._refused or str(reason), again_in=pause)

    def _read(self) -> None:
        self._client.loop_read()
        current = self._client.socket()
        # TLS may hold whole records that the socket no longer announces.
        while current is not None and getattr(current, "pending", lambda: 0)():
            self._client.loop_read()
            current = self._client.socket()

    def _write(self) -> None:
        self._client.loop_write()
        if self._socket is not None and not self._client.want_write():
            asyncio.get_running_loop().remove_writer(self._socket)

    def _forget_socket(self) -> None:
        if self._socket is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._socket)
            loop.remove_writer(self._socket)
            self._socket.close()
            self._socket = None

    def _on_want_write(self, _client: Client, _userdata: Any, wanted: Any) -> None:
        if self._socket is not None and wanted is self._socket:
            asyncio.get_running_loop().add_writer(wanted, self._write)

    def _on_socket_close(self, _client: Client, _userdata: Any, closed: Any) -> None:
        if self._socket is not None and closed is self._socket:
            loop = asyncio.get_running_loop()
            loop.remove_reader(closed)
            loop.remove_writer(closed)
            self._socket = None

    def _on_connect(
        self, _client: Client, _userdata: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._refused = str(reason)
            return
        self._refused = None
        if self._topics:
            self._client.subscribe(self._topics)
        self._online.set()

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: Any,
        _flags: DisconnectFlags,
        _reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._online.clear()

    def _on_publish(
        self, _client: Client, _userdata: Any, _mid: int, _reason: ReasonCode, _properties: Properties
    ) -> None:
        self._outstanding -= 1
        self.acknowledged += 1
        self._room.set()
