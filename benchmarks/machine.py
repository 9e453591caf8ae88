"""`citywatch bench`: what this machine carries. Every process runs, as in a city, on a store and broker of its own."""

import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta

from benchmarks.capacity import Ceiling, Point, ceiling, devices, disk_per_year, fit, total
from benchmarks.cost import cost
from benchmarks.pipeline import RECEIVED, bare_copy, bare_subscriber, cpu_seconds
from benchmarks.services import Measured, Services, finished, load, process, services, wait_for, worker

CONSUMERS = ("fold", "rules", "indicators")
WARM_UP = 2000
FEW, MANY, BETWEEN = 1, 20, 5  # readings a message: two points to fit, one to check
PATIENCE = 600.0
DONE = """
SELECT count(*) = 3 FROM consumer_progress
 WHERE consumer IN ('fold', 'rules', 'indicators') AND seq >= (SELECT max(seq) FROM ingest_batch)
"""
OBSERVATION_BYTES = """
SELECT sum(pg_total_relation_size(relid))::float8 FROM pg_partition_tree('observation') WHERE isleaf
"""
ROLLUP_BYTES = """
SELECT (pg_total_relation_size('rollup_minute')::float8 / greatest(1, (SELECT count(*) FROM rollup_minute)))
"""
Tell = Callable[[str], None]


def run_point(messages: int, readings: int, tell: Tell) -> tuple[Point, dict[str, float]]:
    """Send `messages` of so many `readings` through a whole city; return its costs, and rate and sizes."""
    tell(f"{messages} messages with {readings} readings each through every process")
    with services() as own, ExitStack() as running:
        # What is published is minutes old: by their rhythm all devices would be called silent, and that be measured.
        own.execute("UPDATE device SET expected_interval = interval '1 hour'")
        children = {"ingest": running.enter_context(worker(own))}
        for name in CONSUMERS:
            children[name] = running.enter_context(process(own, ["-m", "citywatch", name, "run"], f"{name}.log"))
        log = own.folder / "worker.log"
        wait_for(lambda: log.exists() and "broker_connected" in log.read_text(), PATIENCE)
        turns = (messages + WARM_UP) * readings // own.devices
        finished(load(own, WARM_UP, pack=readings, back=turns))
        wait_for(lambda: own.query(RECEIVED) == WARM_UP and bool(own.query(DONE)), PATIENCE)
        before = _cpu(own, children)
        published = finished(load(own, messages, pack=readings, first=WARM_UP, back=turns))
        wait_for(lambda: own.query(RECEIVED) == WARM_UP + messages and bool(own.query(DONE)), PATIENCE, every=0.1)
        took = time.time() - published["began"]
        after = _cpu(own, children)
        own.execute("VACUUM FULL observation, rollup_minute")  # as the store's care leaves them
        rows = float(str(own.query("SELECT count(*) FROM observation")))
        sizes = {
            "observation_bytes": float(str(own.query(OBSERVATION_BYTES))) / rows,
            "rollup_bytes": float(str(own.query(ROLLUP_BYTES))),
        }
    point = Point(messages, readings, {name: after[name] - before[name] for name in after})
    return point, {"messages_per_second": messages / took, **sizes}


def _cpu(own: Services, children: dict[str, Measured]) -> dict[str, float]:
    assert own.postgres.child is not None
    assert own.broker.child is not None
    for child in children.values():
        child.look()
    return {
        **{name: child.cpu for name, child in children.items()},
        "broker": cpu_seconds(own.broker.child.pid),
        "store": cpu_seconds(own.postgres.child.pid, children=True),
    }


def measure(messages: int, every: timedelta, readings: int, tell: Tell) -> dict[str, object]:
    """Measure this machine and say how many devices of that kind it carries."""
    cores = len(os.sched_getaffinity(0))
    with services() as own:
        tell("the broker alone")
        broker = bare_subscriber(own, messages)["messages_per_second"]
        tell("the store alone")
        store = bare_copy(own, messages)["readings_per_second"]
    tell("decoding alone")
    steps = cost(messages)
    few, of_few = run_point(messages, FEW, tell)
    many, _ = run_point(max(1000, messages // 10), MANY, tell)
    between, of_between = run_point(max(1000, messages // 3), BETWEEN, tell)
    costs = fit(few, many)
    foretold, found = total(costs, BETWEEN), sum(between.cpu.values()) / between.messages
    most: Ceiling = ceiling(costs, readings, cores)
    return {
        "cores": cores,
        "python": sys.version.split()[0],
        "load_average": round(os.getloadavg()[0], 1),
        "broker_alone_messages_per_second": broker,
        "store_alone_readings_per_second": store,
        **{f"{name[:-3]}_alone_us": value for name, value in steps.items()},
        "end_to_end_messages_per_second": of_few["messages_per_second"],
        "us_per_message": {name: each.per_message * 1e6 for name, each in costs.items()},
        "us_per_reading": {name: each.per_reading * 1e6 for name, each in costs.items()},
        "check": {
            "readings_per_message": BETWEEN,
            "foretold_us_per_message": foretold * 1e6,
            "measured_us_per_message": found * 1e6,
            "off_by": foretold / found - 1,
            "measured_messages_per_second": of_between["messages_per_second"],
        },
        "observation_bytes": of_few["observation_bytes"],
        "rollup_bytes": of_few["rollup_bytes"],
        "device": {"every_seconds": every.total_seconds(), "readings": readings},
        "ceiling_messages_per_second": most.messages_per_second,
        "limit": most.limit,
        "devices": devices(most.messages_per_second, every),
        "disk_gb_per_1000_devices_and_year": disk_per_year(
            1000 * readings, every, of_few["observation_bytes"], of_few["rollup_bytes"]
        )
        / 1e9,
    }
