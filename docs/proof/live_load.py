"""The live feed under load: 200 clients, 1,000 changes a second, one client that stalls; change to client at p95.

`PROOF_SECONDS` is how long it lasts (20 by default). Clients read in a process of their own.
"""

import asyncio
import json
import multiprocessing
import os
import socket
import statistics
import time
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson
import psutil
from websockets.asyncio.client import connect

from api.app import create_app
from citywatch.cli.serve import serve_app
from citywatch.settings import Settings
from citywatch.telemetry import configure_logging
from docs.proof.own_store import own_store
from sql.pool import set_up

CLIENTS = 200
RATE = 1000  # changes/s
BATCHES = 10  # a second, as ingest writes them
STREAMS = 2000
SECONDS = float(os.environ.get("PROOF_SECONDS", "20"))
LIMIT = 0.5  # s

CHANGE = """
WITH picked AS (
     SELECT datastream_id FROM unnest($1::int[]) AS datastream_id
), latest AS (
     UPDATE latest_observation AS l
        SET phenomenon_time = clock_timestamp(), received_at = clock_timestamp(), result = $2
       FROM picked WHERE l.datastream_id = picked.datastream_id
), batch AS (
     INSERT INTO ingest_batch (seq, datastream_id, phenomenon_time, received_at, result, quality)
     SELECT nextval('ingest_batch_seq'), array_agg(datastream_id), array_agg(now()), array_agg(now()),
            array_agg($2::float8), array_agg(1::smallint)
       FROM picked
     RETURNING seq)
INSERT INTO consumer_position (consumer, seq) SELECT 'fold', seq FROM batch
    ON CONFLICT (consumer) DO UPDATE SET seq = EXCLUDED.seq
RETURNING pg_notify('citywatch_latest', '')
"""


async def listen(url: str, delays: list[float], counts: list[int], until: float) -> None:
    """Read one client's messages; each value carries when it was written."""
    seen = 0
    async with connect(url, max_size=None, compression=None) as client:
        await client.send(json.dumps({"subscribe": {"views": ["latest"]}}))
        while (left := until - time.time()) > 0:
            try:
                async with asyncio.timeout(left):
                    text = await client.recv()
            except TimeoutError:
                break
            message = orjson.loads(text)
            assert message["type"] != "resync", message
            if message["type"] == "delta":
                now = time.time()
                # The value is the wall clock at its writing, in seconds.
                delays.extend(now - row["result"] for row in message["latest"][:1])
                delays.extend(now - row["result"] for row in message["latest"][-1:])
                seen += len(message["latest"])
    counts.append(seen)


def clients(url: str, until: float, told: Any) -> None:
    """Be all the clients, and tell the delays."""
    delays: list[float] = []
    counts: list[int] = []

    async def run() -> None:
        await asyncio.gather(*(listen(url, delays, counts, until) for _ in range(CLIENTS)))

    asyncio.run(run())
    told.send((delays, counts))


async def stall(address: tuple[str, int], until: float) -> None:
    """Subscribe and then read nothing at all."""
    reader, writer = await asyncio.open_connection(*address)
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    writer.write(
        f"GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    body = b'{"subscribe":{"views":["latest"]}}'
    mask = b"\0\0\0\0"
    writer.write(bytes([0x81, 0x80 | len(body)]) + mask + body)
    await asyncio.sleep(max(0.0, until - time.time()))
    writer.close()


async def change(dsn: str, numbers: list[int], until: float) -> int:
    """Write `RATE` changes a second in batches, each value the time of its writing."""
    connection = await asyncpg.connect(dsn)
    made, at, step = 0, 0, RATE // BATCHES
    began = time.monotonic()
    try:
        while time.time() < until:
            picked = [numbers[(at + k) % len(numbers)] for k in range(step)]
            at += step
            await connection.execute(CHANGE, picked, time.time())
            made += step
            await asyncio.sleep(max(0.0, began + made / RATE - time.monotonic()))
    finally:
        await connection.close()
    return made


async def run(dsn: str) -> dict[str, object]:
    """Serve, listen, change."""
    connection = await asyncpg.connect(dsn)
    await set_up(connection)
    await connection.execute(
        "INSERT INTO device (device_id, profile, domain) SELECT 'd' || n, 'p', 'air' FROM generate_series(1, $1) AS n",
        STREAMS,
    )
    await connection.execute(
        "INSERT INTO datastream (device_id, property, unit) SELECT device_id, 'pm2_5', '1' FROM device"
    )
    await connection.execute(
        "INSERT INTO latest_observation SELECT datastream_id, $1, $1, 0, 1 FROM datastream", datetime.now(UTC)
    )
    numbers = [row[0] for row in await connection.fetch("SELECT datastream_id FROM datastream")]
    await connection.close()

    application = create_app(Settings(_env_file=None, store={"dsn": dsn}))
    stop = asyncio.Event()
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        host, port = listening.getsockname()
        serving = asyncio.create_task(serve_app(application, listening, stop))
        while not hasattr(application.state, "hub"):
            assert not serving.done(), "the server did not start"
            await asyncio.sleep(0.05)
        url, until = f"ws://{host}:{port}/api/v1/live", time.time() + 8 + SECONDS
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        process = multiprocessing.get_context("spawn").Process(target=clients, args=(url, until, theirs))
        process.start()
        while application.state.hub.size < CLIENTS and process.is_alive():  # noqa: ASYNC110 - it announces nothing
            await asyncio.sleep(0.1)
        stalled = asyncio.create_task(stall((host, port), until))
        before = psutil.Process().memory_info().rss
        began = time.time()
        made = await change(dsn, numbers, until - 1)
        lasted = time.time() - began
        grown = psutil.Process().memory_info().rss - before
        delays, counts = await asyncio.to_thread(ours.recv)
        process.join(10)
        await stalled
        stop.set()
        await serving
    assert len(counts) == CLIENTS, f"{len(counts)} of {CLIENTS} clients ended well"
    cuts = statistics.quantiles(delays, n=100)
    figures: dict[str, object] = {
        "clients": CLIENTS,
        "changes_per_s": round(made / lasted),
        "seconds": round(lasted, 1),
        "change_to_client_s": {"p50": round(cuts[49], 3), "p95": round(cuts[94], 3), "p99": round(cuts[98], 3)},
        "values_delivered": sum(counts),
        "memory_grown_mb": round(grown / 1e6, 1),
    }
    assert cuts[94] < LIMIT, figures
    assert made / lasted > 0.9 * RATE, figures
    assert grown < 100e6, figures
    return figures


def prove() -> dict[str, object]:
    """Run it on a database of its own."""
    configure_logging("proof", style="json")
    with own_store() as (dsn, _folder):
        return asyncio.run(run(dsn))
