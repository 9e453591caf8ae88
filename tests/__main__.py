"""The test suite, as `make test` runs it: two lanes side by side, and coverage of both together.

Browser tests have a process of their own anyway: Playwright's synchronous interface keeps an event loop that asyncio
tests cannot share. Whole installations are started in that lane too, since they mostly wait. It ends first, and then
takes a part of the other tests, so that both end about the same time.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
WHOLE_INSTALLATIONS = ["tests/acceptance", "tests/browser"]
AFTERWARDS = ["tests/integration/api", "tests/integration/standards"]
# Calls of pytest, one after the other.
LANES = {
    "lane-1": [[f"--ignore={folder}" for folder in (*WHOLE_INSTALLATIONS, *AFTERWARDS)]],
    "lane-2": [WHOLE_INSTALLATIONS, AFTERWARDS],
}
NOTHING_SELECTED = 5  # pytest's exit code where `-k` picks no test of a lane


def run(lane: str, arguments: list[str]) -> int:
    """Run one lane and return its worst exit code; output and coverage go to a folder of its own."""
    pytest = [sys.executable, "-m", "pytest", "-q", "--durations=10", "--cov", "--cov-report="]
    codes = []
    for number, tests in enumerate(LANES[lane]):
        with output_of(lane).open("ab") as output:
            done = subprocess.run(
                [*pytest, *tests, *arguments],
                cwd=ROOT,
                env={**os.environ, "COVERAGE_FILE": str(BUILD / lane / f"coverage-{number}"), "PYTHONUNBUFFERED": "1"},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        codes.append(done.returncode)
    return worst(codes)


def worst(codes: list[int]) -> int:
    """Return the highest exit code, but for calls where nothing was selected unless that is so of all."""
    return max((code for code in codes if code != NOTHING_SELECTED), default=NOTHING_SELECTED)


def output_of(lane: str) -> Path:
    """Return where a lane's output goes."""
    return BUILD / lane / "output.txt"


def follow(lane: str, running: Future[int]) -> int:
    """Print what a lane says until it ends, and return its exit code."""
    with output_of(lane).open("rb") as output:
        while True:
            ended = running.done()
            sys.stdout.buffer.write(output.read())
            sys.stdout.flush()
            if ended:
                return running.result()
            time.sleep(1)


def main(arguments: list[str]) -> int:
    """Run both lanes, report coverage, and return the worse exit code."""
    for lane in LANES:
        (BUILD / lane).mkdir(parents=True, exist_ok=True)
        output_of(lane).write_bytes(b"")
    codes = []
    with ThreadPoolExecutor(len(LANES)) as pool:
        running = {lane: pool.submit(run, lane, arguments) for lane in LANES}
        for lane, each in running.items():
            print(f"== {lane}: {', then '.join(' '.join(tests) for tests in LANES[lane])}", flush=True)
            codes.append(follow(lane, each))
    if worst(codes) == NOTHING_SELECTED:
        return NOTHING_SELECTED
    coverage = [sys.executable, "-m", "coverage"]
    env = {**os.environ, "COVERAGE_FILE": str(BUILD / "coverage")}
    files = [str(each) for lane in LANES for each in sorted((BUILD / lane).glob("coverage-*"))]
    subprocess.run([*coverage, "combine", "--quiet", "--keep", *files], cwd=ROOT, env=env)
    subprocess.run([*coverage, "report", "--skip-covered", "--sort=cover"], cwd=ROOT, env=env)
    return worst(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
