"""Known vulnerabilities in what the lock file names: `make check`. Fails on a finding, not on a missing network."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# pip-audit exits with 1 both for a finding and for an index it could not ask: only its report tells them apart.
FOUND = "known vulnerabilit"


def main() -> int:
    """Run pip-audit over the run-time lock file."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", "requirements.lock", "--disable-pip", "--no-deps"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    text = result.stdout + result.stderr
    if result.returncode == 0:
        print("Dependency audit: no known vulnerabilities")
        return 0
    if FOUND in text:
        print(text)
        return 1
    print(f"Dependency audit: could not be made, the index did not answer ({text.strip().splitlines()[-1][:200]})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
