"""What `replay` and `import` read: series through their mappings, and recordings of live traffic."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from citywatch.durations import format_duration
from citywatch.errors import MappingError, RegistryError, StoreError
from devices.registry import load_devices
from simulators.mapping import load_mapping
from simulators.recording import is_recording, recorded_devices, timed_recording
from simulators.replay import Timed, merge_same_source, timed_messages
from simulators.series import Series, find_mapping, read_series, registry_of
from sql.pool import set_up


@dataclass(slots=True)
class Recorded:
    """Messages in order of time, one list for each time base, and who they are from.

    `registry` describes the devices of series. `renamed` maps devices of recordings to the names they are shown under;
    what they are is then asked of the store.
    """

    messages: list[list[Timed]]
    series: list[Series]
    registry: dict[str, Any]
    renamed: dict[str, str] = field(default_factory=dict)
    renamed_source: str = ""


def load_recorded(
    files: list[Path],
    mapping: str | None,
    source: str | None,
    prefix: str | None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Recorded:
    """Read files; raise MappingError for what cannot be read, or where nothing is left between `since` and `until`."""
    chosen = load_mapping(mapping) if mapping is not None else None
    tables = [path for path in files if not is_recording(path)]
    series = [read_series(path, chosen or find_mapping(path), source) for path in tables]
    registry = registry_of(series)
    by_source = merge_same_source(series)
    messages = [timed_messages(one, since, until) for one in by_source]
    renamed: dict[str, str] = {}
    for path in files:
        if is_recording(path):
            messages.append(_between(timed_recording(path, prefix), since, until))
            if prefix is not None:
                renamed |= {device_id: prefix + device_id for device_id in recorded_devices(path)}
    if not any(messages):
        raise MappingError(f"nothing to replay in {', '.join(map(str, files))} with this span")
    return Recorded(messages, by_source, registry, renamed, source or f"replay:{prefix}")


def _between(recording: list[Timed], since: datetime | None, until: datetime | None) -> list[Timed]:
    return [one for one in recording if (since is None or one.at >= since) and (until is None or one.at < until)]


def registry_for(recorded: Recorded, dsn: str) -> dict[str, Any]:
    """Return the registry of everything recorded; a renamed device takes profile and place from the one it was."""
    if not recorded.renamed:
        return recorded.registry
    entries = asyncio.run(_entries(recorded, dsn))
    return {
        **recorded.registry,
        "sources": [*recorded.registry["sources"], {"source_id": recorded.renamed_source, "kind": "replay"}],
        "devices": [*recorded.registry["devices"], *entries],
    }


async def _entries(recorded: Recorded, dsn: str) -> list[dict[str, Any]]:
    try:
        connection = await asyncpg.connect(dsn)
    except (OSError, asyncpg.PostgresError) as error:
        raise StoreError(f"the store cannot be reached: {error}") from None
    try:
        await set_up(connection)
        known = (await load_devices(connection)).devices
    finally:
        await connection.close()
    strangers = sorted(set(recorded.renamed) - set(known))
    if strangers:
        raise RegistryError(f"recorded devices that nobody has registered: {', '.join(strangers[:5])}")
    return [
        {
            "device_id": name,
            "profile": known[device_id].profile,
            "domain": str(known[device_id].domain),
            "name": f"{known[device_id].name or device_id} (recorded)",
            "district_id": known[device_id].district_id,
            "latitude": known[device_id].latitude,
            "longitude": known[device_id].longitude,
            "source_id": recorded.renamed_source,
            "expected_interval": format_duration(known[device_id].expected_interval),
            "tags": {"recorded_from": device_id},
        }
        for device_id, name in recorded.renamed.items()
    ]
