"""What makes an alert quiet beside an operator's shelving: a rule that suppresses it, and work on its device or area.

Both are kept true by `keep_quiet`, which the rules process calls whenever something changed or time went by: it takes
the difference between what should be quiet and what is. So it does not matter what came first, the alert or its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from citywatch.errors import AlertError
from rules.alerts import lock_alert, move
from rules.lifecycle import AlertEventKind, AlertState, Standing
from sql.audit import audit
from sql.connection import Connection
from sql.queries import query

Kind = AlertEventKind
LONGEST_WINDOW = timedelta(days=92)
ACTOR = "citywatch"


@dataclass(frozen=True, slots=True)
class Place:
    """What a maintenance window is about: exactly one of them is named."""

    device_id: str | None = None
    site_id: str | None = None
    district_id: str | None = None
    tag: str | None = None  # such as gateway:gw-3

    def names(self) -> tuple[str | None, str | None, str | None]:
        """Return the device, site and district."""
        return self.device_id, self.site_id, self.district_id


async def keep_quiet(connection: Connection, now: datetime) -> list[int]:
    """Silence what should be silent and let speak what may again, inside the caller's transaction.

    Return the alerts that speak again.
    """
    speaking = await _end_shelvings(connection, now)
    for row in await connection.fetch(query("quiet", "to_return"), now):
        if await _speak(connection, row["alert_id"], Kind.RETURNED_TO_SERVICE, now, "the work is over"):
            speaking.append(row["alert_id"])
    for row in await connection.fetch(query("quiet", "to_restore")):
        if await _speak(connection, row["alert_id"], Kind.RESTORED, now, f"alert {row['suppressed_by']} is over"):
            speaking.append(row["alert_id"])
    for row in await connection.fetch(query("quiet", "to_take_out"), now):
        await _hush(connection, row["alert_id"], Kind.TAKEN_OUT_OF_SERVICE, now, f"{row['actor']}: {row['reason']}")
    for row in await connection.fetch(query("quiet", "to_suppress")):
        why = f"alert {row['by_id']} ({row['by_rule']}) says why"
        if await _hush(connection, row["alert_id"], Kind.SUPPRESSED, now, why):
            await connection.execute(query("quiet", "set_suppressed_by"), row["alert_id"], row["by_id"])
    return [each for each in speaking if await connection.fetchval(query("quiet", "speaks"), each)]


async def take_out_of_service(
    connection: Connection,
    place: Place,
    actor: str,
    now: datetime,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    address: str = "",
) -> int:
    """Plan work on a device or in an area; its alerts are kept meanwhile, but call nobody. Return the window's number.

    Raises AlertError where it ends before it starts or in the past, lasts too long, or names no reason.
    """
    if not max(starts_at, now) < ends_at or ends_at - starts_at > LONGEST_WINDOW:
        raise AlertError(f"work ends after it starts, after now, and within {LONGEST_WINDOW.days} days")
    if not reason.strip():
        raise AlertError("taking something out of service needs a reason")
    async with connection.transaction():
        found: int = await connection.fetchval(
            query("quiet", "add_window"),
            place.device_id,
            place.site_id,
            place.district_id,
            place.tag,
            starts_at,
            ends_at,
            reason,
            actor,
        )
        told = {"starts_at": starts_at, "ends_at": ends_at, "reason": reason}
        await audit(connection, actor, "maintenance.add", f"maintenance {found}", told, address)
    return found


async def end_window(connection: Connection, window_id: int, actor: str, now: datetime, address: str = "") -> None:
    """End a window now; one that has not begun is as if it had never been planned.

    Raises AlertError where there is none or it is over.
    """
    async with connection.transaction():
        row = await connection.fetchrow(query("quiet", "lock_window"), window_id)
        if row is None or row["ends_at"] <= now:
            raise AlertError("the work is over already" if row else f"there is no maintenance window {window_id}")
        if row["starts_at"] >= now:
            await connection.execute(query("quiet", "drop_window"), window_id)
        else:
            await connection.execute(query("quiet", "end_window"), window_id, now, actor)
        await audit(connection, actor, "maintenance.end", f"maintenance {window_id}", None, address)


async def _end_shelvings(connection: Connection, now: datetime) -> list[int]:
    """End every shelving whose time is over; return the alerts that speak again."""
    speaking = []
    for row in await connection.fetch(query("rules", "shelvings_over"), now):
        await connection.execute(query("rules", "unshelve"), row["alert_key"], ACTOR, now)
        if row["alert_id"] is not None:
            alert = await lock_alert(connection, row["alert_id"])
            if alert["state"] == AlertState.SHELVED:
                after = await move(connection, alert, Kind.UNSHELVED, now, ACTOR, "its time was over")
                if after.state is AlertState.UNACKNOWLEDGED:
                    speaking.append(row["alert_id"])
    return speaking


async def _hush(connection: Connection, alert_id: int, kind: AlertEventKind, now: datetime, why: str) -> bool:
    return await _move(connection, alert_id, kind, now, why) is not None


async def _speak(connection: Connection, alert_id: int, kind: AlertEventKind, now: datetime, why: str) -> bool:
    after = await _move(connection, alert_id, kind, now, why)
    if after is None:
        return False
    await connection.execute(query("quiet", "set_suppressed_by"), alert_id, None)
    return after.state is AlertState.UNACKNOWLEDGED


async def _move(
    connection: Connection, alert_id: int, kind: AlertEventKind, now: datetime, why: str
) -> Standing | None:
    """Return how the alert stands then; None where somebody did something to it since it was looked for."""
    row = await lock_alert(connection, alert_id)
    try:
        return await move(connection, row, kind, now, ACTOR, why)
    except AlertError:  # before anything is written
        return None
