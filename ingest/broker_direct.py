"""The session carried by a receive loop of our own: bytes to deliveries in one pass, acknowledgements in one write.

paho spends some 50 us on each message; this loop spends 2 (docs/benchmarks.md). It only receives.
"""

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from citywatch.errors import BrokerError
from ingest import mqtt_packets as mqtt
from ingest.broker import KEEPALIVE, SESSION_EXPIRY, BrokerSession
from ingest.inbox import Taker
from ingest.model import Delivery
from sql.retry import Backoff

CONNECT_PATIENCE = 10.0
TOPICS_KEPT = 100_000
_MICROSECOND = timedelta(microseconds=1)


class Connection(asyncio.Protocol):
    """One connection: parses what arrives, puts messages into the inbox, writes acknowledgements."""

    def __init__(self, inbox: Taker, version: int) -> None:
        loop = asyncio.get_running_loop()
        self.connected: asyncio.Future[tuple[bool, int | None]] = loop.create_future()
        self.granted: asyncio.Future[list[int]] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()
        self.alive = True
        self.heard_at = loop.time()
        self.on_answer: Callable[[], None] = lambda: None
        self._loop = loop
        self._inbox = inbox
        self._version = version
        self._transport: asyncio.Transport | None = None
        self._rest = bytearray()
        self._needed = 0
        self._acks: list[bytes] = []
        self._topics: dict[bytes, str] = {}
        self._last = datetime.min.replace(tzinfo=UTC)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits for anything from this connection."""
        self.alive = False
        reason = exc or BrokerError("the broker closed the connection")
        for future in (self.connected, self.granted, self.lost):
            if not future.done():
                future.set_exception(reason)
                future.exception()  # retrieved here, whether or not anybody waits for it

    def data_received(self, data: bytes) -> None:
        """Take in every whole packet; what is cut waits for its end."""
        self.heard_at = self._loop.time()
        rest = self._rest
        if rest:
            rest += data
            if len(rest) < self._needed:
                return
            data = bytes(rest)
            rest.clear()
        try:
            end = self._parse(data)
        except (BrokerError, IndexError) as error:
            self.fail(error if isinstance(error, BrokerError) else BrokerError("the broker sent a malformed packet"))
            return
        if end < len(data):
            rest += data[end:]

    def _parse(self, data: bytes) -> int:
        """Handle every whole packet in `data`; return where the first incomplete one begins."""
        at, size, self._needed = 0, len(data), 0
        now = max(datetime.now(UTC), self._last + _MICROSECOND)
        put, topics, properties = self._inbox.put, self._topics, self._version == 5
        while at + 2 <= size:
            head, length, start = data[at], data[at + 1], at + 2
            if length >= 0x80:
                found = mqtt.read_varint(data, at + 1)
                if found is None:
                    break
                length, start = found
            end = start + length
            if end > size:
                self._needed = end - at
                break
            at = end
            if head >> 4 != mqtt.PUBLISH:
                self._other(head >> 4, data[start:end])
                continue
            body = start + 2 + (data[start] << 8 | data[start + 1])
            raw = data[start + 2 : body]
            topic = topics.get(raw)
            if topic is None:
                if len(topics) >= TOPICS_KEPT:
                    topics.clear()
                topic = topics[raw] = raw.decode("utf-8", "backslashreplace")
            qos, packet_id = head >> 1 & 3, 0
            if qos:
                packet_id = data[body] << 8 | data[body + 1]
                body += 2
            if properties:
                skip = data[body]
                if skip < 0x80:
                    body += 1 + skip
                else:
                    found = mqtt.read_varint(data, body)
                    if found is None:
                        raise BrokerError("the broker sent a malformed PUBLISH")
                    body = found[1] + found[0]
            # Each arrival has a time of its own: readings without a device time are told apart by it.
            put(Delivery(topic, data[body:end], now, qos, head & 8 != 0, head & 1 != 0, packet_id, self))
            now += _MICROSECOND
        self._last = now
        return at

    def _other(self, kind: int, body: bytes) -> None:
        if kind == mqtt.CONNACK and not self.connected.done():
            self.connected.set_result(mqtt.read_connack(body, version=self._version))
        elif kind == mqtt.SUBACK and not self.granted.done():
            self.granted.set_result(mqtt.read_suback(body, version=self._version))
        elif kind == mqtt.UNSUBACK and not self.granted.done():
            self.granted.set_result([])
        elif kind == mqtt.PINGRESP:
            self.on_answer()
        elif kind == mqtt.DISCONNECT:
            raise BrokerError(f"the broker closes the connection: {mqtt.read_disconnect(body)}")

    def fail(self, error: BrokerError) -> None:
        """Give the connection up for `error`."""
        for future in (self.connected, self.granted, self.lost):
            if not future.done():
                future.set_exception(error)
                future.exception()
        self.alive = False
        if self._transport is not None:
            self._transport.abort()

    def write(self, packet: bytes) -> None:
        """Send one packet."""
        if self._transport is not None and self.alive:
            self._transport.write(packet)

    def acknowledge(self, packet_id: int) -> None:
        """Acknowledge with the next write, which carries all acknowledgements of a batch."""
        if self.alive:
            if not self._acks:
                self._loop.call_soon(self.flush)
            self._acks.append(mqtt.puback(packet_id))

    def flush(self) -> None:
        """Write the acknowledgements that wait."""
        acks, self._acks = self._acks, []
        if acks:
            self.write(b"".join(acks))

    def pause(self) -> None:
        """Read no further: the broker keeps the rest."""
        if self._transport is not None and self.alive:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._transport is not None and self.alive:
            self.heard_at = self._loop.time()
            self._transport.resume_reading()

    async def close(self) -> None:
        """Acknowledge what is to be acknowledged, say goodbye, and wait until it is sent."""
        self.flush()
        self.write(mqtt.GOODBYE)
        if self._transport is not None:
            self._transport.close()
            await asyncio.wait((self.lost,), timeout=CONNECT_PATIENCE)


class DirectSession(BrokerSession):
    """A session whose receive loop is ours."""

    _connection: Connection | None = None

    def ping(self) -> bool:
        """See BrokerSession."""
        if self._connection is not None:
            self._connection.write(mqtt.PINGREQ)
        return True

    async def connect_once(self, stop: asyncio.Event, backoff: Backoff) -> None:
        """See BrokerSession."""
        settings = self.settings
        version = 5 if settings.protocol == "5" else 4
        tls = None if settings.ca_file is None else ssl.create_default_context(cafile=str(settings.ca_file))
        connection = Connection(self.inbox, version)
        try:
            async with asyncio.timeout(CONNECT_PATIENCE):
                await asyncio.get_running_loop().create_connection(
                    lambda: connection, settings.host, settings.port, ssl=tls
                )
                self.on_connected()
                connection.write(
                    mqtt.connect(
                        settings.client_id,
                        version=version,
                        keepalive=KEEPALIVE,
                        username=settings.username,
                        password=settings.password,
                        session_expiry=int(SESSION_EXPIRY.total_seconds()),
                        receive_maximum=settings.window,
                    )
                )
                # What is queued for the session follows at once, and comes before the answer to our subscription.
                self.inbox.attach(connection, connection.pause, connection.resume)
                _, imposed = await connection.connected
            ask = mqtt.unsubscribe if settings.leave else mqtt.subscribe
            connection.write(ask(settings.filters, version=version))
            granted = await self._answer(connection)
            if not settings.leave:
                self.check_granted(granted)
                if settings.outdated:
                    connection.write(mqtt.unsubscribe(settings.outdated, version=version))
            connection.on_answer = self.note_answer
            self._connection = connection
            self.begin(backoff)
            await self._hold(connection, stop, imposed or KEEPALIVE)
            await connection.close()
        except TimeoutError:
            raise BrokerError("the broker does not answer") from None
        finally:
            connection.fail(BrokerError("this connection is closed"))
            self.inbox.forget(connection)

    async def _answer(self, connection: Connection) -> list[int]:
        """Return what the broker granted; its answer may stand behind messages that there is no room for."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.wait((connection.granted,), timeout=CONNECT_PATIENCE)
            if connection.granted.done():
                return connection.granted.result()
            if not self.inbox.full and loop.time() - connection.heard_at > CONNECT_PATIENCE:
                raise TimeoutError
            connection.write(mqtt.PINGREQ)

    async def _hold(self, connection: Connection, stop: asyncio.Event, keepalive: int) -> None:
        """Keep the connection until it breaks or `stop` is set, reading only while the inbox has room."""
        loop = asyncio.get_running_loop()
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while not stopping.done():
                await asyncio.wait(
                    (stopping, connection.lost), return_when=asyncio.FIRST_COMPLETED, timeout=keepalive / 3
                )
                if connection.lost.done():
                    connection.lost.result()
                # While we do not read, the answers to our pings wait behind the messages: silence means nothing then.
                if not self.inbox.full and loop.time() - connection.heard_at > 1.5 * keepalive:
                    raise BrokerError(f"nothing heard from the broker for {1.5 * keepalive:.0f} s")
                connection.write(mqtt.PINGREQ)
        finally:
            stopping.cancel()
