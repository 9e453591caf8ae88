"""The file of figures of one proof, and proofs made of parts that run alone.

`PROOF_PARTS=flood,backlog make prove ARGS=ingest` runs those parts only; the figures of the others stay as they were.
The file is written after each part, so that a long run that is cut off leaves what it had.
"""

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
Figures = dict[str, object]


class MissedError(AssertionError):
    """A figure missed what was promised; `figures` are all there are."""

    def __init__(self, reason: str, figures: Figures) -> None:
        super().__init__(reason)
        self.figures = figures


def circumstances() -> Figures:
    """Return what a reader needs to judge the figures."""
    git = ["git", "describe", "--always", "--dirty"]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": subprocess.run(git, check=False, cwd=ROOT, capture_output=True, text=True).stdout.strip(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": len(os.sched_getaffinity(0)),
        "load_average": round(os.getloadavg()[1], 1),
    }


def write(name: str, *, held: bool, reason: str, figures: Figures, seconds: float) -> str:
    """Write the report of proof `name` and return its text."""
    report = {
        "proof": name,
        "held": held,
        "reason": reason,
        "figures": figures,
        "seconds": round(seconds, 1),
        "circumstances": circumstances(),
    }
    text = json.dumps(report, indent=2, default=str)
    (HERE / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    return text


def read(name: str) -> dict[str, Any]:
    """Return the figures of the last run of proof `name`; empty before the first."""
    path = HERE / f"{name}.json"
    figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["figures"] if path.exists() else {}
    return figures


def run_parts(name: str, parts: Mapping[str, Callable[[], Mapping[str, object]]], **said: object) -> Figures:
    """Run the parts that PROOF_PARTS names, or all; `said` stands in the figures of each.

    A part raises AssertionError with its figures as the argument where one is missed. Raises MissedError naming every
    part whose last run missed, ValueError for a part there is not.
    """
    chosen = [part for part in os.environ.get("PROOF_PARTS", "").split(",") if part] or list(parts)
    unknown = set(chosen) - set(parts)
    if unknown:
        raise ValueError(f"no part named {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    for part in chosen:
        print(f"{name}: {part} ...", flush=True)
        began, held, found = time.monotonic(), True, {}
        try:
            found = dict(parts[part]())
        except AssertionError as error:
            held = False
            found = error.args[0] if error.args and isinstance(error.args[0], dict) else {"missed": str(error)}
        kept = {each: figures for each, figures in read(name).items() if each in parts}
        seconds = round(time.monotonic() - began, 1)
        kept[part] = {"held": held, **said, **found, "seconds": seconds, "circumstances": circumstances()}
        missed = [each for each in parts if each in kept and not kept[each]["held"]]
        write(name, held=not missed, reason=f"missed: {missed}" if missed else "", figures=kept, seconds=seconds)
    if missed:
        raise MissedError(f"missed: {missed}", kept)
    return kept
