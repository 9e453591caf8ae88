"""The worker's session with the broker. The only module that knows the client library.

Manual acknowledgement is not public in aiomqtt 2.5.1 (its issue 345), nor is pausing: this module reaches its paho
client for both, which is why the version is pinned.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from citywatch.errors import BrokerError
from citywatch.telemetry import get_logger
from ingest.inbox import Inbox
from ingest.model import Delivery
from sql.retry import Backoff

log = get_logger()

SESSION_EXPIRY = timedelta(days=7)
KEEPALIVE = 30
GROUP = "citywatch"


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Where the broker is and who we are there. `client_id` names the persistent session: the same after a restart."""

    host: str
    port: int
    client_id: str
    filters: tuple[str, ...]
    protocol: str = "3.1.1"
    username: str | None = None
    password: str | None = None
    ca_file: Path | None = None
    window: int = 20_000


def share(filters: Sequence[str], workers: int) -> tuple[str, ...]:
    """Return the filters to subscribe to: shared where several workers divide the messages among them."""
    return tuple(f"$share/{GROUP}/{name}" if workers > 1 else name for name in filters)


class _Connection:
    """One connection: what it delivers can be acknowledged while it lives."""

    def __init__(self, client: paho.Client, inbox: Inbox) -> None:
        self._client = client
        self._inbox = inbox
        self._last: datetime = datetime.min.replace(tzinfo=UTC)
        self.alive = True
        client.manual_ack_set(True)
        client.on_message = self._take  # straight to the inbox: aiomqtt's own queue has no bound that keeps messages

    def acknowledge(self, packet_id: int) -> None:
        if self.alive:
            self._client.ack(packet_id, 1)

    def _take(self, _client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        # Each arrival has a time of its own: readings without a device time are told apart by it.
        self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = message._topic.decode("utf-8", "backslashreplace")
        self._inbox.put(
            Delivery(
                topic,
                bytes(message.payload),
                self._last,
                message.qos,
                bool(message.dup),
                bool(message.retain),
                message.mid,
                self,
            )
        )


class BrokerSession:
    """A persistent session that reconnects for as long as it runs, and hands every message to the inbox."""

    def __init__(self, settings: SessionSettings, inbox: Inbox, on_connected: Callable[[], None]) -> None:
        """`on_connected` is called before the first message of each connection."""
        self._settings = settings
        self._inbox = inbox
        self._on_connected = on_connected
        self.connected = False

    async def run(self, stop: asyncio.Event) -> None:
        """Receive until `stop` is set; then disconnect in order, keeping the session at the broker."""
        backoff = Backoff()
        while not stop.is_set():
            try:
                await self._connect_once(stop, backoff)
            except (aiomqtt.MqttError, OSError, BrokerError) as error:
                delay = backoff.take()
                log.warning("broker_away", error=str(error), retry_in=round(delay, 2))
                await _wait(stop, delay)

    async def _connect_once(self, stop: asyncio.Event, backoff: Backoff) -> None:
        settings = self._settings
        client = self._client()
        connection = _Connection(client._client, self._inbox)
        self._on_connected()
        try:
            async with client:
                answers = await client.subscribe([(name, 1) for name in settings.filters])
                refused = [name for name, answer in zip(settings.filters, answers, strict=True) if _code(answer) >= 128]
                if refused:
                    raise BrokerError(f"the broker refuses the subscription to {', '.join(refused)}")
                backoff.reset()
                self.connected = True
                log.info("broker_connected", host=settings.host, port=settings.port, client_id=settings.client_id)
                await self._hold(client, stop)
        finally:
            self.connected = connection.alive = False
            self._inbox.on_full = self._inbox.on_room = None
            self._inbox.forget(connection)

    async def _hold(self, client: aiomqtt.Client, stop: asyncio.Event) -> None:
        """Keep the connection until it breaks or `stop` is set, reading the socket only while the inbox has room."""
        loop, socket = asyncio.get_running_loop(), client._client.socket()
        assert socket is not None
        number = socket.fileno()
        # The loop's own record of who reads: aiomqtt registers its reader there and offers no pause.
        reader: Any = loop._selector.get_key(number).data[0]  # type: ignore[attr-defined]
        read = reader._callback  # kept now: a removed reader forgets it

        def pause() -> None:
            loop.remove_reader(number)

        def resume() -> None:
            if not client._disconnected.done():
                loop.add_reader(number, read)

        self._inbox.on_full, self._inbox.on_room = pause, resume
        if self._inbox.full:
            pause()
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while not stopping.done() and not client._disconnected.done():
                await asyncio.wait(
                    (stopping, client._disconnected), return_when=asyncio.FIRST_COMPLETED, timeout=KEEPALIVE / 3
                )
                if self._inbox.full:
                    # The broker's answer to our ping waits unread behind the messages: that is not a dead connection.
                    client._client._ping_t = 0
                    client._client._send_pingreq()
            if client._disconnected.done():
                client._disconnected.result()
                raise aiomqtt.MqttError("the broker closed the connection")
        finally:
            stopping.cancel()

    def _client(self) -> aiomqtt.Client:
        settings = self._settings
        common: dict[str, Any] = {
            "hostname": settings.host,
            "port": settings.port,
            "identifier": settings.client_id,
            "username": settings.username,
            "password": settings.password,
            "keepalive": KEEPALIVE,
            "tls_context": None
            if settings.ca_file is None
            else ssl.create_default_context(cafile=str(settings.ca_file)),
        }
        if settings.protocol == "3.1.1":
            return aiomqtt.Client(protocol=aiomqtt.ProtocolVersion.V311, clean_session=False, **common)
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = int(SESSION_EXPIRY.total_seconds())
        properties.ReceiveMaximum = settings.window
        return aiomqtt.Client(protocol=aiomqtt.ProtocolVersion.V5, clean_start=False, properties=properties, **common)


def _code(answer: Any) -> int:
    return answer if isinstance(answer, int) else int(answer.value)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
