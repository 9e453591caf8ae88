"""A real worker in this process, and a publisher, for the tests of ingest."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt

from citywatch.local.broker import LocalBroker
from citywatch.setting_groups import BrokerSettings, IngestSettings, StoreSettings
from citywatch.settings import Settings
from devices.registry import import_registry
from ingest.process import run_worker
from ingest.subscription import topic_filters
from sql.connection import Pool

TOPIC = "city/v1/devices/{}/telemetry"
DEVICES = {"devices": [
    {"device_id": "bin-1", "profile": "citywatch/bin", "domain": "waste"},
    {"device_id": "air-1", "profile": "citywatch/air", "domain": "air"},
    {"device_id": "any-1", "profile": "citywatch/native", "domain": "traffic"},
    {"device_id": "old-1", "profile": "citywatch/native", "domain": "traffic", "source_id": "history"},
], "sources": [{"source_id": "history", "kind": "replay"}]}  # fmt: skip


def make_settings(dsn: str, broker: LocalBroker, protocol: str = "3.1.1", **ingest: Any) -> Settings:
    """Settings of one worker on these services."""
    return Settings(
        store=StoreSettings(dsn=dsn, statement_timeout="5s"),
        broker=BrokerSettings(host="127.0.0.1", port=broker.port, protocol=protocol),
        ingest=IngestSettings(**ingest),
    )


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[asyncio.Event]:
    """A worker that runs for the length of the block; yields the event that stops it."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_worker(settings, stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 90)


async def register(pool: Pool, document: dict[str, Any] | None = None) -> None:
    async with pool.acquire() as connection:
        await import_registry(connection, document or DEVICES)


async def publish(broker: LocalBroker, messages: Iterable[tuple[str, bytes | str]]) -> None:
    """Publish (device_id, payload) with QoS 1, each acknowledged by the broker."""
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        for device_id, payload in messages:
            await client.publish(TOPIC.format(device_id), payload, qos=1)


async def subscribed(settings: Settings) -> None:
    """Create the worker's persistent session, so that the broker keeps messages before the worker runs."""
    async with aiomqtt.Client(
        settings.broker.host or "", settings.broker.port, identifier=f"citywatch-ingest-{settings.ingest.slot}",
        clean_session=False,
    ) as client:  # fmt: skip
        for name in topic_filters(settings.ingest):
            await client.subscribe(name, qos=1)


async def until(ask: Callable[[], Awaitable[bool]], what: str, patience: float = 90) -> None:
    """Poll until `ask` is true."""
    try:
        async with asyncio.timeout(patience):
            while not await ask():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"never came true: {what}") from None


async def received(pool: Pool) -> int:
    """How many messages the account has."""
    return int(await pool.fetchval("SELECT coalesce(sum(received), 0) FROM delivery_account"))


async def account_closes(pool: Pool) -> bool:
    return bool(
        await pool.fetchval(
            "SELECT bool_and(received = accepted + rejected AND readings = stored + duplicate + refused)"
            " FROM delivery_account"
        )
    )
