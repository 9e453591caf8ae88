"""Chaos: faults with stated seeds while numbered messages flow; nothing lost, doubled or unexplained, no alert other.

A round is one fault: kill -9 of each process, of the store with all its backends, an orderly restart of the broker, the
store stopped, its disk full, a cable between two hosts pulled. The same messages then go through a city that nobody
disturbs: both have the same alerts, from when to when. kill -9 of the broker stands apart: docs/proof/kill_each.py.

`PROOF_FULL=1` is the full form: a million messages, 20 rounds, 60 s without store, disk or network.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docs.proof import independent_count, kill_each
from docs.proof.chaos_city import City, city, until
from docs.proof.chaos_hosts import refusal
from docs.proof.chaos_messages import DEVICES, FULL, RATE, readings
from docs.proof.report import Figures, run_parts
from tests.installation import installation

AT_LEAST = 1_000_000 if FULL else 60_000
DOWN = 60.0 if FULL else 8.0  # seconds without store, disk or network
ROUNDS = 20 if FULL else 15
WORKERS = 2
PATIENCE = 1800.0 if FULL else 300.0  # seconds until everything goes again, on a machine that does much else

SUMS = """
SELECT sum(received)::bigint AS received, sum(accepted)::bigint AS accepted, sum(rejected)::bigint AS rejected,
       sum(readings)::bigint AS readings, sum(stored)::bigint AS stored, sum(duplicate)::bigint AS duplicate,
       sum(refused)::bigint AS refused FROM delivery_account
"""
TAIL = "SELECT coalesce(sum(cardinality(datastream_id)), 0)::bigint FROM ingest_batch WHERE old_result IS NULL"
DERIVED = "SELECT count(*) FROM observation JOIN datastream USING (datastream_id) WHERE method IS NOT NULL"
JOURNAL = """
SELECT alert_key, severity, raised_at::text, cleared_at::text FROM alert_journal
 WHERE device_id LIKE 'chaos-bin-%' ORDER BY alert_key, raised_at
"""
EVER = "SELECT count(*) FROM alert"
RETRACTED = """
SELECT rule_id, count(*) FROM alert WHERE retracted_at IS NOT NULL AND device_id LIKE 'chaos-bin-%'
 GROUP BY rule_id ORDER BY rule_id
"""
# Those that do not time their readings: what waits at the broker while nobody takes it looks like silence afterwards.
BLAMED = "SELECT count(*) FROM alert WHERE rule_id = 'device-silent' AND device_id LIKE 'chaos-counter-%'"
Fault = Callable[[City, random.Random], float]


def kill(name: str) -> Fault:
    """Return the fault that kills one of our processes."""

    def fault(found: City, _: random.Random) -> float:
        found.kill(name)
        return 0.0

    return fault


def worker_away(found: City, _: random.Random) -> float:
    """Kill one of the ingest workers, and start it again after a while: what it is to take waits at the broker."""
    child = found.children.pop("ingest-1")
    child.kill()
    child.wait()
    return _while_away(found, lambda: found.start("ingest-1"))


def store_killed(found: City, _: random.Random) -> float:
    """Kill the store and all its backends, as a power cut would."""
    found.postgres.stop(kill=True)
    found.store_up()
    return 0.0


def store_stopped(found: City, _: random.Random) -> float:
    """Stop the store in order, and start it again after a while."""
    found.postgres.stop()
    return _while_away(found, found.store_up)


def broker_restarted(found: City, _: random.Random) -> float:
    """Stop the broker in order, so that its queues are saved, and start it again."""
    with found.at("hub"):
        found.broker.stop()
        found.broker.start()
    return 0.0


def disk_full(found: City, _: random.Random) -> float:
    """Take every byte of the store's disk, and give them back after a while."""
    assert found.disk is not None
    found.disk.fill()
    took = _while_away(found, found.disk.free)
    found.store_up()
    return took


def cut(host: str) -> Fault:
    """Return the fault that pulls the cable of one host."""

    def fault(found: City, _: random.Random) -> float:
        found.hosts[host].cut()
        return _while_away(found, found.hosts[host].join)

    return fault


def _while_away(found: City, back: Callable[[], None]) -> float:
    began = time.monotonic()
    while time.monotonic() - began < DOWN:
        time.sleep(0.5)
        found.watch()
    back()
    return time.monotonic() - began


FAULTS: dict[str, Fault] = {
    "kill ingest-0": kill("ingest-0"),
    "kill rules": kill("rules"),
    "store stopped": store_stopped,
    "kill fold": kill("fold"),
    "broker restarted": broker_restarted,
    "kill indicators": kill("indicators"),
    "store killed": store_killed,
    "kill ingest-1": kill("ingest-1"),
    "kill devices": kill("devices"),
    "kill serve": kill("serve"),
    "a worker away": worker_away,
}
APART: dict[str, Fault] = {
    "disk full": disk_full,
    "cable of the store pulled": cut("base"),
    "cable of the broker pulled": cut("hub"),
    "cable of the field pulled": cut("field"),
}


def plan(faults: list[str]) -> list[tuple[int, str]]:
    """Return seed and fault of each round: every fault once in an order by chance, and so on."""
    dice = random.Random(ROUNDS)
    order: list[str] = []
    while len(order) < max(ROUNDS, len(faults)):
        order += dice.sample(faults, len(faults))
    return list(enumerate(order[: max(ROUNDS, len(faults))], 1))


def disturbed(folder: Path, refused: str) -> tuple[Figures, list[Any], int]:
    """Let the rounds pass; return the figures, the alerts and how many messages there were."""
    faults = {**FAULTS, **({} if refused else APART)}
    rounds: list[Figures] = []
    with city(folder, workers=WORKERS, apart=not refused) as found:
        publisher = found.publisher(RATE, AT_LEAST, more=True)
        for seed, name in plan(list(faults)):
            dice = random.Random(seed)
            time.sleep(dice.uniform(0.5, 3))
            down = faults[name](found, dice)
            recovered = recover(found)
            rounds.append(
                {
                    "seed": seed,
                    "fault": name,
                    "seconds_down": down,
                    "seconds_to_recover": recovered,
                    "blamed until then": found.ask(BLAMED)[0][0],
                }
            )
            print(rounds[-1], flush=True)
            assert publisher.poll() is None, "the publisher ended by itself"
        publisher.terminate()
        out, _ = publisher.communicate(timeout=1800)
        published = json.loads(out)
        count = int(published["published"])
        figures: Figures = {**account(found, count), "ended by themselves": found.died, "rounds": rounds}
        alerts = settle(found)
        figures["alerts said and taken back on the way"] = {
            row["rule_id"]: row["count"] for row in found.ask(RETRACTED)
        }
        figures["blamed for an outage of ours"] = found.ask(BLAMED)[0][0]
    return {"hosts": refused or "network namespaces", **published, **figures}, alerts, count


def recover(found: City) -> float:
    """Wait until new rows are written, and everything written by now is folded, judged and looked at."""

    def beyond() -> bool:
        found.watch()
        return found.end_of_tail() > marks[0]

    marks = [0]
    began = time.monotonic()

    def mark() -> bool:
        marks[0] = found.end_of_tail()
        return True

    until(mark, "the store to answer", PATIENCE)
    until(beyond, "rows to be written", PATIENCE)
    until(lambda: found.caught_up(marks[0]), "the consumers to catch up", PATIENCE)
    return time.monotonic() - began


def account(found: City, count: int) -> Figures:
    """Count what is there, from outside and by the account of our own."""
    wanted = readings(count)
    until(lambda: found.ask(TAIL)[0][0] >= sum(wanted.values()), "every reading to be stored", PATIENCE, every=2)
    run = [sys.executable, independent_count.__file__, found.dsn, "chaos-%"]
    counted = json.loads(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    stored = {name: int(row["stored"]) for name, row in counted.items()}
    sums = dict(found.ask(SUMS)[0])
    unexplained = abs(sums["received"] - sums["accepted"] - sums["rejected"])
    unexplained += abs(sums["readings"] - sums["stored"] - sums["duplicate"] - sums["refused"])
    unexplained += abs(sums["stored"] - sum(stored.values()))
    in_tail = found.ask(TAIL)[0][0] - found.ask(DERIVED)[0][0]
    return {
        "readings": sum(wanted.values()),
        "lost": sum(max(0, number - stored.get(name, 0)) for name, number in wanted.items()),
        "doubled": sum(max(0, number - wanted[name]) for name, number in stored.items()),
        "doubled in the tail": in_tail - sum(stored.values()),
        "unexplained": unexplained,
        "rejected or refused": sums["rejected"] + sums["refused"],
        "redelivered": sums["duplicate"],
    }


def settle(found: City) -> list[Any]:
    """Wait until nothing more comes of what is stored, and return the alerts: rule, device, from when to when."""
    last, since = -1, time.monotonic()
    deadline = since + PATIENCE
    while time.monotonic() - since < 8:
        assert time.monotonic() < deadline, f"alerts still change after {PATIENCE} s"
        until(lambda: found.caught_up(found.end_of_tail()), "the consumers to catch up", PATIENCE)
        number = found.end_of_tail() + found.ask(EVER)[0][0]
        if number != last:
            last, since = number, time.monotonic()
        time.sleep(0.5)
    return [tuple(row) for row in found.ask(JOURNAL)]


def undisturbed(folder: Path, count: int) -> list[Any]:
    """Return the alerts of the same messages where nothing fails."""
    with city(folder, workers=1, apart=False) as found:
        publisher = found.publisher(1e6, count, more=False)
        publisher.communicate(timeout=1800)
        account(found, count)
        return settle(found)


def rounds() -> Figures:
    """Disturb, compare, and return the figures."""
    refused = refusal()
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="citywatch-chaos-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for each in ("disturbed", "undisturbed"):
            (folder / each).mkdir(mode=0o755)
        figures, alerts, count = disturbed(folder / "disturbed", refused)
        expected = undisturbed(folder / "undisturbed", count)
    figures |= {"alerts": len(alerts), "alerts of other kind or time": sorted(set(alerts) ^ set(expected))}
    zero = (
        *("lost", "doubled", "doubled in the tail", "unexplained", "ended by themselves"),
        "blamed for an outage of ours",
    )
    assert alerts, figures
    assert not any(figures[each] for each in (*zero, "alerts of other kind or time")), figures
    return figures


def broker_killed() -> Figures:
    """Kill -9 the broker between two of its saves: what may be lost has a bound."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        with installation(Path(name) / "data", "--devices", "60") as found:
            kill_each.install_numbered(found)
            return kill_each.broker_killed(found)


def prove() -> Figures:
    """Run both parts; `PROOF_PARTS=rounds` runs one."""
    return run_parts(
        "chaos",
        {"rounds": rounds, "broker killed": broker_killed},
        full=FULL,
        messages_per_second=RATE,
        devices=DEVICES,
    )
