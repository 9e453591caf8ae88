"""The anchor: keeps what a broker that has just been restarted would give to no one of several workers.

Mosquitto saves the subscriptions of its sessions, but not the shared ones (2.0.11, seen by test). After a restart it
acknowledges what devices publish and gives it to nobody until the first worker has subscribed again. So beside the
shared subscription one session of our own, the anchor, subscribes to the same topics alone: that is saved, and what
is published meanwhile waits there. Slot 0 carries it.

While all is well the anchor's copies are acknowledged unread, some 2 us each. From the beginning of each connection of
the anchor they are ingested: until it is certain that the shared subscription stands, and then until a marker, which
the anchor publishes itself, has come back to it. What went before the marker and was shared as well is a redelivery,
which changes nothing. A marker that never comes back, as where the broker does not let us publish, costs time only.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from citywatch.setting_groups import IngestSettings
from citywatch.telemetry import get_logger
from ingest import mqtt_packets as mqtt
from ingest.broker import BrokerSession, SessionSettings
from ingest.broker_direct import Connection, DirectSession
from ingest.inbox import Inbox
from ingest.model import Delivery
from ingest.subscription import plain_filters, session_name, topic_filters

log = get_logger()

CLIENT_ID = "citywatch-ingest-anchor"
MARKER_TOPIC = "city/v1/ingest/anchor"
# An answer that was on its way when the broker went down has long been read after so many seconds.
SETTLED = 1.0


def anchored(settings: SessionSettings, options: IngestSettings) -> SessionSettings:
    """Return the anchor's session beside that of `settings`; where no one shares the topics it is to be left."""
    filters = (*plain_filters(options), MARKER_TOPIC)
    return replace(settings, client_id=CLIENT_ID, filters=filters, outdated=(), leave=options.workers == 1)


def sessions(options: IngestSettings) -> list[tuple[str, tuple[str, ...]]]:
    """Return client id and filters of every session that all workers together keep at the broker."""
    found = [(session_name(slot), topic_filters(options)) for slot in range(options.workers)]
    if options.workers > 1:
        found.append((CLIENT_ID, (*plain_filters(options), MARKER_TOPIC)))
    return found


class Gate:
    """Between the anchor's connection and the inbox: open, everything passes; closed, it is acknowledged unread."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self.passed = 0
        self.open = True
        self.marker = b""

    @property
    def full(self) -> bool:
        """Return whether reading is to pause."""
        return self._inbox.full

    def attach(self, link: object, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        """See Inbox."""
        self._inbox.attach(link, pause, resume)

    def forget(self, link: object) -> int:
        """See Inbox."""
        return self._inbox.forget(link)

    def put(self, delivery: Delivery) -> None:
        """Let one delivery pass as one that may have come before, or acknowledge it."""
        if delivery.topic == MARKER_TOPIC:
            if self.open and self.marker and delivery.payload == self.marker:
                self.open = False
                log.info("anchor_rests", messages=self.passed)
            delivery.ack()
        elif self.open:
            delivery.dup = True
            self.passed += 1
            self._inbox.put(delivery)
        else:
            delivery.ack()


class Anchor(DirectSession):
    """The anchor's session, beside that of the worker it belongs to."""

    def __init__(self, settings: SessionSettings, inbox: Inbox, beside: BrokerSession) -> None:
        """`beside` holds the shared subscription."""
        self.gate = Gate(inbox)
        super().__init__(settings, self.gate, self._open)
        self._beside = beside

    def _open(self) -> None:
        self.gate.open, self.gate.passed, self.gate.marker = True, 0, b""

    async def _hold(self, connection: Connection, stop: asyncio.Event, keepalive: int) -> None:
        marking = asyncio.create_task(self._mark(connection))
        try:
            await super()._hold(connection, stop, keepalive)
        finally:
            marking.cancel()

    async def _mark(self, connection: Connection) -> None:
        """Send the marker once the broker that we are connected to has answered the other session too."""
        if self.settings.leave:
            return
        since = asyncio.get_running_loop().time() + SETTLED
        while not (self._beside.connected and self._beside.answered_at > since):
            await asyncio.sleep(SETTLED / 2)
            self._beside.ping()
        self.gate.marker = uuid4().bytes
        version = 5 if self.settings.protocol == "5" else 4
        connection.write(mqtt.publish(MARKER_TOPIC, self.gate.marker, 1, version=version))
