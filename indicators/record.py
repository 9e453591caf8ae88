"""Writes derived values as observations with their rows in the tail: everybody reads them like measured ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from devices.model import QualityFlag
from devices.properties import PROPERTIES
from indicators.derived import Method, Value
from indicators.dues import Derived
from sql.connection import Connection
from sql.observations import revise_rows
from sql.queries import query

Key = tuple[int, datetime]


@dataclass(frozen=True, slots=True)
class Written:
    """How many values were new and how many replaced an earlier one."""

    new: int
    revised: int


class Recorder:
    """Knows the derived datastreams; `methods` is what each property is recorded with."""

    def __init__(self, connection: Connection, methods: dict[str, Method]) -> None:
        self._connection = connection
        self._methods = methods
        self._streams: dict[tuple[str, str], int | None] = {}

    async def name(self, found: Sequence[Derived]) -> None:
        """Find the datastreams of the values; those with a result get one, with its present method and edition."""
        unknown = {(each.device_id, each.property) for each in found} - self._streams.keys()
        if not unknown:
            return
        wanted = {
            (each.device_id, each.property): each
            for each in found
            if each.value.result is not None and (each.device_id, each.property) in unknown
        }
        if wanted:
            devices, properties = _parts(wanted)
            named = [wanted[key] for key in zip(devices, properties, strict=True)]
            made = [each.method or self._methods[each.property] for each in named]
            await self._connection.execute(
                query("indicators", "name_derived"),
                devices,
                properties,
                [each.unit or PROPERTIES[each.property].unit for each in named],
                [each.method for each in made],
                [each.edition for each in made],
            )
        rows = await self._connection.fetch(query("indicators", "find_derived"), *_parts(unknown))
        # One that is wanted and not found is measured by the device itself, or the device is gone: not ours to write.
        self._streams.update(dict.fromkeys(wanted))
        self._streams.update({(row["device_id"], row["property"]): row["datastream_id"] for row in rows})

    def forget(self) -> None:
        """Look datastreams up again: the registry changed, or what was done was not committed."""
        self._streams.clear()

    async def write(self, found: Sequence[Derived], now: datetime) -> Written:
        """Store what is new or different, inside the caller's transaction, as its last statements."""
        wanted: dict[Key, Value] = {}
        for each in found:
            datastream_id = self._streams.get((each.device_id, each.property))
            if datastream_id is not None:
                wanted[datastream_id, each.time] = each.value
        if not wanted:
            return Written(0, 0)
        rows = await self._connection.fetch(
            query("indicators", "derived_so_far"), [key[0] for key in wanted], [key[1] for key in wanted]
        )
        old = {
            (row["datastream_id"], row["phenomenon_time"]): Value(row["result"], QualityFlag(row["quality"]))
            for row in rows
        }
        new = sorted(key for key, value in wanted.items() if key not in old and value.result is not None)
        changed = sorted(key for key, value in wanted.items() if key in old and old[key] != value)
        if new:
            ids, times, results, flags = _columns(new, wanted)
            await self._connection.execute(query("indicators", "store_derived"), ids, times, now, results, flags)
        if changed:
            await revise_rows(self._connection, query("indicators", "revise_derived"), *_columns(changed, wanted))
        if new:
            ids, times, results, flags = _columns(new, wanted)
            await self._append(ids, times, now, results, flags, None, None)
        if changed:
            ids, times, results, flags = _columns(changed, wanted)
            _, _, old_results, old_flags = _columns(changed, old)
            await self._append(ids, times, now, results, flags, old_results, old_flags)
        return Written(len(new), len(changed))

    async def _append(
        self,
        ids: list[int],
        times: list[datetime],
        now: datetime,
        results: list[float | None],
        flags: list[int],
        old_results: list[float | None] | None,
        old_flags: list[int] | None,
    ) -> None:
        await self._connection.fetchrow(
            query("tail", "append_rows"), ids, times, [now] * len(ids), results, flags, old_results, old_flags
        )


def _parts(keys: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    ordered = sorted(keys)
    return [key[0] for key in ordered], [key[1] for key in ordered]


def _columns(
    keys: Sequence[Key], values: dict[Key, Value]
) -> tuple[list[int], list[datetime], list[float | None], list[int]]:
    return (
        [key[0] for key in keys],
        [key[1] for key in keys],
        [values[key].result for key in keys],
        [int(values[key].quality) for key in keys],
    )
