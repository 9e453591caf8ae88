"""From publication to alert: 2,000 devices, 20 rules, 5,000 readings a second, through broker, ingest, store and rules.

Then the log of that run is replayed by the engine: the alerts must be those that were raised live.
"""

import asyncio
import json
import os
import random
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.load import DEVICE, TOPIC, connect, packet
from benchmarks.services import ROOT, Measured, Services, services, wait_for, worker
from rules.backtest import backtest
from rules.load import share_of
from rules.store import load_city, load_rules
from sql.pool import open_pool
from tests.unit.rules.series import rule_text

DEVICES = int(os.environ.get("PROOF_DEVICES", "2000"))
RATE = float(os.environ.get("PROOF_RATE", "5000"))
WARM_UP, SPAN = 10.0, float(os.environ.get("PROOF_SECONDS", "40"))
LIMIT = 2.0  # seconds, 99th percentile
RULES = "from citywatch.cli.process import run_process; from rules.process import run; run_process('rules', run)"
CONDITIONS = [
    *(f"{{at_least: {limit}, deadband: 5}}" for limit in (60, 65, 70, 75, 80, 85, 90, 95)),
    "{outside: [2, 88], deadband: 1}",
    "{at_most: 1}",
    "{rate_of_change: 2000, per: 1m}",
    "{rate_of_change: 4000, per: 1m, direction: rise}",
    "{flat: 1h, tolerance: 1}",
    "{no_data: 10m}",
    "{deviation: 4, least: 20}",
    "{crossing: 200, within: 1m, over: 30s}",
    "{all: [{at_least: 70}, {not: {at_least: 2000}}]}",
    "{any: [{at_least: 92}, {at_most: 0.5}]}",
    "{all: [{at_least: 60}, {rate_of_change: 1000, per: 1m}]}",
    "{not: {at_most: 85, deadband: 2}}",
]


def delays() -> dict[str, Any]:
    """Return the percentiles and what the processes cost; raise AssertionError where the limit is missed."""
    with services(DEVICES) as own:
        _write_rules(own.folder / "rules")
        # The planted rises are steeper than any weather: a profile without limits lets them through unflagged.
        own.execute("UPDATE device SET profile = 'citywatch/native'")
        with (
            worker(own, "ingest.log") as ingest,
            _rules(own) as rules,
            _heard(own) as heard,
        ):
            log = own.folder / "ingest.log"
            wait_for(lambda: log.exists() and "broker_connected" in log.read_text(), 60)
            known = f"SELECT count(*) >= {len(CONDITIONS)} FROM rule WHERE enabled AND rule_id LIKE 'proof-%'"
            wait_for(lambda: own.query(known) is True, 60)
            began = datetime.now(UTC)
            sent = _publish(own.broker.port, WARM_UP + SPAN)
            last = datetime.now(UTC)
            wait_for(lambda: own.query("SELECT coalesce(sum(received), 0) FROM delivery_account") == sent, 120, 0.2)
            wait_for(lambda: own.query(_BEHIND) == 0, 120, 0.2)
            for each in (ingest, rules):
                each.look()
        since = began + timedelta(seconds=WARM_UP)
        found = [heard[number] - raised for number, raised in _alerts(own) if raised >= since and number in heard]
        seconds = [each.total_seconds() for each in found]
        p99 = share_of(seconds, 0.99) or 0.0
        rate = sent / (last - began).total_seconds()
        figures: dict[str, Any] = {
            "devices": DEVICES,
            "rules": len(CONDITIONS),
            "readings_per_second": round(rate),
            "alerts": len(seconds),
            "publish_to_alert_s": {
                f"p{round(share * 100)}": round(share_of(seconds, share) or 0.0, 3) for share in (0.5, 0.95, 0.99)
            },
            "slowest_s": round(max(seconds, default=0.0), 3),
            "ingest_cpu_share": round(ingest.cpu / (last - began).total_seconds(), 2),
            "rules_cpu_share": round(rules.cpu / (last - began).total_seconds(), 2),
            "rules_memory_mb": round(rules.memory / 1e6),
        }
        figures["replay_of_the_log"] = asyncio.run(_replay(own, began, last + timedelta(minutes=1)))
    assert len(seconds) > 100, figures
    assert p99 < LIMIT, figures
    assert rate > 0.95 * RATE, figures
    return figures


_BEHIND = """SELECT (SELECT coalesce(max(seq), 0) FROM ingest_batch)
                  - (SELECT coalesce(max(seq), 0) FROM consumer_progress WHERE consumer = 'rules')"""


def _write_rules(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)
    for number, when in enumerate(CONDITIONS):
        text = rule_text(when, rule_id=f"proof-{number}")
        (folder / f"proof-{number}.yaml").write_text(text, encoding="utf-8")


@contextmanager
def _rules(own: Services) -> Iterator[Measured]:
    with (own.folder / "rules.log").open("ab") as out:
        environment = {
            **os.environ,
            "CITYWATCH_STORE__DSN": own.dsn(),
            "CITYWATCH_RULES__FOLDERS": json.dumps([str(own.folder / "rules")]),
        }
        child = subprocess.Popen([sys.executable, "-c", RULES], cwd=ROOT, stderr=out, env=environment)
    try:
        yield Measured(child)
    finally:
        child.terminate()
        child.wait(60)


@contextmanager
def _heard(own: Services) -> Iterator[dict[int, datetime]]:
    """Note when each alert was told, which is at its commit."""
    heard: dict[int, datetime] = {}
    stop = threading.Event()

    async def listen() -> None:
        connection = await asyncpg.connect(own.dsn())

        def note(_connection: object, _process: int, _channel: str, text: object) -> None:
            heard.setdefault(int(str(text)), datetime.now(UTC))

        await connection.add_listener("citywatch_alert", note)
        while not stop.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await connection.close()

    thread = threading.Thread(target=lambda: asyncio.run(listen()))
    thread.start()
    try:
        yield heard
    finally:
        stop.set()
        thread.join()


def _publish(port: int, seconds: float) -> int:
    """Publish at the rate, each reading with its own instant; twice a second a device is over all limits for 2 s."""
    connection, dice = connect(port, f"proof-{random.randrange(1 << 30)}"), random.Random(4)
    topics = [TOPIC.format(DEVICE.format(n)) for n in range(DEVICES)]
    high: dict[int, float] = {}
    sent, began, next_rise = 0, time.monotonic(), WARM_UP / 2
    while (now := time.monotonic() - began) < seconds:
        if now > next_rise:
            next_rise += 0.5
            high[dice.randrange(DEVICES)] = now + 2
        out = bytearray()
        for _ in range(min(int(now * RATE) - sent, 500)):
            device = sent % DEVICES
            value = 97 if high.get(device, 0.0) > now else 20 + dice.random() * 5
            body = f'{{"time":"{datetime.now(UTC).isoformat()}","pm2_5":{value:.2f}}}'.encode()
            sent += 1
            out += packet(topics[device], body, sent % 65_535 + 1)
        if out:
            connection.sendall(out)
        while select.select([connection], [], [], 0.0 if out else 0.002)[0]:
            if not connection.recv(1 << 16):
                raise ConnectionError("the broker closed the connection")
    connection.sendall(b"\xe0\x00")
    connection.close()
    return sent


def _alerts(own: Services) -> list[tuple[int, datetime]]:
    async def ask() -> list[tuple[int, datetime]]:
        connection = await asyncpg.connect(own.dsn())
        try:
            rows = await connection.fetch("SELECT alert_id, raised_at FROM alert WHERE NOT silent ORDER BY alert_id")
            return [(row["alert_id"], row["raised_at"]) for row in rows]
        finally:
            await connection.close()

    return asyncio.run(ask())


async def _replay(own: Services, since: datetime, until: datetime) -> dict[str, Any]:
    """Step the stored log again and compare with the journal of the live run, rule by rule and second by second."""
    pool = await open_pool(own.dsn(), process="proof", size=1, statement_timeout=timedelta(minutes=10))
    try:
        async with pool.acquire() as connection:
            city = await load_city(connection)
            rules = [rule for rule in await load_rules(connection) if rule.rule_id.startswith("proof-")]
            found = await backtest(connection, city, rules, since - timedelta(minutes=1), until)
            again = {
                (f"{each.rule.rule_id}:{device}", episode.raised_at, episode.cleared_at)
                for each in found
                for device, episodes in each.found.items()
                for episode in episodes
            }
            live = {
                tuple(row)
                for row in await connection.fetch(
                    "SELECT alert_key, raised_at, cleared_at FROM alert_journal WHERE rule_id LIKE 'proof-%'"
                )
            }
    finally:
        await pool.close()
    assert again == live, (len(again), len(live), sorted(again ^ live, key=str)[:4])
    return {"live": len(live), "replayed": len(again), "differing": len(again ^ live)}
