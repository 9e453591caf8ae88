"""Where a process' time goes: one that looks at its own stack every 2 ms of CPU time.

`BENCH_SAMPLES=FILE python -m benchmarks.sampling ingest` runs the worker, `rules` a rules process; SIGUSR1 begins the
look, and at the end the share of each stage is written as JSON.
"""

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

from benchmarks.services import ROOT

EVERY = 0.002
# Walking outwards from where the sample fell, the first of these in a file's path names the stage.
INGEST = {
    "/ingest/quality/": "quality flags",
    "/ingest/decode.py": "decode",
    "/devices/": "decode",
    "/ingest/times.py": "decode",
    "/ingest/broker_": "receive and acknowledge",
    "/ingest/mqtt_packets.py": "receive and acknowledge",
    "/ingest/inbox.py": "receive and acknowledge",
    "/ingest/account.py": "account",
    "/ingest/store.py": "write to the store",
    "/asyncpg/": "write to the store",
    "/ingest/": "worker's loop and batches",
}
RULES = {
    "/rules/frozen.py": "checkpoints",
    "/rules/checkpoint.py": "checkpoints",
    "/rules/record.py": "tell alerts",
    "/rules/alerts.py": "tell alerts",
    "/rules/wording.py": "tell alerts",
    "/rules/notify/": "tell alerts",
    "/rules/duties.py": "duties of the whole city",
    "/rules/grouping.py": "duties of the whole city",
    "/rules/process.py": "garbage",
    "/asyncpg/": "read the tail and talk to the store",
    "/rules/worker.py": "read the tail and talk to the store",
    "/rules/": "judge",
}
REST = "event loop"


def stage_of(frame: FrameType | None, stages: Mapping[str, str]) -> str:
    """Return the stage that a stack is in."""
    while frame is not None:
        path = frame.f_code.co_filename.removeprefix(str(ROOT))
        for part, stage in stages.items():
            if part in path:
                return stage
        frame = frame.f_back
    return REST


def main(name: str) -> None:
    """Run the process of that name, sampled."""
    run: Callable[[], None]
    if name == "rules":
        from citywatch.cli.rules import run

        stages = RULES
    else:
        from citywatch.cli.ingest import run

        stages = INGEST
    seen: Counter[str] = Counter()
    signal.signal(signal.SIGPROF, lambda _number, frame: seen.update((stage_of(frame, stages),)))
    # It begins when it is told to, so that the start of the process is not part of it.
    signal.signal(signal.SIGUSR1, lambda *_: signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY))
    try:
        run()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        total = seen.total() or 1
        shares = {stage: count / total for stage, count in seen.most_common()}
        Path(os.environ["BENCH_SAMPLES"]).write_text(json.dumps(shares), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
