"""The probe: a device of our own that publishes every few seconds and looks how long it takes to be seen.

From publishing until the fold shows it as the latest: broker, ingest and fold together, as a person at the screen
meets them. Each message carries the delay of the one before, so the delay is a datastream with rules like any other:
`probe-slow` speaks when it is long, `device-silent` when nothing comes through at all.
"""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import aiomqtt

from citywatch.local.running import broker_account, broker_address, store_dsn
from citywatch.metrics import PROBE_LOST, PROBE_SECONDS
from citywatch.settings import Settings
from citywatch.telemetry import get_logger
from devices.registry import import_registry
from sql.connection import Pool
from sql.pool import open_pool
from sql.queries import query
from sql.retry import PASSING, Backoff, pause

DEVICE_ID = "citywatch-probe"
PROPERTY = "publish_to_visible"
TOPIC = f"city/v1/devices/{DEVICE_ID}/telemetry"
EVERY = timedelta(seconds=10)
PATIENCE = timedelta(seconds=30)
LOOK_EVERY = 0.025  # seconds
WAITED_OUT: tuple[type[Exception], ...] = (*PASSING, aiomqtt.MqttError)

log = get_logger()


async def run_probe(settings: Settings, stop: asyncio.Event) -> None:
    """Probe until `stop` is set; a store or broker that is away is waited for."""
    backoff = Backoff()
    while not stop.is_set():
        try:
            pool = await open_pool(store_dsn(settings), process="probe", size=1)
            try:
                async with pool.acquire() as connection:
                    entry = {"name": "Probe of Citywatch itself", "profile": "citywatch/native", "domain": "health"}
                    await import_registry(
                        connection, {"devices": [{"device_id": DEVICE_ID, **entry, "expected_interval": "10s"}]}
                    )
                await _probe_on(settings, pool, stop, backoff)
            finally:
                pool.terminate()
        except WAITED_OUT as error:
            log.warning("probe_cannot_work", error=str(error))
            await backoff.pause(stop)


async def _probe_on(settings: Settings, pool: Pool, stop: asyncio.Event, backoff: Backoff) -> None:
    (host, port), (username, password) = broker_address(settings), broker_account(settings)
    tls = None if settings.broker.ca_file is None else aiomqtt.TLSParameters(ca_certs=str(settings.broker.ca_file))
    async with aiomqtt.Client(host, port, username=username, password=password, tls_params=tls) as client:
        number, before = 0, None
        while not stop.is_set():
            began, number = datetime.now(UTC), number + 1
            body = {"time": began.isoformat(), "seq": number, PROPERTY: before}
            await client.publish(TOPIC, json.dumps(body), qos=1)
            before = await _until_visible(pool, began, stop)
            backoff.reset()
            await pause(stop, max(EVERY - (datetime.now(UTC) - began), timedelta()))


async def _until_visible(pool: Pool, began: datetime, stop: asyncio.Event) -> float | None:
    """Return the seconds until the reading of that time is the latest; None where it was not within the patience."""
    while not stop.is_set():
        latest = await pool.fetchval(query("process", "latest_probe"), DEVICE_ID, PROPERTY)
        took = (datetime.now(UTC) - began).total_seconds()
        if latest is not None and latest >= began:
            PROBE_SECONDS.observe(took)
            return took
        if took > PATIENCE.total_seconds():
            PROBE_LOST.inc()
            log.error("probe_not_visible", seconds=round(took, 1))
            return took
        await asyncio.sleep(LOOK_EVERY)
    return None
