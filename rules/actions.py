"""What operators do to alerts: each step goes through the lifecycle and into the journal, or fails saying why.

Every function takes a connection and makes its own transaction; `now` is the wall clock, which operators live by.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from citywatch.errors import AlertError
from rules.alerts import lock_alert, move
from rules.lifecycle import AlertEventKind, AlertState
from sql.connection import Connection, Record
from sql.queries import query

Kind = AlertEventKind
LONGEST_SHELVING = timedelta(days=7)
_SEEN = (AlertState.ACKNOWLEDGED, AlertState.LATCHED_ACKNOWLEDGED)


async def acknowledge(
    connection: Connection, alert_id: int, actor: str, now: datetime, comment: str = ""
) -> AlertState:
    """Say that somebody has seen the alert and acts; return its state. Doing so again changes nothing.

    Raises AlertError where there is no such alert, or it asks nobody (closed, shelved, suppressed, out of service).
    """
    async with connection.transaction():
        row = await lock_alert(connection, alert_id)
        state = AlertState(row["state"])
        if row["acknowledged_at"] is not None and (state in _SEEN or state is AlertState.NORMAL):
            if comment:
                await move(connection, row, Kind.COMMENTED, now, actor, comment)
            return state
        after = await move(connection, row, Kind.ACKNOWLEDGED, now, actor, comment)
        await connection.execute(query("rules", "set_acknowledged"), alert_id, now, actor)
        return after.state


async def reset(connection: Connection, alert_id: int, actor: str, now: datetime, comment: str = "") -> AlertState:
    """End a latched alert whose condition has gone; raise AlertError otherwise."""
    async with connection.transaction():
        row = await lock_alert(connection, alert_id)
        after = await move(connection, row, Kind.RESET, now, actor, comment)
        return after.state


async def comment(connection: Connection, alert_id: int, actor: str, now: datetime, text: str) -> None:
    """Add a remark to the journal of an alert, open or closed; an empty one is refused."""
    if not text.strip():
        raise AlertError("a comment says something")
    async with connection.transaction():
        await move(connection, await lock_alert(connection, alert_id), Kind.COMMENTED, now, actor, text)


async def assign(connection: Connection, alert_id: int, actor: str, now: datetime, to: str) -> None:
    """Make `to` responsible for an open alert."""
    if not to.strip():
        raise AlertError("an alert is assigned to somebody")
    async with connection.transaction():
        row = await _open(connection, alert_id, "assigned")
        await move(connection, row, Kind.ASSIGNED, now, actor, to)
        await connection.execute(query("rules", "set_assigned"), alert_id, to)


async def call_back(connection: Connection, alert_id: int, actor: str, now: datetime, comment: str) -> AlertState:
    """Open a closed alert again, since what it is about is not done; a reason is required.

    Raises AlertError where it is open, was shown never to have been, or a newer one of the same kind is open.
    """
    if not comment.strip():
        raise AlertError("calling an alert back needs a reason")
    async with connection.transaction():
        row = await lock_alert(connection, alert_id)
        if row["retracted_at"] is not None:
            raise AlertError("later readings showed that it was not so: there is nothing to call back")
        newer = await connection.fetchrow(query("rules", "open_alert"), row["alert_key"])
        if newer is not None and newer["alert_id"] != alert_id:
            raise AlertError(f"alert {newer['alert_id']} speaks of the same thing and is open")
        after = await move(connection, row, Kind.CALLED_BACK, now, actor, comment)
        return after.state


async def shelve(
    connection: Connection, alert_id: int, actor: str, now: datetime, until: datetime, comment: str
) -> AlertState:
    """Keep this alert, and whatever its rule says of the same device, quiet until `until`; a reason is required.

    It always ends: by itself at `until`, at most LONGEST_SHELVING from now. Shelving a shelved one moves its end.
    """
    if not now < until <= now + LONGEST_SHELVING:
        raise AlertError(f"shelving ends between now and {LONGEST_SHELVING.days} days from now")
    if not comment.strip():
        raise AlertError("shelving needs a reason")
    async with connection.transaction():
        row = await _open(connection, alert_id, "shelved")
        await connection.execute(query("rules", "shelve"), row["alert_key"], actor, comment, now, until)
        said = f"until {until.isoformat()}: {comment}"
        again = row["state"] == AlertState.SHELVED
        if again:
            await move(connection, row, Kind.COMMENTED, now, actor, f"shelved {said}")
        else:
            await move(connection, row, Kind.SHELVED, now, actor, said)
        return AlertState.SHELVED


async def unshelve(connection: Connection, alert_id: int, actor: str, now: datetime, comment: str = "") -> AlertState:
    """End a shelving before its time: the alert speaks again if its condition stands, and is closed if not."""
    async with connection.transaction():
        row = await _open(connection, alert_id, "unshelved")
        after = await move(connection, row, Kind.UNSHELVED, now, actor, comment)
        await connection.execute(query("rules", "unshelve"), row["alert_key"], actor, now)
        return after.state


async def _open(connection: Connection, alert_id: int, verb: str) -> Record:
    row = await lock_alert(connection, alert_id)
    if not row["open"]:
        raise AlertError(f"the alert is closed: it cannot be {verb}")
    return row
