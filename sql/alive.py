"""`python -m sql.alive PROCESS`: whether a process of this host has reported lately, for a container's health check.

Exit code 1 when it has not. While the store is away nobody can report: then this says so, and exits with 1 as well.
A module and not a command of `citywatch`, because it is asked every half minute and must cost next to nothing.
"""

import asyncio
import sys
from datetime import timedelta

import asyncpg

from citywatch.errors import CitywatchError
from citywatch.local.running import store_dsn
from citywatch.settings import load_settings
from sql.queries import query
from sql.reporting import instance_name

PATIENCE = timedelta(seconds=45)


async def reported(process: str) -> bool:
    """Return whether `process` of this host has reported within the patience."""
    connection = await asyncpg.connect(store_dsn(load_settings()), timeout=5)
    try:
        asked = query("process", "reported_lately")
        return bool(await connection.fetchval(asked, process, instance_name(), PATIENCE, timeout=5))
    finally:
        connection.terminate()


def main(arguments: list[str]) -> int:
    """Answer for the process that is named; 2 for wrong usage."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m sql.alive ingest|fold|rules|indicators|serve|probe\n")
        return 2
    try:
        if asyncio.run(reported(arguments[0])):
            return 0
        reason = f"{arguments[0]} has not reported from here for {PATIENCE.total_seconds():.0f} s"
    except (OSError, asyncpg.PostgresError, TimeoutError, CitywatchError) as error:
        reason = f"the store does not answer: {error}"
    sys.stderr.write(f"{reason}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
