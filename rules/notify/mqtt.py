"""Alerts on the broker: a JSON message by QoS 1 on a topic, for displays, sirens and other systems of the city."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

import aiomqtt
import orjson

from citywatch.errors import BrokerError
from citywatch.local.running import broker_account, broker_address
from citywatch.settings import Settings
from rules.notify.outbox import NotifyError

TIMEOUT = 10.0


class Publisher:
    """Publishes to our broker. Alerts are few: a connection for each costs less than one that must be kept alive."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __call__(self, target: str, body: Mapping[str, Any]) -> None:
        """Publish `body` on the topic `target`; raise NotifyError when the broker did not confirm it."""
        ca_file = self._settings.broker.ca_file
        try:
            host, port = broker_address(self._settings)
            username, password = broker_account(self._settings)
            async with aiomqtt.Client(
                host,
                port,
                username=username,
                password=password,
                tls_context=ssl.create_default_context(cafile=ca_file) if ca_file else None,
                timeout=TIMEOUT,
            ) as client:
                await client.publish(target, orjson.dumps(body), qos=1, timeout=TIMEOUT)
        except (aiomqtt.MqttError, BrokerError, OSError, TimeoutError) as error:
            raise NotifyError(f"{type(error).__name__}: {error}") from None
