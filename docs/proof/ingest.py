"""Ingest loses nothing and doubles nothing while workers are killed and the store is stopped; and what it can carry.

CITYWATCH_PROOF_SCALE (default 0.1) scales the long parts: 1 is the full form, a million messages, twenty kills, two
stops of 60 s and ten minutes without a store.
"""

import asyncio
import os
import random
import time
from typing import Any

import asyncpg

from benchmarks.city import publish_city
from benchmarks.cost import cost
from benchmarks.pipeline import RECEIVED, bare_subscriber, end_to_end, latency
from benchmarks.services import Services, finished, load, services, wait_for, worker

DEVICES = 1000
# Ours is the only code that wrote these tables; this is plain SQL of the proof's own. Each device sent its messages a
# second apart, so that (device, second) is the number of a message.
COUNT = """
SELECT count(*) AS rows, count(DISTINCT (datastream_id, phenomenon_time)) AS numbers,
       count(DISTINCT datastream_id) AS devices FROM observation
"""
TAIL = "SELECT coalesce(sum(cardinality(datastream_id)), 0)::bigint FROM ingest_batch WHERE old_result IS NULL"
SUMS = """
SELECT sum(received)::bigint AS received, sum(accepted)::bigint AS accepted, sum(rejected)::bigint AS rejected,
       sum(readings)::bigint AS readings, sum(stored)::bigint AS stored, sum(duplicate)::bigint AS duplicate,
       sum(refused)::bigint AS refused FROM delivery_account
"""


def prove() -> dict[str, object]:
    """Run every part and return its figures; an AssertionError names what was missed."""
    scale = float(os.environ.get("CITYWATCH_PROOF_SCALE", "0.1"))
    figures: dict[str, object] = {"scale": scale}
    for protocol, slots in (("3.1.1", 1), ("5", 1), ("3.1.1", 2), ("5", 2)):
        with services(DEVICES) as own:
            name = f"killed and stopped, MQTT {protocol}, {slots} worker{'s' if slots > 1 else ''}"
            figures[name] = killed_and_stopped(own, scale, protocol, slots)
    with services(DEVICES) as own:
        figures["store away"] = store_away(own, scale)
    with services(2001) as own:
        figures["flood"] = flood(own, scale)
    with services(2000) as own:
        figures["backlog"] = backlog(own, scale)
    with services(DEVICES) as own:
        figures["bare subscriber"] = bare_subscriber(own, 100_000)
        ceiling = end_to_end(own, 200_000)
        figures["end to end"] = ceiling
        figures["packs of 20"] = end_to_end(own, 20_000, pack=20)
        for share in (0.5, 0.9):
            figures[f"latency at {share:.0%}"] = latency(own, share * ceiling["messages_per_second"], 15)
    steps = cost()
    figures["pure steps"] = steps
    figures["quality share of worker"] = steps["quality_us"] / (ceiling["worker_cpu_s_per_100k"] * 10)
    missed = _missed(figures)
    assert not missed, f"{missed}: {figures}"
    return figures


def _missed(figures: dict[str, Any]) -> list[str]:
    wanted = {
        "15,000 messages a second end to end": figures["end to end"]["messages_per_second"] >= 15_000,
        "60,000 readings a second in packs": figures["packs of 20"]["readings_per_second"] >= 60_000,
        "p99 under 250 ms at half the ceiling": figures["latency at 50%"]["p99_ms"] < 250,
        "p99 under 1 s at 90 %": figures["latency at 90%"]["p99_ms"] < 1000,
    }
    return [name for name, held in wanted.items() if not held]


class Slots:
    """Workers by slot, killed and started again."""

    def __init__(self, own: Services, protocol: str, slots: int) -> None:
        self._own, self._slots = own, slots
        self._environment = {"CITYWATCH_BROKER__PROTOCOL": protocol, "CITYWATCH_INGEST__WORKERS": str(slots)}
        self._running: dict[int, Any] = {}

    def start(self, slot: int) -> None:
        """Start the worker of one slot."""
        context = worker(self._own, f"worker-{slot}.log", **self._environment, CITYWATCH_INGEST__SLOT=str(slot))
        self._running[slot] = (context, context.__enter__())

    def kill(self, slot: int) -> None:
        """Kill -9 one worker and start another in its place."""
        context, measured = self._running[slot]
        measured.child.kill()
        measured.child.wait()
        context.__exit__(None, None, None)
        self.start(slot)

    def connected(self) -> bool:
        """Return whether every worker has subscribed at least once."""
        logs = [self._own.folder / f"worker-{slot}.log" for slot in range(self._slots)]
        return all(log.exists() and "broker_connected" in log.read_text() for log in logs)

    def __enter__(self) -> "Slots":
        for slot in range(self._slots):
            self.start(slot)
        wait_for(self.connected, 60)
        return self

    def __exit__(self, *_: object) -> None:
        for context, _measured in self._running.values():
            context.__exit__(None, None, None)


def killed_and_stopped(own: Services, scale: float, protocol: str, slots: int) -> dict[str, object]:
    """Publish numbered messages while workers die and the store and the broker stop; count with SQL of our own."""
    count, kills = max(20_000, int(1_000_000 * scale)), max(4, round(20 * scale))
    pause = max(3.0, 60 * scale)
    dice = random.Random(7)
    with Slots(own, protocol, slots) as workers:
        publisher = load(own, count, rate=max(2000, count / (kills * 3 + 4 * pause)))
        for number in range(kills):
            time.sleep(dice.uniform(0.3, 2.5))
            workers.kill(number % slots)
            if number in (kills // 3, 2 * kills // 3):
                own.postgres.stop(kill=number == kills // 3)
                time.sleep(pause)
                own.postgres.start()
        published = finished(publisher)
        for _ in range(2):  # orderly: its queues are saved
            own.broker.stop()
            own.broker.start()
        wait_for(lambda: _row(own, COUNT)["numbers"] >= count, 300, every=0.5)
    found, sums = _row(own, COUNT), _row(own, SUMS)
    figures = {
        "published": int(published["acknowledged"]),
        "kills": kills,
        "store_stops": 2,
        "broker_restarts": 2,
        "lost": count - found["numbers"],
        "doubled": found["rows"] - found["numbers"],
        "doubled_in_tail": int(str(own.query(TAIL))) - found["rows"],
        "redelivered": sums["duplicate"],
        "account": sums,
    }
    unexplained = abs(sums["received"] - sums["accepted"] - sums["rejected"])
    unexplained += abs(sums["readings"] - sums["stored"] - sums["duplicate"] - sums["refused"])
    figures["unexplained"] = unexplained + abs(sums["stored"] - found["rows"])
    wrong = {name: figures[name] for name in ("lost", "doubled", "doubled_in_tail", "unexplained") if figures[name]}
    assert not wrong, figures
    return figures


def _row(own: Services, statement: str) -> dict[str, int]:
    async def ask() -> dict[str, int]:
        connection = await asyncpg.connect(own.dsn())
        try:
            row = await connection.fetchrow(statement)
            assert row is not None
            return dict(row)
        finally:
            await connection.close()

    return asyncio.run(ask())


def store_away(own: Services, scale: float) -> dict[str, float]:
    """Stop the store while 2,000 messages a second arrive: the worker's memory stays bounded, and nothing is lost."""
    rate, seconds = 2000, max(30.0, 600 * scale)
    with Slots(own, "3.1.1", 1) as workers:
        _context, measured = workers._running[0]
        own.postgres.stop()
        publisher = load(own, int(rate * seconds), rate=rate)
        while publisher.poll() is None:
            measured.look()
            time.sleep(0.5)
        published = finished(publisher)
        own.postgres.start()
        began = time.monotonic()
        wait_for(lambda: own.query(RECEIVED) == published["sent"], 300, every=0.2)
        caught_up = time.monotonic() - began
        measured.look()
    figures = {
        "messages_per_second": rate,
        "seconds": seconds,
        "worker_memory_mb": measured.memory / 1e6,
        "seconds_to_catch_up": caught_up,
        "lost": published["sent"] - _row(own, COUNT)["numbers"],
    }
    assert figures["worker_memory_mb"] < 300, figures
    assert not figures["lost"], figures
    return figures


DELAYS = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY d) AS p50, percentile_cont(0.99) WITHIN GROUP (ORDER BY d) AS p99,
       count(*) AS n
  FROM (SELECT 1000 * extract(epoch FROM b.at - r.t) AS d
          FROM ingest_batch AS b CROSS JOIN LATERAL unnest(b.datastream_id, b.phenomenon_time) AS r (s, t)
          JOIN datastream AS s ON s.datastream_id = r.s WHERE {where}) AS x
"""


def flood(own: Services, scale: float) -> dict[str, object]:
    """One device sends 623 messages a second beside 2,000 that send one a minute; the others must not notice."""
    seconds = max(20.0, 300 * scale)
    with Slots(own, "3.1.1", 1):
        sent = publish_city(
            own.broker.port, seconds, normal=2000, normal_rate=2000 / 60, loud=1, loud_rate=187_000 / 300
        )
        wait_for(lambda: own.query(RECEIVED) == sent["messages"], 60, every=0.2)
        named = _row(
            own,
            "SELECT count(*) AS n, extract(epoch FROM min(began_at))::float8 AS at FROM device_flood"
            " WHERE device_id = 'bench-02000'",
        )
        others = _row(own, DELAYS.format(where="s.device_id <> 'bench-02000'"))
    figures: dict[str, object] = {
        "messages": sent["messages"],
        "others_p50_ms": float(others["p50"]),
        "others_p99_ms": float(others["p99"]),
        "seconds_until_named": named["at"] - sent["began"] if named["n"] else None,
        "account_of_the_flood": _row(own, SUMS + " WHERE device_id = 'bench-02000'"),
    }
    assert named["n"], figures
    assert named["at"] - sent["began"] < 10, figures
    assert others["p99"] < 2000, figures
    return figures


def backlog(own: Services, scale: float) -> dict[str, object]:
    """500 devices deliver six hours at once (one reading a minute) while 1,500 others go on reporting."""
    minutes = max(36, int(360 * scale))
    with Slots(own, "3.1.1", 1):
        sent = publish_city(own.broker.port, 15.0, normal=1500, normal_rate=100, backlog=500, backlog_each=minutes)
        began = time.monotonic()
        wait_for(lambda: own.query(RECEIVED) == sent["messages"], 120, every=0.2)
        live = _row(own, DELAYS.format(where="substr(s.device_id, 7)::int < 1500"))
    account = _row(own, SUMS)
    figures: dict[str, object] = {
        "backlog_messages": 500 * minutes,
        "live_p50_ms": float(live["p50"]),
        "live_p99_ms": float(live["p99"]),
        "seconds_after_the_last_publication": time.monotonic() - began,
        "account": account,
    }
    assert account["refused"] == 0, figures
    return figures
