"""Device lists into the registry and out of it: all of a file or nothing, every fault told, nobody overwritten."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from citywatch.durations import format_duration
from citywatch.errors import RegistryError
from devices.device_checks import Known, check_lines
from devices.device_file import Fault, FaultKind, read_lines, shown, write_one
from devices.geometry import make_shapes
from devices.model import Domain
from devices.registry import DeviceEntry
from sql.connection import Connection
from sql.queries import query

AT_ONCE = 1000
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class BulkReport:
    """What an import found: devices in the file, every fault, and, where there is none, what is new and changed."""

    devices: int
    faults: tuple[Fault, ...]
    new: int = 0
    changed: int = 0
    dry_run: bool = False

    @property
    def unchanged(self) -> int:
        """Return how many devices were there already as the file says."""
        return 0 if self.faults else self.devices - self.new - self.changed


class StaleError(RegistryError):
    """A change to something that somebody else changed meanwhile."""


class _UndoneError(Exception):
    """Ends a dry run's transaction."""


async def import_devices(
    connection: Connection,
    content: bytes,
    profiles: Mapping[str, Domain],
    *,
    dry_run: bool = False,
    progress: Progress = lambda done, total: None,
) -> BulkReport:
    """Register the devices of a CSV file in one transaction; a single fault, and nothing is changed.

    Columns that the file does not have keep their values. A line with a `version` changes the device only while it
    still is at that version. `dry_run` does the same and takes it back. `progress` gets devices written and devices.
    """
    lines, faults = read_lines(content)
    ids = [line.cells["device_id"] for line in lines if line.cells.get("device_id")]
    new = changed = 0
    try:
        async with connection.transaction():
            known = await _known(connection, ids, profiles)
            entries, wrong = check_lines(lines, known)
            faults = sorted([*faults, *wrong])
            if faults:
                return BulkReport(len(lines), tuple(faults), dry_run=dry_run)
            for at in range(0, len(entries), AT_ONCE):
                part = entries[at : at + AT_ONCE]
                columns = [[getattr(entry, name) for entry in part] for name in DeviceEntry.model_fields]
                rows = await connection.fetch(query("registry", "upsert_devices"), *columns)
                fresh = sum(row["fresh"] for row in rows)
                new, changed = new + fresh, changed + len(rows) - fresh
                progress(at + len(part), len(entries))
            if dry_run:
                raise _UndoneError
            await connection.execute(query("registry", "announce_registry"))
    except _UndoneError:
        pass
    except asyncpg.IntegrityConstraintViolationError as error:
        # Somebody removed a site or district between our look and our write.
        raise RegistryError(f"the registry changed meanwhile: {error.detail or error}") from None
    return BulkReport(len(lines), (), new, changed, dry_run)


async def put_device(
    connection: Connection,
    device_id: str,
    values: Mapping[str, object],
    profiles: Mapping[str, Domain],
    *,
    version: int | None,
) -> None:
    """Register one device, or where `version` is given change the one that is at that version; as a line of a list.

    What is not among `values` (columns of a list) keeps its value. Raises StaleError where it was changed since,
    RegistryError with every fault, and where a device is to be new and is not. To be called in a transaction.
    """
    cells = {"device_id": device_id, **values} | ({} if version is None else {"version": version})
    report = await import_devices(connection, write_one(cells), profiles)
    stale = [fault for fault in report.faults if fault.kind == FaultKind.VERSION_STALE]
    if stale:
        raise StaleError(stale[0].limit)
    if report.faults:
        raise RegistryError("; ".join(f"{f.column}: {shown(f.value)}: {f.limit}" for f in report.faults))
    if version is None and not report.new:
        raise RegistryError(f"{device_id} is registered already")


async def read_devices(
    connection: Connection, *, domain: str | None = None, district_id: str | None = None, profile: str | None = None
) -> AsyncIterator[dict[str, Any]]:
    """Yield the devices by id, durations as text."""
    after = ""
    while rows := await connection.fetch(
        query("devices", "list_devices"), domain, district_id, profile, after, AT_ONCE
    ):
        for row in rows:
            yield {**row, "expected_interval": format_duration(row["expected_interval"])}
        after = rows[-1]["device_id"]


async def _known(connection: Connection, ids: list[str], profiles: Mapping[str, Domain]) -> Known:
    districts = await connection.fetch(query("devices", "district_shapes"))
    return Known(
        profiles,
        {
            r["site_id"]: (r["longitude"], r["latitude"])
            for r in await connection.fetch(query("devices", "site_places"))
        },
        frozenset(row["district_id"] for row in districts),
        make_shapes(districts),
        frozenset(row["source_id"] for row in await connection.fetch(query("devices", "source_ids"))),
        {row["device_id"]: dict(row) for row in await connection.fetch(query("devices", "lock_devices"), ids)},
    )
