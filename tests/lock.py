"""Rewrite both lock files from pyproject.toml: `make lock`. Needs `uv` on PATH; a developer's step, not a user's."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMPILE = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
PLAIN = ["--no-header", "--no-emit-index-url", "--no-emit-find-links"]


def main() -> int:
    """Compile the run-time lock, then the development lock constrained by it."""
    run = [*COMPILE, *PLAIN, "pyproject.toml", "-o", "requirements.lock"]
    dev = [*COMPILE, *PLAIN, "--group", "dev", "-c", "requirements.lock", "-o", "requirements-dev.lock"]
    return max(subprocess.run(command, cwd=ROOT).returncode for command in (run, dev))


if __name__ == "__main__":
    sys.exit(main())
