"""Schemathesis against a served API: the OpenAPI document is the contract, every answer is held against it."""

import asyncio
import re
import sys
from pathlib import Path

ALL_PHASES = "examples,coverage,fuzzing,stateful"
# There is no broker here, so 503 is all that these can say.
WITHOUT_BROKER = "^/api/v1/ingest/"
# Closed to the demo whatever is asked of them: who may use them is the role matrix' affair.
OPEN_TO_DEMO = "^/api/v1/(ingest/|(audit|accounts|keys)(/|$))"


async def run_schemathesis(
    address: str, folder: Path, phases: str, examples: int, *options: str, left_out: str = WITHOUT_BROKER
) -> tuple[int | None, str]:
    """Return the exit code and the report; the same inputs each time. It writes its own files into `folder`."""
    # A valid request that comes too late is 412, which it does not know.
    settled = ["2xx", "3xx", "401", "403", "404", "409", "412", "429", "5xx"]
    (folder / "schemathesis.toml").write_text(f"[checks]\npositive_data_acceptance.expected-statuses = {settled}\n")
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schemathesis.cli", "run", f"http://{address}/api/v1/openapi.json", "--checks", "all",
        "--exclude-path-regex", left_out, "--phases", phases, "--max-examples", str(examples),
        "--generation-deterministic", "--no-color",
        # How fast inputs are made depends on the machine alone.
        "--suppress-health-check", "too_slow", *options,
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await run.communicate()
    return run.returncode, out.decode()


def generated(report: str) -> int:
    """Return how many test cases a report counts."""
    found = re.search(r"(\d+) generated", report)
    return int(found[1]) if found else 0
