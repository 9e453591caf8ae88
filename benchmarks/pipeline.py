"""End to end, and its two yardsticks: a subscriber that only counts, and COPY of the same rows."""

import asyncio
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import orjson
import psutil

from benchmarks.load import WARM_UP
from benchmarks.services import FILTER, ROOT, Measured, Services, finished, load, wait_for, worker
from citywatch.telemetry import configure_logging
from ingest.broker import SessionSettings
from ingest.broker_direct import DirectSession
from ingest.inbox import Inbox
from ingest.model import Delivery
from sql.engine import detect_engine

RECEIVED = "SELECT coalesce(sum(received), 0)::bigint FROM delivery_account"
LOG = "worker.log"
COUNTER = "bare-subscriber"


def end_to_end(
    services: Services, count: int, pack: int = 1, samples: Path | None = None, **environment: str
) -> dict[str, float]:
    """Publish `count` messages as fast as acknowledged to one running worker; return rates and costs."""
    services.clear()
    log = services.folder / LOG
    log.unlink(missing_ok=True)
    with worker(services, LOG, samples, **environment) as measured:
        wait_for(lambda: log.exists() and "broker_connected" in log.read_text(), 30)
        finished(load(services, WARM_UP, pack=pack))
        wait_for(lambda: services.query(RECEIVED) == WARM_UP, 60)
        before = _costs(services, measured)
        if samples is not None:
            measured.child.send_signal(signal.SIGUSR1)
        published = finished(load(services, count, pack=pack, first=WARM_UP))
        wait_for(lambda: services.query(RECEIVED) == WARM_UP + count, 600, every=0.2)
        after = _costs(services, measured)
        last = float(str(services.query("SELECT extract(epoch FROM max(at)) FROM ingest_batch")))
        stored = int(str(services.query("SELECT sum(stored)::bigint FROM delivery_account")))
    if stored != (WARM_UP + count) * pack:
        raise AssertionError(f"{stored} readings stored of {(WARM_UP + count) * pack}")
    rate = count / (last - published["began"])
    per_100k = {f"{name}_cpu_s_per_100k": (after[name] - before[name]) / count * 1e5 for name in after}
    return {
        "messages": count,
        "readings_per_message": pack,
        "messages_per_second": rate,
        "readings_per_second": rate * pack,
        "offered_per_second": published["rate"],
        "worker_memory_mb": measured.memory / 1e6,
        **per_100k,
    }


def _costs(services: Services, measured: Measured) -> dict[str, float]:
    measured.look()
    assert services.postgres.child is not None
    assert services.broker.child is not None
    return {
        "worker": measured.cpu,
        "postgres": cpu_seconds(services.postgres.child.pid, children=True),
        "broker": cpu_seconds(services.broker.child.pid),
    }


def cpu_seconds(pid: int, *, children: bool = False) -> float:
    """Return what a process, with `children` those that it has now as well, has used so far."""
    process = psutil.Process(pid)
    total = 0.0
    for one in [process, *(process.children(recursive=True) if children else [])]:
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


class _Counter(Inbox):
    """An inbox that counts and acknowledges at once."""

    def __init__(self) -> None:
        super().__init__(65_535, 1 << 40)
        self.count = 0

    def put(self, delivery: Delivery) -> None:
        self.count += 1
        delivery.ack()


async def _count(port: int, wanted: int) -> None:
    configure_logging("benchmark")
    stop, inbox = asyncio.Event(), _Counter()
    settings = SessionSettings("127.0.0.1", port, COUNTER, (FILTER,))
    session = DirectSession(settings, inbox, lambda: None)
    task = asyncio.create_task(session.run(stop))
    while not session.connected:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    print("ready", flush=True)  # noqa: T201
    while inbox.count < wanted:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    print(time.time(), flush=True)  # noqa: T201
    stop.set()
    await task


def bare_subscriber(services: Services, count: int) -> dict[str, float]:
    """Receive and acknowledge `count` messages and do nothing else: what broker, publisher and socket allow."""
    command = [sys.executable, "-m", "benchmarks.pipeline", str(services.broker.port), str(count)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    published = finished(load(services, count))
    ended = float(child.stdout.readline())
    child.wait(30)
    services.forget(COUNTER)
    return {"messages_per_second": count / (ended - published["began"]), "offered_per_second": published["rate"]}


def bare_copy(services: Services, count: int, batch: int = 2000) -> dict[str, float]:
    """COPY the same rows in the same batches into the same table, a commit each: what the store allows."""
    services.clear()
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    rows = [
        (n % services.devices + 1, 1, 0, begin + timedelta(seconds=n // services.devices), begin, 10.0 + n % 13)
        for n in range(count)
    ]

    async def run() -> float:
        connection = await asyncpg.connect(services.dsn())
        columns = ["datastream_id", "quality", "tests", "phenomenon_time", "received_at", "result"]
        await (await detect_engine(connection)).ensure(connection, [begin, rows[-1][3]])
        began = time.perf_counter()
        for at in range(0, count, batch):
            await connection.copy_records_to_table("observation", records=rows[at : at + batch], columns=columns)
        took = time.perf_counter() - began
        await connection.close()
        return took

    return {"readings_per_second": count / asyncio.run(run()), "batch": batch}


def latency(services: Services, rate: float, seconds: float, **environment: str) -> dict[str, float]:
    """Publish at a steady rate; return percentiles of arrival to commit, and of publication to commit, in ms."""
    services.clear()
    log = services.folder / LOG
    log.unlink(missing_ok=True)
    count = int(rate * seconds)
    with worker(services, LOG, None, **environment):
        wait_for(lambda: log.exists() and "broker_connected" in log.read_text(), 30)
        published = finished(load(services, count, rate=rate))
        wait_for(lambda: services.query(RECEIVED) == count, 120, every=0.2)
    # Message n was published n / rate seconds after the beginning; its number is in its device and its time.
    statement = """
        WITH placed AS (
            SELECT extract(epoch FROM b.at) AS committed, substr(s.device_id, 7)::int AS device, r.t
              FROM ingest_batch AS b CROSS JOIN LATERAL unnest(b.datastream_id, b.phenomenon_time) AS r (d, t)
              JOIN datastream AS s ON s.datastream_id = r.d),
        numbered AS (
            SELECT committed, extract(epoch FROM t - (SELECT min(t) FROM placed)) * $2::int + device AS number
              FROM placed)
        SELECT json_build_object(
                 'p50', percentile_cont(0.5) WITHIN GROUP (ORDER BY delay),
                 'p99', percentile_cont(0.99) WITHIN GROUP (ORDER BY delay), 'max', max(delay))::text
          FROM (SELECT 1000 * (committed - ($1::float8 + number / $3::float8)) AS delay FROM numbered) AS x"""
    text = services.query(statement, published["began"], services.devices, rate)
    return {"rate": rate, "offered_per_second": published["rate"], **{f"{k}_ms": v for k, v in _json(text).items()}}


def _json(text: object) -> dict[str, float]:
    found: dict[str, float] = orjson.loads(str(text))
    return found


if __name__ == "__main__":
    asyncio.run(_count(int(sys.argv[1]), int(sys.argv[2])))
