"""Two workers against one: where the worker is the limit, and where broker and store are.

The worker is the limit where decoding is dear: here a vendor's JavaScript decodes each uplink of a network server.
"""

import asyncio
from contextlib import ExitStack
from pathlib import Path

import asyncpg

from benchmarks.load import VENDOR, WARM_UP, registry
from benchmarks.pipeline import cpu_seconds
from benchmarks.services import Services, finished, load, services, wait_for, worker
from devices.registry import import_registry
from sql.pool import set_up

SCRIPT = """
function decodeUplink(input) {
  const data = {};
  for (let at = 0; at + 2 < input.bytes.length; at += 3) {
    const value = (input.bytes[at + 1] << 8) | input.bytes[at + 2];
    switch (input.bytes[at]) {
      case 1: data.temperature = value / 10; break;
      case 2: data.humidity = value / 2; break;
      case 3: data.battery = value; break;
      default: return { errors: ["unknown channel " + input.bytes[at]] };
    }
  }
  return { data };
}
"""
PROFILE = """
vendor: bench
model: javascript
domain: weather
envelope: chirpstack_v4
codec: js:decoder.js
fields:
  temperature: {property: air_temperature}
  humidity: {property: relative_humidity}
  battery: {property: battery}
expected_interval: 1s
examples: []
"""
DEVICES = 1000
READINGS = {"javascript": 3, "native": 1}  # in each message
# Not messages received: while it settles the anchor delivers some twice (docs/ingest.md).
STORED = "SELECT coalesce(sum(stored), 0)::bigint FROM delivery_account"


def two_workers(count: int) -> dict[str, dict[str, float]]:
    """Return the figures of one worker and of two, with JavaScript and with native JSON, on services of their own."""
    figures: dict[str, dict[str, float]] = {}
    for kind, messages in (("javascript", max(1000, count // 20)), ("native", count)):
        with services(DEVICES) as own:
            _add_profile(own)
            one, two = (_measure(own, slots, kind, messages) for slots in (1, 2))
        figures[kind] = {
            "one worker, messages per second": one["rate"],
            "two workers, messages per second": two["rate"],
            "times": two["rate"] / one["rate"],
            **{f"cores kept busy by {name}, one worker": one[name] for name in ("workers", "store", "broker")},
            **{f"cores kept busy by {name}, two workers": two[name] for name in ("workers", "store", "broker")},
        }
    return figures


def _add_profile(own: Services) -> None:
    folder = _folder(own)
    folder.mkdir()
    (folder / "decoder.js").write_text(SCRIPT, encoding="utf-8")
    (folder / "javascript.yaml").write_text(PROFILE, encoding="utf-8")

    async def register() -> None:
        connection = await asyncpg.connect(own.dsn())
        try:
            await set_up(connection)
            await import_registry(connection, registry(own.devices, VENDOR, "bench/javascript"))
        finally:
            await connection.close()

    asyncio.run(register())


def _folder(own: Services) -> Path:
    return own.folder / "profiles"


def _measure(own: Services, slots: int, kind: str, count: int) -> dict[str, float]:
    own.clear()
    logs = [f"{slots}-workers-{slot}.log" for slot in range(slots)]
    shared = {"CITYWATCH_INGEST__WORKERS": str(slots), "CITYWATCH_DEVICES__FOLDERS": str(_folder(own))}
    with ExitStack() as stack:
        workers = [
            stack.enter_context(worker(own, log, None, **shared, CITYWATCH_INGEST__SLOT=str(slot)))
            for slot, log in enumerate(logs)
        ]
        wait_for(lambda: all("broker_connected" in (own.folder / log).read_text() for log in logs), 60)
        if slots > 1:
            wait_for(lambda: "anchor_rests" in (own.folder / logs[0]).read_text(), 60)
        finished(load(own, WARM_UP, kind=kind))
        wait_for(lambda: own.query(STORED) == READINGS[kind] * WARM_UP, 120, every=0.2)

        def costs() -> dict[str, float]:
            assert own.postgres.child is not None
            assert own.broker.child is not None
            return {
                "workers": sum(cpu_seconds(each.child.pid, children=True) for each in workers),
                "store": cpu_seconds(own.postgres.child.pid, children=True),
                "broker": cpu_seconds(own.broker.child.pid),
            }

        before = costs()
        published = finished(load(own, count, kind=kind, first=WARM_UP))
        wait_for(lambda: own.query(STORED) == READINGS[kind] * (WARM_UP + count), 600, every=0.2)
        after = costs()
        last = float(str(own.query("SELECT extract(epoch FROM max(at)) FROM ingest_batch")))
    took = last - published["began"]
    return {"rate": count / took, **{name: (after[name] - before[name]) / took for name in after}}
