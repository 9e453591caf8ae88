"""Calculated datastreams in the store: set and ended by people, read and worked out by the worker."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from indicators.calculated import (
    PREFIX,
    ROLLUPS,
    WIDTHS,
    Calculation,
    Mean,
    Source,
    calculated_value,
    check_calculation,
)
from indicators.derived import PERIODS, Kind
from indicators.dues import Derived, Due
from indicators.errors import IndicatorError
from indicators.formula import read_formula
from sql.audit import audit
from sql.connection import Connection
from sql.queries import query

ByDue = Mapping[tuple[str, str], Sequence[Calculation]]  # device and kind of a due


async def set_calculation(
    connection: Connection,
    actor: str,
    now: datetime,
    target: Source,
    formula: str,
    inputs: Mapping[str, Source],
    unit: str,
    every: str,
    reason: str,
    address: str = "",
) -> int:
    """Set a calculated datastream, or a new version of it, and return the version.

    Raises IndicatorError where it cannot be worked out or would be its own input.
    """
    device_id, name = target
    async with connection.transaction():
        await connection.execute(query("calculations", "lock_calculations"))
        if not await connection.fetchval(query("calculations", "calculated_device"), device_id):
            raise IndicatorError(f"there is no device {device_id!r} to carry the values")
        asked = sorted({*inputs.values(), target})
        rows = await connection.fetch(
            query("calculations", "find_inputs"), [each[0] for each in asked], [each[1] for each in asked]
        )
        known = {(row["device_id"], row["property"]): row for row in rows}
        there = known.get(target)
        if there is not None and not (there["method"] or "").startswith(PREFIX):
            raise IndicatorError(f"{device_id} has a {name} of its own, which is not overwritten: choose another name")
        check_calculation(name, formula, inputs, {key: row["unit"] for key, row in known.items()}, unit, every)
        for key, source in inputs.items():
            if known[source]["calculated"] or source == target:
                raise IndicatorError(f"{key}: {source[1]} of {source[0]} is calculated itself: use its inputs")
        for row in await connection.fetch(query("calculations", "calculation_uses"), *target):
            raise IndicatorError(f"{name} of {device_id} is an input of {row['property']} of {row['device_id']}")
        stated = {key: {"device_id": source[0], "property": source[1]} for key, source in inputs.items()}
        await connection.fetchval(query("calculations", "end_calculation"), *target, now)
        version = int(
            await connection.fetchval(
                query("calculations", "add_calculation"), *target, formula, stated, unit, every, actor, reason, now
            )
        )
        await connection.execute(query("registry", "announce_registry"))
        told = {"formula": formula, "inputs": stated, "unit": unit, "every": every, "reason": reason}
        await audit(connection, actor, "calculation.set", f"{device_id} {name} version {version}", told, address)
    return version


async def end_calculation(connection: Connection, actor: str, now: datetime, target: Source, address: str = "") -> bool:
    """Have a datastream no longer calculated; what it has stays. Return False where none was in force."""
    async with connection.transaction():
        version = await connection.fetchval(query("calculations", "end_calculation"), *target, now)
        if version is None:
            return False
        await connection.execute(query("registry", "announce_registry"))
        await audit(connection, actor, "calculation.end", f"{target[0]} {target[1]} version {version}", None, address)
    return True


async def in_force(connection: Connection) -> list[Calculation]:
    """Return the calculations in force whose inputs are all there."""
    return [
        Calculation(
            row["device_id"],
            row["property"],
            row["version"],
            read_formula(row["formula"]),
            row["unit"],
            WIDTHS[row["every"]][0],
            dict(zip(row["names"], row["datastream_ids"], strict=True)),
        )
        for row in await connection.fetch(query("calculations", "calculations_in_force"))
        if None not in row["datastream_ids"]
    ]


async def derive_calculated(connection: Connection, kind: Kind, dues: Sequence[Due], known: ByDue) -> list[Derived]:
    """Return the values of every calculation that the dues of one kind ask for."""
    width = PERIODS[kind].width
    work = [(due, each) for due in dues for each in known.get((due.device_id, str(kind)), ())]
    wanted = sorted({(stream, due.due_at - width) for due, each in work for stream in each.inputs.values()})
    text = query("calculations", "period_sums").replace("rollup_quarter", ROLLUPS[kind])
    rows = await connection.fetch(text, [stream for stream, _ in wanted], [at for _, at in wanted])
    means = {
        (row["datastream_id"], row["bucket"]): Mean(row["n"], row["n_good"], row["sum"] / row["n"]) for row in rows
    }
    found = []
    for due, each in work:
        there = {
            name: means[stream, due.due_at - width]
            for name, stream in each.inputs.items()
            if (stream, due.due_at - width) in means
        }
        value = calculated_value(each.formula, there)
        found.append(Derived(each.device_id, each.name, due.due_at, value, each.method, each.unit))
    return found


def by_due(calculations: Sequence[Calculation]) -> ByDue:
    """Return the calculations by what asks for them."""
    found: defaultdict[tuple[str, str], list[Calculation]] = defaultdict(list)
    for each in calculations:
        found[each.device_id, str(each.kind)].append(each)
    return found
