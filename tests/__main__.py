"""The test suite, as `make test` runs it: two lanes side by side, and coverage of both together.

Browser tests have a process of their own anyway: Playwright's synchronous interface keeps an event loop that asyncio
tests cannot share. Whole installations are started in that lane too, since they mostly wait.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
WHOLE_INSTALLATIONS = ["tests/acceptance", "tests/browser"]
LANES = {
    "lane-1": [f"--ignore={folder}" for folder in WHOLE_INSTALLATIONS],
    "lane-2": WHOLE_INSTALLATIONS,
}
NOTHING_SELECTED = 5  # pytest's exit code where `-k` picks no test of a lane


def start(lane: str, arguments: list[str]) -> tuple[subprocess.Popen[bytes], Path]:
    """Start one lane; its output goes to a file, its coverage to a folder, of its own."""
    folder = BUILD / lane
    folder.mkdir(parents=True, exist_ok=True)
    pytest = [sys.executable, "-m", "pytest", "-q", "--durations=10", "--cov", "--cov-report="]
    out = folder / "output.txt"
    with out.open("wb") as output:
        process = subprocess.Popen(
            [*pytest, *LANES[lane], *arguments],
            cwd=ROOT,
            env={**os.environ, "COVERAGE_FILE": str(folder / "coverage"), "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return process, out


def follow(process: subprocess.Popen[bytes], out: Path) -> None:
    """Print what a lane says until it ends."""
    with out.open("rb") as output:
        while True:
            ended = process.poll() is not None
            sys.stdout.buffer.write(output.read())
            sys.stdout.flush()
            if ended:
                return
            try:
                process.wait(1)
            except subprocess.TimeoutExpired:
                continue


def main(arguments: list[str]) -> int:
    """Run both lanes, report coverage, and return the worse exit code."""
    running = {lane: start(lane, arguments) for lane in LANES}
    codes = []
    for lane, (process, out) in running.items():
        print(f"== {lane}: {' '.join(LANES[lane])}", flush=True)
        follow(process, out)
        codes.append(process.returncode)
    if all(code == NOTHING_SELECTED for code in codes):
        return NOTHING_SELECTED
    coverage = [sys.executable, "-m", "coverage"]
    env = {**os.environ, "COVERAGE_FILE": str(BUILD / "coverage")}
    files = [str(BUILD / lane / "coverage") for lane in LANES if (BUILD / lane / "coverage").exists()]
    subprocess.run([*coverage, "combine", "--quiet", "--keep", *files], cwd=ROOT, env=env)
    subprocess.run([*coverage, "report", "--skip-covered", "--sort=cover"], cwd=ROOT, env=env)
    return max(code for code in codes if code != NOTHING_SELECTED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
