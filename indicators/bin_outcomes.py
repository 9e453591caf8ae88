"""Reads and keeps what the forecasts of bins came to, and from which level each bin counts as full."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from indicators.dues import Due, Key
from indicators.thresholds import table_for
from indicators.time_to_full import KEPT_OUTCOMES, Outcome
from sql.connection import Connection
from sql.queries import query

LEAST_FULL, MOST_FULL = 10.0, 100.0  # percent: a bin whose tag says anything else counts as full at 100


def full_at(tag: str | None) -> float:
    """Return the level (percent) from which a bin with this tag `full_at` counts as full; 100 where it says none."""
    try:
        level = float(tag) if tag is not None else math.nan
    except ValueError:
        level = math.nan
    if LEAST_FULL <= level <= MOST_FULL:
        return level
    overflow: float = table_for("waste").section("levels")["overflow"]
    return overflow


async def full_levels(connection: Connection, dues: Sequence[Due]) -> dict[str, float]:
    """Return the level from which each of these bins counts as full."""
    devices = sorted({due.device_id for due in dues})
    rows = await connection.fetch(query("indicators", "full_levels"), devices)
    tags = {row["device_id"]: row["full_at"] for row in rows}
    return {device_id: full_at(tags.get(device_id)) for device_id in devices}


async def past_outcomes(connection: Connection, dues: Sequence[Due]) -> Mapping[Key, list[Outcome]]:
    """Return what other readings had told of each bin's forecasts before each of its readings that are due."""
    rows = await connection.fetch(
        query("indicators", "past_outcomes"),
        [due.device_id for due in dues],
        [due.due_at for due in dues],
        KEPT_OUTCOMES,
    )
    # What these readings themselves have told is told anew.
    again = {due.key for due in dues}
    found: defaultdict[Key, list[Outcome]] = defaultdict(list)
    for row in rows:
        if (row["device_id"], row["known_at"]) not in again:
            found[row["device_id"], row["until"]].append(
                Outcome(row["made_at"], row["known_at"], row["situation"], row["ratio"])
            )
    return found


async def keep_outcomes(connection: Connection, dues: Sequence[Due], learnt: Mapping[str, Sequence[Outcome]]) -> None:
    """Store what these readings have told, in place of what they had told before."""
    await connection.execute(
        query("indicators", "forget_outcomes"), [due.device_id for due in dues], [due.due_at for due in dues]
    )
    rows = {(device_id, each.made_at): each for device_id, those in learnt.items() for each in those}
    if rows:
        await connection.execute(
            query("indicators", "keep_outcomes"),
            [device_id for device_id, _ in rows],
            [made_at for _, made_at in rows],
            [each.known_at for each in rows.values()],
            [each.situation for each in rows.values()],
            [each.ratio for each in rows.values()],
        )
