"""The test suite, as `make test` runs it: everything but the browser in one process, the browser in another.

Playwright's synchronous interface keeps an event loop of its own, which asyncio tests cannot share.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COVERAGE = ["--cov", "--cov-report="]


def main(arguments: list[str]) -> int:
    """Run both parts, report coverage, and return the worse exit code."""
    env = {**os.environ, "COVERAGE_FILE": str(ROOT / "build" / "coverage")}
    (ROOT / "build").mkdir(exist_ok=True)
    pytest = [sys.executable, "-m", "pytest", "-q", "--durations=10"]
    parts = [
        [*pytest, *COVERAGE, "--ignore=tests/browser", *arguments],
        [*pytest, *COVERAGE, "--cov-append", "tests/browser", *arguments],
    ]
    codes = [subprocess.run(part, cwd=ROOT, env=env).returncode for part in parts]
    subprocess.run([sys.executable, "-m", "coverage", "report", "--skip-covered", "--sort=cover"], cwd=ROOT, env=env)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
