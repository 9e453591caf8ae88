"""The keeper's connection to the broker: MQTT 5, or 3.1.1 where the broker knows no other; acknowledged by hand."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from citywatch.local.running import broker_account, broker_address
from citywatch.settings import Settings
from citywatch.telemetry import get_logger
from devices.command_messages import CommandMessage

log = get_logger()

CLIENT_ID = "citywatch-devices"
SESSION_SECONDS = 7 * 86400
PATIENCE = 10.0  # seconds for the broker's acknowledgement
REFUSED_PROTOCOL = 132


class KeeperLink:
    """A persistent session whose messages wait in a queue of the event loop until they are taken."""

    def __init__(self, settings: Settings, topics: Sequence[str], loop: asyncio.AbstractEventLoop) -> None:
        self._settings, self._topics, self._loop = settings, topics, loop
        self._arrived: asyncio.Queue[mqtt.MQTTMessage] = asyncio.Queue()
        self._client = self._make(MQTTProtocolVersion.MQTTv5)
        self._modern = True

    def start(self) -> None:
        """Connect, and go on connecting, in a thread of its own."""
        host, port = broker_address(self._settings)
        if self._modern:
            session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            session.SessionExpiryInterval = SESSION_SECONDS
            self._client.connect_async(host, port, clean_start=False, properties=session)
        else:
            self._client.connect_async(host, port)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect, keeping the session at the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    async def take(self, most: int, seconds: float) -> list[mqtt.MQTTMessage]:
        """Return what has arrived, after `seconds` at the latest."""
        try:
            async with asyncio.timeout(seconds):
                messages = [await self._arrived.get()]
        except TimeoutError:
            return []
        while len(messages) < most and not self._arrived.empty():
            messages.append(self._arrived.get_nowait())
        return messages

    def acknowledge(self, message: mqtt.MQTTMessage) -> None:
        """Tell the broker that the message is ours now."""
        self._client.ack(message.mid, message.qos)

    async def publish(self, message: CommandMessage, lasts: timedelta) -> bool:
        """Return whether the broker took a message; `lasts` is how long it may keep it for a device that is away."""
        properties = None
        if self._modern:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = max(1, int(lasts.total_seconds()))
            if message.response_topic is not None:
                properties.ResponseTopic = message.response_topic
            if message.correlation is not None:
                properties.CorrelationData = message.correlation
        if not self._client.is_connected():
            return False
        sent = self._client.publish(message.topic, message.payload, qos=1, properties=properties)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        await asyncio.to_thread(sent.wait_for_publish, PATIENCE)
        return sent.is_published()

    def _make(self, protocol: MQTTProtocolVersion) -> mqtt.Client:
        kept = None if protocol == MQTTProtocolVersion.MQTTv5 else False
        client = mqtt.Client(CallbackAPIVersion.VERSION2, CLIENT_ID, kept, protocol=protocol, manual_ack=True)
        username, password = broker_account(self._settings)
        if username is not None:
            client.username_pw_set(username, password)
        if self._settings.broker.ca_file is not None:
            client.tls_set(str(self._settings.broker.ca_file))
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        return client

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        self._loop.call_soon_threadsafe(self._arrived.put_nowait, message)

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if not reason.is_failure:
            client.subscribe([(topic, 1) for topic in self._topics])
            log.info("keeper_connected", protocol="5" if self._modern else "3.1.1")
        elif reason.value == REFUSED_PROTOCOL and self._modern:
            self._loop.call_soon_threadsafe(self._fall_back)
        else:
            log.warning("keeper_refused", reason=str(reason))

    def _fall_back(self) -> None:
        """Start again as a 3.1.1 client; commands then carry their id in the payload only."""
        self.stop()
        self._modern = False
        self._client = self._make(MQTTProtocolVersion.MQTTv311)
        self.start()
