"""A killed rules or indicators process: others take its devices over within ten seconds.

Undivided, two of each run, of which one works. The worker is killed -9 in the middle of the flow; what counts is the
time until all positions in the tail are past what was written after its death. They are saved with what they brought
about, so that every row counts once.
Then both are divided in two parts, one for each of two processes, and one of them is killed. What two carry against
one is measured beside it (docs/proof/takeover_rules.py). PROOF_PARTS runs some of `kills,vanished,throughput` only.
"""

import time
from contextlib import ExitStack

from benchmarks.services import Measured, Services, load, process, services, wait_for, worker
from docs.proof.report import Figures, run_parts
from docs.proof.takeover_rules import throughput
from docs.proof.takeover_vanished import vanished

RATE = 300  # messages a second
MOST = 300_000  # messages: more than are wanted
PATIENCE = 300.0  # seconds, on a machine that does much else
LIMIT = 10.0  # seconds
KILLS = 2
POSITION = "SELECT coalesce(max(seq), 0) FROM consumer_progress WHERE consumer = $1"
END = "SELECT coalesce(max(seq), 0) FROM ingest_batch"


def stands(own: Services, log: str, parts: int) -> bool:
    """Return whether a process says that it stands by or, with several parts, that it has begun on its own."""
    sign = "parts_wait_for_process" if parts == 1 else "parts_taken"
    return sign in (own.folder / log).read_text(encoding="utf-8")


def taken_over(own: Services, consumer: str, parts: int = 1) -> list[float]:
    """Kill one that works, a few times, starting another each time; return the seconds until all was taken again."""
    number, pair = 0, dict[str, Measured]()
    with ExitStack() as stack:

        def start() -> None:
            nonlocal number
            log = f"{consumer}-{parts}-{number}.log"
            divided = {} if parts == 1 else {f"CITYWATCH_{consumer.upper()}__PARTS": str(parts)}
            pair[log] = stack.enter_context(process(own, ["-m", "citywatch", consumer, "run"], log, **divided))
            number += 1

        start()
        before = int(str(own.query(END)))
        wait_for(lambda: int(str(own.query(POSITION, consumer))) > before, PATIENCE)
        seconds = []
        for _ in range(KILLS):
            start()
            other = list(pair)[-1]
            wait_for(lambda log=other: stands(own, log, parts), PATIENCE)  # type: ignore[misc]
            victim = next(iter(pair))
            killed = pair.pop(victim).child
            killed.kill()
            began = time.monotonic()
            killed.wait()
            later = int(str(own.query(END))) + 1  # the dead cannot have taken that
            wait_for(lambda seq=later: int(str(own.query(POSITION, consumer))) >= seq, PATIENCE)  # type: ignore[misc]
            seconds.append(round(time.monotonic() - began, 2))
        return seconds


def prove() -> Figures:
    """Kill each kind twice under traffic, and measure what two carry."""
    return run_parts("takeover", {"kills": kills, "vanished": vanished, "throughput": throughput})


def kills() -> Figures:
    """Return how long devices stood unwatched; raise AssertionError where it was too long."""
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
            "seconds until what was written after the kill was taken": {
                "rules": taken_over(own, "rules"),
                "indicators": taken_over(own, "indicators"),
                "rules in two parts": taken_over(own, "rules", parts=2),
                "indicators in two parts": taken_over(own, "indicators", parts=2),
            },
            "limit": LIMIT,
            "still publishing at the last kill": publisher.poll() is None,
        }
        publisher.kill()
        publisher.communicate()
    times = figures["seconds until what was written after the kill was taken"]
    assert isinstance(times, dict)
    assert figures["still publishing at the last kill"], figures
    assert max(each for found in times.values() for each in found) <= LIMIT, figures
    return figures
