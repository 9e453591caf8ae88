"""The API's own connection to the broker: messages that came over HTTP go the way of all others.

Published with QoS 1 and answered only after the broker's acknowledgement, so a message has one path, one account and
one place where it waits when the store is away, whatever brought it here.
"""

import asyncio
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from citywatch.errors import BrokerError
from citywatch.local.running import broker_account, broker_address
from citywatch.settings import Settings

WAITING = 100  # messages that may wait for the broker's acknowledgement
PATIENCE = 10.0  # seconds for the connection, and for each acknowledgement


class BrokerLink:
    """Connects at the first message, and again by itself when the connection was lost."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: mqtt.Client | None = None
        self._lock = threading.Lock()

    async def publish(self, topic: str, payload: bytes) -> None:
        """Return once the broker has the message; raise BrokerError where it has not."""
        await asyncio.to_thread(self._publish, topic, payload)

    def close(self) -> None:
        """Disconnect."""
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()

    def _publish(self, topic: str, payload: bytes) -> None:
        client = self._connected()
        # It would keep the message and send it later, which we had said had failed.
        sent = client.publish(topic, payload, qos=1) if client.is_connected() else None
        if sent is None or sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerError("the broker cannot be reached just now")
        sent.wait_for_publish(PATIENCE)
        if not sent.is_published():
            raise BrokerError(f"the broker did not take the message within {PATIENCE:.0f} s")

    def _connected(self) -> mqtt.Client:
        with self._lock:
            if self._client is not None:
                return self._client
            host, port = broker_address(self._settings)
            client = mqtt.Client(CallbackAPIVersion.VERSION2)
            client.max_queued_messages_set(WAITING)
            username, password = broker_account(self._settings)
            if username is not None:
                client.username_pw_set(username, password)
            if self._settings.broker.ca_file is not None:
                client.tls_set(str(self._settings.broker.ca_file))
            ready = threading.Event()
            refused: list[str] = []

            def on_connect(_client: object, _data: object, _flags: object, reason: object, _properties: object) -> None:
                if getattr(reason, "is_failure", False):
                    refused.append(str(reason))
                ready.set()

            client.on_connect = on_connect
            try:
                client.connect(host, port)
            except OSError as error:
                raise BrokerError(f"no broker at {host}:{port}: {error}") from None
            client.loop_start()
            if not ready.wait(PATIENCE) or refused:
                client.loop_stop()
                raise BrokerError(f"the broker at {host}:{port} refuses us: {refused[0] if refused else 'silence'}")
            self._client = client
            return client
