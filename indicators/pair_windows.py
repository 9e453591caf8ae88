"""Reads the minutes of neighbouring detectors, and says where there is an incident between them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from devices.model import QualityFlag
from indicators.derived import MINUTE, NO_VALUE, Value
from indicators.dues import Derived, Due, told
from indicators.pair_incident import NEEDED, STEPS, pair_incident
from sql.connection import Connection
from sql.queries import query

STALE = 3 * MINUTE  # minutes without a value of both are bridged, so long
NONE, SOME = Value(0.0, QualityFlag.GOOD), Value(1.0, QualityFlag.GOOD)


async def derive_pairs(connection: Connection, dues: Sequence[Due]) -> list[Derived]:
    """Return for each minute that is due whether there is an incident ahead: 1 while there is, 0 as it ends.

    While all is well nothing is written, every minute of every road.
    """
    devices, ends = [due.device_id for due in dues], [due.due_at for due in dues]
    minutes: defaultdict[tuple[str, datetime], list[tuple[datetime, float, float]]] = defaultdict(list)
    for row in await connection.fetch(query("indicators", "pair_minutes"), devices, ends, STEPS):
        minutes[row["device_id"], row["due_at"]].append((row["bucket"], row["above"], row["below"]))
    rows = await connection.fetch(query("indicators", "incidents_before"), devices, [end - MINUTE for end in ends])
    there = {(row["device_id"], row["phenomenon_time"]): True for row in rows}
    found: list[Derived] = []
    # Several minutes may be worked out at once: each goes on from the one before.
    for due in sorted(dues, key=lambda each: each.due_at):
        was = there.get((due.device_id, due.due_at - MINUTE), False)
        seen = minutes[due.key]
        now = False
        if len(seen) >= NEEDED and due.due_at - seen[-1][0] <= STALE:
            now = pair_incident([above for _, above, _ in seen], [below for _, _, below in seen], was)
        there[due.key] = now
        found += told(due, {"incident_ahead": SOME if now else NONE if was else NO_VALUE})
    return found
