"""The store, on every engine this machine has: reads, size, rollups, batches, migration and power cuts.

PROOF_SCALE=1 runs the promised size (20 million observations). Parts are named ENGINE-PART, such as plain-city;
PROOF_PARTS runs some of them only: docs/proof/report.py.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from citywatch.local.postgres import LocalPostgres
from docs.proof.report import run_parts
from docs.proof.store_city import city
from docs.proof.store_servers import engines, scale, server
from docs.proof.store_writers import batches, migration, power_cuts, recounts

Part = Callable[[LocalPostgres, str], dict[str, Any]]
PARTS: dict[str, Part] = {
    "city": lambda own, engine: asyncio.run(city(own.dsn(), engine)),
    "recounts": lambda own, engine: asyncio.run(recounts(own.dsn())),
    "batches": lambda own, engine: asyncio.run(batches(own.dsn(), engine)),
    "migration": lambda own, engine: asyncio.run(migration(own, engine)),
    "power-cuts": lambda own, engine: asyncio.run(power_cuts(own)),
}


def _run(engine: str, part: Part) -> Mapping[str, object]:
    with server(engine) as own:
        return part(own, engine)


def prove() -> dict[str, object]:
    """Run every part on each engine, or those that PROOF_PARTS names."""
    parts = {f"{engine}-{name}": partial(_run, engine, part) for engine in engines() for name, part in PARTS.items()}
    return run_parts("store", parts, scale=scale())
