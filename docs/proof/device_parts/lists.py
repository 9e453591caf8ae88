"""Device lists: ten thousand at once, and every kind of fault told."""

import time
from pathlib import Path

from devices.bulk import import_devices, read_devices
from devices.registry import import_registry
from docs.proof.device_parts.services import with_store
from sql.connection import Pool
from tests.integration.test_bulk import CITY, PROFILES, faulty_file

DEVICES, WITHIN = 10_000, 10.0


def prove_lists() -> dict[str, object]:
    """Import, timed and with progress; a faulty file in a dry run and in earnest."""
    return with_store(_run)


async def _run(pool: Pool, _dsn: str, _folder: Path) -> dict[str, object]:
    async with pool.acquire() as connection:
        await import_registry(connection, CITY)
        before = [one async for one in read_devices(connection)]
        report = await import_devices(connection, faulty_file(), PROFILES, dry_run=True)
        kinds = {fault.kind for fault in report.faults}
        assert len(kinds) >= 50, len(kinds)
        assert (await import_devices(connection, faulty_file(), PROFILES)).faults == report.faults
        assert [one async for one in read_devices(connection)] == before
        lines = [
            f"bin-{n},citywatch/bin,Bin {n},{52.4 + n % 200 / 1000},{13.4 + n % 97 / 1000}" for n in range(DEVICES)
        ]
        text = "\n".join(["device_id,profile,name,latitude,longitude", *lines]).encode()
        dry = await import_devices(connection, text, PROFILES, dry_run=True)
        assert (dry.new, await connection.fetchval("SELECT count(*) FROM device")) == (DEVICES, len(before))
        steps: list[int] = []
        begun = time.perf_counter()
        report = await import_devices(connection, text, PROFILES, progress=lambda done, _total: steps.append(done))
        lasted = time.perf_counter() - begun
        assert (report.new, report.faults) == (DEVICES, ())
        assert lasted < WITHIN, lasted
    return {"devices": DEVICES, "seconds": round(lasted, 2), "progress_steps": len(steps), "kinds_of_fault": len(kinds)}
