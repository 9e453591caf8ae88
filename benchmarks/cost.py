"""What one reading costs in each pure step: microseconds, and the share of the quality flags in the worker's time."""

import time
from datetime import UTC, datetime, timedelta

from benchmarks.load import DEVICE, payloads
from devices.envelopes import ENVELOPES
from devices.model import Device, Domain
from devices.profile_store import ProfileStore
from devices.profiles import BUILTIN
from devices.registry import Registry, Source
from ingest.decode import Decoder
from ingest.directory import Directory
from ingest.model import Accepted, Delivery
from ingest.quality.memory import Memory, judge
from ingest.routes import make_routes

DEVICES = 1000


def decoder() -> Decoder:
    """Return a decoder for the devices of the load."""
    devices = {name: Device(name, "citywatch/air", Domain.AIR) for name in map(DEVICE.format, range(DEVICES))}
    directory = Directory()
    registry = Registry(devices, {"live": Source("live", "live", None)}, {})
    directory.renew(registry, ProfileStore(BUILTIN).profiles)
    return Decoder(
        directory,
        make_routes({}, ENVELOPES),
        lateness=timedelta(hours=48),
        equal_window=timedelta(seconds=30),
        max_payload=262_144,
    )


def cost(count: int = 50_000) -> dict[str, float]:
    """Return microseconds per reading: decoding (envelope, profile, time), then every quality test."""
    now, decode = datetime.now(UTC), decoder().decode
    deliveries = [Delivery(topic, body, now) for topic, body in payloads(count, DEVICES, 1)]
    began = time.process_time()
    verdicts = [decode(delivery) for delivery in deliveries]
    decoded = time.process_time() - began
    rows = [row for verdict in verdicts if isinstance(verdict, Accepted) for row in verdict.rows]
    if len(rows) != count:
        raise AssertionError(f"{len(rows)} rows of {count} messages")
    for row in rows:
        row.channel.memory = row.channel.memory or Memory()
    began = time.process_time()
    for row in rows:
        judge(row)
    judged = time.process_time() - began
    return {"decode_us": decoded / count * 1e6, "quality_us": judged / count * 1e6}
