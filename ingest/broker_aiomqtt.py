"""The session carried by aiomqtt. The only module that knows that library and paho beneath it.

Manual acknowledgement is not public in aiomqtt 2.5.1 (its issue 345), nor is pausing: this module reaches its paho
client for both, which is why the version is pinned.
"""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

import aiomqtt
import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from citywatch.errors import BrokerError
from ingest.broker import KEEPALIVE, SESSION_EXPIRY, BrokerSession
from ingest.inbox import Taker
from ingest.model import Delivery
from sql.retry import Backoff


class _Connection:
    """One connection: what it delivers can be acknowledged while it lives."""

    def __init__(self, client: paho.Client, inbox: Taker) -> None:
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


class AiomqttSession(BrokerSession):
    """A session whose receive loop is paho's, in this process's event loop."""

    async def connect_once(self, stop: asyncio.Event, backoff: Backoff) -> None:
        """See BrokerSession."""
        client = self._client()
        connection = _Connection(client._client, self.inbox)
        self.on_connected()
        try:
            async with client:
                # What is queued for the session comes before the answer to our subscription, and may fill the inbox.
                subscribing = asyncio.create_task(self._subscribe(client, backoff))
                try:
                    await self._hold(client, connection, stop, subscribing)
                finally:
                    subscribing.cancel()
        except aiomqtt.MqttError as error:
            raise BrokerError(str(error)) from error
        finally:
            connection.alive = False
            self.inbox.forget(connection)

    async def _subscribe(self, client: aiomqtt.Client, backoff: Backoff) -> None:
        patience = SESSION_EXPIRY.total_seconds()
        answers = await client.subscribe([(name, 1) for name in self.settings.filters], timeout=patience)
        self.check_granted([_code(answer) for answer in answers])
        self.begin(backoff)
        if self.settings.outdated:
            await client.unsubscribe(list(self.settings.outdated), timeout=patience)

    async def _hold(
        self, client: aiomqtt.Client, connection: _Connection, stop: asyncio.Event, subscribing: asyncio.Task[None]
    ) -> None:
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

        self.inbox.attach(connection, pause, resume)
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while not stopping.done() and not client._disconnected.done():
                awaited: list[asyncio.Future[Any]] = [stopping, client._disconnected]
                awaited += [] if subscribing.done() else [subscribing]
                await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED, timeout=KEEPALIVE / 3)
                if subscribing.done():
                    subscribing.result()
                if self.inbox.full:
                    # The broker's answer to our ping waits unread behind the messages: that is not a dead connection.
                    client._client._ping_t = 0
                    client._client._send_pingreq()
            if client._disconnected.done():
                client._disconnected.result()
                raise BrokerError("the broker closed the connection")
        finally:
            stopping.cancel()

    def _client(self) -> aiomqtt.Client:
        settings = self.settings
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
