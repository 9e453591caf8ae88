"""The store, on every engine this machine has: reads, size, rollups, batches, migration and power cuts.

PROOF_SCALE=1 runs the promised size (20 million observations); PROOF_PARTS and PROOF_ENGINES name what to run, and
the figures of other parts are kept.
"""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from citywatch.local.postgres import LocalPostgres
from docs.proof.store_city import city
from docs.proof.store_servers import engines, server
from docs.proof.store_writers import batches, migration, power_cuts, recounts

Part = Callable[[LocalPostgres, str], dict[str, Any]]
PARTS: dict[str, Part] = {
    "city": lambda own, engine: asyncio.run(city(own.dsn(), engine)),
    "recounts": lambda own, engine: asyncio.run(recounts(own.dsn())),
    "batches": lambda own, engine: asyncio.run(batches(own.dsn(), engine)),
    "migration": lambda own, engine: asyncio.run(migration(own, engine)),
    "power_cuts": power_cuts,
}
LAST = Path(__file__).with_suffix(".json")


def prove() -> dict[str, object]:
    """Run the parts on each engine and return their figures; raises AssertionError naming every promise missed."""
    wanted = os.environ.get("PROOF_PARTS", ",".join(PARTS)).split(",")
    figures: dict[str, Any] = _kept() if set(wanted) != set(PARTS) else {}
    missed = []
    for engine in engines():
        for name in wanted:
            with server(engine) as own:
                try:
                    figures.setdefault(engine, {})[name] = PARTS[name](own, engine)
                except AssertionError as error:
                    missed.append(f"{engine}, {name}: {error}")
    figures["engines"] = engines()
    assert not missed, "; ".join(missed)
    return figures


def _kept() -> dict[str, Any]:
    try:
        kept: dict[str, Any] = json.loads(LAST.read_text(encoding="utf-8"))["figures"]
    except (OSError, ValueError, KeyError):
        return {}
    return kept
