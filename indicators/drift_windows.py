"""Reads what a day's drift of air sensors against their neighbours rests on, and works it out."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from indicators.derived import DAY, DRIFT_INPUTS
from indicators.drift import SPAN_DAYS, daily_offset, drift_values
from indicators.dues import Derived, Due, told
from sql.connection import Connection
from sql.queries import query

RADIUS = 3000.0  # metres
NEIGHBOURS = 8  # the nearest


async def derive_drift(connection: Connection, dues: Sequence[Due]) -> list[Derived]:
    """Return offset and drift of each day that is due, for devices that have three neighbours and more."""
    devices, ends = [due.device_id for due in dues], [due.due_at for due in dues]
    days = [due.due_at - DAY for due in dues]
    rows = await connection.fetch(
        query("indicators", "neighbour_differences"), devices, days, list(DRIFT_INPUTS), RADIUS, NEIGHBOURS
    )
    if not rows:
        return []
    names = [f"{name}_offset" for name in DRIFT_INPUTS]
    past = await connection.fetch(
        query("indicators", "past_offsets"), devices, min(ends) - SPAN_DAYS * DAY, max(ends), names
    )
    offsets: defaultdict[tuple[str, str], dict[datetime, float]] = defaultdict(dict)
    for row in past:
        offsets[row["device_id"], row["property"]][row["phenomenon_time"]] = row["result"]
    by_due = {(due.device_id, due.due_at - DAY): due for due in dues}
    found: list[Derived] = []
    # In the order of days: of several that are worked out at once the later ones rest on the earlier.
    for row in sorted(rows, key=lambda each: (each["day"], each["device_id"], each["property"])):
        due, name = by_due[row["device_id"], row["day"]], row["property"]
        known = offsets[due.device_id, f"{name}_offset"]
        earlier = [known[at] for at in sorted(known) if due.due_at - SPAN_DAYS * DAY <= at < due.due_at]
        today = daily_offset(row["differences"])
        if today is not None:
            known[due.due_at] = today
        found += told(due, drift_values(name, today, earlier))
    return found
