"""Ingest loses nothing and doubles nothing while workers are killed and the store is stopped; and what it can carry.

PROOF_SCALE (default 0.05) scales the long parts: 1 is the full form, a million messages, twenty kills, two stops of
60 s and ten minutes without a store. PROOF_PARTS runs some of the parts only: docs/proof/report.py.
"""

import os
from collections.abc import Callable, Mapping
from functools import partial

from benchmarks.cost import cost
from benchmarks.pipeline import bare_subscriber, end_to_end, latency
from benchmarks.services import services
from docs.proof.ingest_fairness import backlog, flood
from docs.proof.ingest_outages import DEVICES, killed_and_stopped, store_away
from docs.proof.report import run_parts


def prove() -> dict[str, object]:
    """Run every part and return its figures; an AssertionError names what was missed."""
    scale = float(os.environ.get("PROOF_SCALE", "0.05"))
    parts: dict[str, Callable[[], Mapping[str, object]]] = {
        "kills-311-1": partial(killed_and_stopped, scale, "3.1.1", 1),
        "kills-5-1": partial(killed_and_stopped, scale, "5", 1),
        "kills-311-2": partial(killed_and_stopped, scale, "3.1.1", 2),
        "kills-5-2": partial(killed_and_stopped, scale, "5", 2),
        "store-away": partial(store_away, scale),
        "flood": partial(flood, scale),
        "backlog": partial(backlog, scale),
        "speed": speed,
    }
    return run_parts("ingest", parts, scale=scale)


def speed() -> dict[str, object]:
    """Find the ceiling of one worker, then the delay at half of it and at 90 %."""
    with services(DEVICES) as own:
        bare = bare_subscriber(own, 100_000)
        ceiling = end_to_end(own, 200_000)
        packs = end_to_end(own, 20_000, pack=20)
        half, most = (latency(own, share * ceiling["messages_per_second"], 15) for share in (0.5, 0.9))
    steps = cost()
    figures: dict[str, object] = {
        "bare subscriber": bare,
        "end to end": ceiling,
        "packs of 20": packs,
        "latency at 50%": half,
        "latency at 90%": most,
        "pure steps": steps,
        "quality share of worker": steps["quality_us"] / (ceiling["worker_cpu_s_per_100k"] * 10),
    }
    promised = {
        "15,000 messages a second end to end": ceiling["messages_per_second"] >= 15_000,
        "60,000 readings a second in packs": packs["readings_per_second"] >= 60_000,
        "p99 under 250 ms at half the ceiling": half["p99_ms"] < 250,
        "p99 under 1 s at 90 %": most["p99_ms"] < 1000,
    }
    missed = [name for name, held in promised.items() if not held]
    if missed:
        raise AssertionError({**figures, "missed": missed})
    return figures
