"""A killed rules or indicators process: the one that stands by takes its devices over within ten seconds.

Two of each run, of which one works. The worker is killed -9 in the middle of the flow; what counts is the time until
its position in the tail moves again. It is saved with what it brought about, so that every row counts once.
"""

import time
from contextlib import ExitStack

from benchmarks.services import Measured, Services, load, process, services, wait_for, worker
from docs.proof.report import Figures

RATE = 300  # messages a second
MOST = 300_000  # messages: more than are wanted
PATIENCE = 300.0  # seconds, on a machine that does much else
LIMIT = 10.0  # seconds
KILLS = 2
POSITION = "SELECT coalesce(max(seq), 0) FROM consumer_progress WHERE consumer = $1"
END = "SELECT coalesce(max(seq), 0) FROM ingest_batch"


def waits(own: Services, log: str, consumer: str) -> bool:
    """Return whether a process says that it stands by."""
    return f"{consumer}_wait_for_other_process" in (own.folder / log).read_text(encoding="utf-8")


def taken_over(own: Services, consumer: str, stack: ExitStack) -> list[float]:
    """Kill whoever works, a few times, starting another stand-by each time; return the seconds without anybody."""
    number, pair = 0, dict[str, Measured]()

    def start() -> None:
        nonlocal number
        log = f"{consumer}-{number}.log"
        pair[log] = stack.enter_context(process(own, ["-m", "citywatch", consumer, "run"], log))
        number += 1

    start()
    wait_for(lambda: int(str(own.query(POSITION, consumer))) > 0, PATIENCE)
    seconds = []
    for _ in range(KILLS):
        start()
        standby = list(pair)[-1]
        wait_for(lambda log=standby: waits(own, log, consumer), PATIENCE)  # type: ignore[misc]
        victim = next(iter(pair))
        before = int(str(own.query(END)))
        pair.pop(victim).child.kill()
        began = time.monotonic()
        wait_for(lambda seq=before: int(str(own.query(POSITION, consumer))) >= seq, PATIENCE)  # type: ignore[misc]
        seconds.append(round(time.monotonic() - began, 2))
    return seconds


def prove() -> Figures:
    """Kill each kind twice under traffic."""
    with services() as own, ExitStack() as stack:
        # What is published is a minute old: by the rhythm it has, every device would fall silent between two readings.
        own.execute("UPDATE device SET expected_interval = interval '1 hour'")
        stack.enter_context(worker(own))
        stack.enter_context(process(own, ["-m", "citywatch", "fold", "run"], "fold.log"))  # indicators follow it
        wait_for(lambda: "broker_connected" in (own.folder / "worker.log").read_text(encoding="utf-8"), PATIENCE)
        publisher = load(own, MOST, rate=RATE, back=60)
        figures: Figures = {
            "messages_per_second": RATE,
            "kills_of_each": KILLS,
            "seconds until everything written before the kill was taken": {
                consumer: taken_over(own, consumer, stack) for consumer in ("rules", "indicators")
            },
            "limit": LIMIT,
            "still publishing at the last kill": publisher.poll() is None,
        }
        publisher.kill()
        publisher.communicate()
        end = int(str(own.query(END)))
        for consumer in ("rules", "indicators"):
            wait_for(lambda who=consumer: int(str(own.query(POSITION, who))) >= end, PATIENCE)  # type: ignore[misc]
    times = figures["seconds until everything written before the kill was taken"]
    assert isinstance(times, dict)
    assert figures["still publishing at the last kill"], figures
    assert max(each for found in times.values() for each in found) <= LIMIT, figures
    return figures
