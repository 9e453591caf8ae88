"""The store, on every engine this machine has: reads, size, rollups, batches, migration and power cuts.

PROOF_SCALE=1 runs the promised size (20 million observations). Parts are named ENGINE-PART, such as plain-batches;
PROOF_PARTS runs some of them only: docs/proof/report.py. The month of a city is loaded, read, packed, read again and
written late in parts of their own (CITY), one after the other, so that a machine need be quiet for the reading only.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from citywatch.local.postgres import LocalPostgres
from docs.proof.report import run_parts
from docs.proof.store_city import as_ingested, lateness, month, packed, packing, rollups
from docs.proof.store_servers import engines, kept_server, scale, server
from docs.proof.store_writers import batches, migration, power_cuts, recounts

Part = Callable[[LocalPostgres, str], dict[str, Any]]
PARTS: dict[str, Part] = {
    "recounts": lambda own, engine: asyncio.run(recounts(own.dsn())),
    "batches": lambda own, engine: asyncio.run(batches(own.dsn(), engine)),
    "migration": lambda own, engine: asyncio.run(migration(own, engine)),
    "power-cuts": lambda own, engine: asyncio.run(power_cuts(own)),
}
CITY: dict[str, Part] = {
    "month": lambda own, _: asyncio.run(month(own.dsn())),
    "rollups": lambda own, _: asyncio.run(rollups(own.dsn())),
    "as-ingested": lambda own, _: asyncio.run(as_ingested(own.dsn())),
    "packing": lambda own, engine: asyncio.run(packing(own.dsn(), engine)),
    "packed": lambda own, _: asyncio.run(packed(own.dsn())),
    "late": lambda own, engine: asyncio.run(lateness(own.dsn(), engine)),
}


def _run_city(engine: str, name: str) -> Mapping[str, object]:
    with kept_server(engine, "city", first=name == "month", last=name == "late") as own:
        return CITY[name](own, engine)


def _run(engine: str, part: Part) -> Mapping[str, object]:
    with server(engine) as own:
        return part(own, engine)


def prove() -> dict[str, object]:
    """Run every part on each engine, or those that PROOF_PARTS names."""
    parts: dict[str, Callable[[], Mapping[str, object]]] = {}
    for engine in engines():
        parts |= {f"{engine}-{name}": partial(_run_city, engine, name) for name in CITY}
        parts |= {f"{engine}-{name}": partial(_run, engine, part) for name, part in PARTS.items()}
    return run_parts("store", parts, scale=scale())
