"""What an engineer writes in an afternoon: one row, one commit, one acknowledgement at a time."""

import asyncio
import subprocess
import sys
import time
from datetime import datetime

import aiomqtt
import asyncpg
import orjson

from benchmarks.services import FILTER, ROOT, Measured, Services, finished, load

TABLE = "CREATE TABLE IF NOT EXISTS afternoon (device text, time timestamptz, property text, value float8)"
INSERT = "INSERT INTO afternoon VALUES ($1, $2, $3, $4)"


async def _run(port: int, dsn: str, wanted: int) -> None:
    store = await asyncpg.connect(dsn)
    await store.execute(TABLE)
    async with aiomqtt.Client("127.0.0.1", port, identifier="afternoon", clean_session=False) as client:
        await client.subscribe(FILTER, qos=1)
        print("ready", flush=True)  # noqa: T201
        count = 0
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            body = orjson.loads(message.payload)
            device = str(message.topic).split("/")[3]
            await store.execute(INSERT, device, datetime.fromisoformat(body["time"]), "pm2_5", body["pm2_5"])
            count += 1
            if count == wanted:
                break
    print(time.time(), flush=True)  # noqa: T201
    await store.close()


def afternoon_script(services: Services, count: int) -> dict[str, float]:
    """Measure the row-by-row script. It acknowledges before it stores: what it holds at a kill is lost."""
    command = [sys.executable, "-m", "benchmarks.peers", str(services.broker.port), services.dsn(), str(count)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    measured = Measured(child)
    child.stdout.readline()
    published = finished(load(services, count))
    line = b""
    while not line:
        measured.look()
        line = child.stdout.readline()
    ended = float(line)
    child.wait(30)
    services.forget("afternoon")
    return {
        "messages_per_second": count / (ended - published["began"]),
        "worker_cpu_s_per_100k": measured.cpu / count * 1e5,
    }


if __name__ == "__main__":
    asyncio.run(_run(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
