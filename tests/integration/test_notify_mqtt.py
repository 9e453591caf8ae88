"""Alerts on a real broker."""

import asyncio

import aiomqtt
import orjson
import pytest

from citywatch.local.broker import LocalBroker
from citywatch.local.process import free_port
from citywatch.settings import Settings
from rules.notify.mqtt import Publisher
from rules.notify.outbox import NotifyError


async def test_an_alert_is_published_on_its_topic(broker: LocalBroker) -> None:
    settings = Settings(_env_file=None, broker={"host": "127.0.0.1", "port": broker.port})
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe("city/alerts/+", qos=1)
        await Publisher(settings)("city/alerts/north", {"text": "bin 1 is on fire", "severity": "CRITICAL"})
        async with asyncio.timeout(30):
            message = await anext(aiter(client.messages))
    assert message.topic.value == "city/alerts/north"
    assert isinstance(message.payload, bytes)
    assert orjson.loads(message.payload)["text"] == "bin 1 is on fire"


async def test_a_broker_that_is_away_is_a_failure_to_be_tried_again() -> None:
    settings = Settings(_env_file=None, broker={"host": "127.0.0.1", "port": free_port()})
    with pytest.raises(NotifyError):
        await Publisher(settings)("city/alerts", {"text": "x"})
