"""Parts of the proof of ingest: workers killed, store and broker stopped, while numbered messages flow."""

import asyncio
import random
import time
from contextlib import AbstractContextManager

import asyncpg

from benchmarks.pipeline import RECEIVED
from benchmarks.services import Measured, Services, finished, load, services, wait_for, worker

DEVICES = 1000
# Plain SQL of the proof's own. Device D sent message T, T seconds after its first and with the sequence number T: so
# T * devices + D numbers the messages from 0 without a gap.
COUNT = """
WITH placed AS (
    SELECT o.phenomenon_time AS t, substr(s.device_id, 7)::int AS d
      FROM observation AS o JOIN datastream AS s USING (datastream_id)),
numbered AS (SELECT extract(epoch FROM t - (SELECT min(t) FROM placed))::bigint * $1::int + d AS n FROM placed)
SELECT count(*) AS rows, count(DISTINCT n) AS numbers, coalesce(min(n), 0) AS first, coalesce(max(n), -1) AS last
  FROM numbered
"""
TAIL = "SELECT coalesce(sum(cardinality(datastream_id)), 0)::bigint FROM ingest_batch WHERE old_result IS NULL"
SUMS = """
SELECT sum(received)::bigint AS received, sum(accepted)::bigint AS accepted, sum(rejected)::bigint AS rejected,
       sum(readings)::bigint AS readings, sum(stored)::bigint AS stored, sum(duplicate)::bigint AS duplicate,
       sum(refused)::bigint AS refused FROM delivery_account
"""


class Slots:
    """Workers by slot, killed and started again."""

    def __init__(self, own: Services, protocol: str, slots: int) -> None:
        self._own, self._slots = own, slots
        self._environment = {"CITYWATCH_BROKER__PROTOCOL": protocol, "CITYWATCH_INGEST__WORKERS": str(slots)}
        self._running: dict[int, tuple[AbstractContextManager[Measured], Measured]] = {}

    def start(self, slot: int) -> None:
        """Start the worker of one slot."""
        environment = {**self._environment, "CITYWATCH_INGEST__SLOT": str(slot)}
        context = worker(self._own, f"worker-{slot}.log", None, **environment)
        self._running[slot] = (context, context.__enter__())

    def kill(self, slot: int) -> None:
        """Kill -9 one worker and start another in its place."""
        context, measured = self._running[slot]
        measured.child.kill()
        measured.child.wait()
        context.__exit__(None, None, None)
        self.start(slot)

    def measured(self, slot: int) -> Measured:
        """Return the running worker of one slot."""
        return self._running[slot][1]

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


def killed_and_stopped(scale: float, protocol: str, slots: int) -> dict[str, object]:
    """Publish numbered messages while workers die and store and broker stop; count with SQL of our own."""
    count, kills = max(20_000, int(1_000_000 * scale)), max(4, round(20 * scale))
    pause = max(3.0, 60 * scale)
    dice = random.Random(7)
    with services(DEVICES) as own, Slots(own, protocol, slots) as workers:
        publisher = load(own, count, rate=max(800, count / (kills * 4 + 2 * pause)), reconnect=True)
        for number in range(kills):
            time.sleep(dice.uniform(0.3, 2.5))
            workers.kill(number % slots)
            if number in (kills // 3, 2 * kills // 3):
                own.postgres.stop(kill=number == kills // 3)
                time.sleep(pause)
                own.postgres.start()
            if number in (kills // 4, 3 * kills // 4):  # orderly: its queues are saved
                own.broker.stop()
                own.broker.start()
        under_fire = publisher.poll() is None
        published = finished(publisher)
        wait_for(lambda: row_of(own, COUNT, DEVICES)["numbers"] >= count, 400, every=2)
        found, sums = row_of(own, COUNT, DEVICES), row_of(own, SUMS)
        in_tail = int(str(own.query(TAIL)))
    unexplained = abs(sums["received"] - sums["accepted"] - sums["rejected"])
    unexplained += abs(sums["readings"] - sums["stored"] - sums["duplicate"] - sums["refused"])
    unexplained += abs(sums["stored"] - found["rows"])
    figures: dict[str, object] = {
        "published": count,
        "acknowledged_by_the_broker": int(published["acknowledged"]),
        "kills": kills,
        "store_stops": 2,
        "seconds_of_each_stop": pause,
        "broker_restarts": 2,
        "still_publishing_at_the_last_kill": under_fire,
        "lost": count - found["numbers"],
        "doubled": found["rows"] - found["numbers"],
        "doubled_in_tail": in_tail - found["rows"],
        "unexplained": unexplained,
        "redelivered": sums["duplicate"],
        "account": sums,
    }
    if any(figures[name] for name in ("lost", "doubled", "doubled_in_tail", "unexplained")):
        raise AssertionError(figures)
    if (found["first"], found["last"]) != (0, count - 1):
        raise AssertionError({**figures, "numbers": found})
    return figures


def row_of(own: Services, statement: str, *arguments: object) -> dict[str, int]:
    async def ask() -> dict[str, int]:
        connection = await asyncpg.connect(own.dsn())
        try:
            row = await connection.fetchrow(statement, *arguments)
            assert row is not None
            return dict(row)
        finally:
            await connection.close()

    return asyncio.run(ask())


def store_away(scale: float) -> dict[str, float]:
    """Stop the store while 2,000 messages a second arrive: the worker's memory stays bounded, and nothing is lost."""
    rate, seconds = 2000, max(30.0, 600 * scale)
    with services(DEVICES) as own, Slots(own, "3.1.1", 1) as workers:
        measured = workers.measured(0)
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
        stored = row_of(own, COUNT, DEVICES)["numbers"]
    figures = {
        "messages_per_second": rate,
        "seconds": seconds,
        "worker_memory_mb": measured.memory / 1e6,
        "seconds_to_catch_up": caught_up,
        "lost": published["sent"] - stored,
    }
    assert figures["worker_memory_mb"] < 300, figures
    assert not figures["lost"], figures
    return figures
