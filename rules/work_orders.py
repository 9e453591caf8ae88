"""Work orders: an alert or an incident handed to a department, and what its crew makes of it.

    waiting -> accepted -> en_route -> done      and from each but the last: cancelled

Every step is journalled, audited and told to the department's system through the outbox; an order that is done says so
in the alert's own journal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from citywatch.errors import AlertError
from rules.alerts import lock_alert, move
from rules.lifecycle import AlertEventKind
from rules.model import Severity
from rules.notify.outbox import Target
from sql.audit import audit
from sql.connection import Connection
from sql.queries import query


class WorkState(StrEnum):
    """How far an order is."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    EN_ROUTE = "en_route"
    DONE = "done"
    CANCELLED = "cancelled"


W = WorkState
STEPS: dict[WorkState, tuple[WorkState, ...]] = {
    W.WAITING: (W.ACCEPTED, W.CANCELLED),
    W.ACCEPTED: (W.EN_ROUTE, W.DONE, W.CANCELLED),
    W.EN_ROUTE: (W.DONE, W.CANCELLED),
    W.DONE: (),
    W.CANCELLED: (),
}
# When the work is due, from the hand-over on.
DUE = {
    Severity.CRITICAL: timedelta(hours=1),
    Severity.HIGH: timedelta(hours=4),
    Severity.MEDIUM: timedelta(hours=24),
    Severity.LOW: timedelta(days=3),
}


@dataclass(frozen=True, slots=True)
class Report:
    """What is said with a step: who goes, a remark, a link to a photo."""

    crew: str | None = None
    note: str = ""
    photo_url: str | None = None


async def hand_over(
    connection: Connection,
    alert_id: int,
    queue: str,
    actor: str,
    now: datetime,
    *,
    incident_id: int | None = None,
    task: str | None = None,
    due_at: datetime | None = None,
    note: str = "",
    targets: Sequence[Target] = (),
    address: str = "",
) -> int:
    """Hand an open alert, or the incident that it stands for, to a department; return the order's number.

    `task` is what to do, by default what the rule says. Raises AlertError where the alert is closed, is handed over
    already, or would be due in the past.
    """
    if not queue.strip():
        raise AlertError("a work order goes to a department")
    async with connection.transaction():
        row = await lock_alert(connection, alert_id)
        if not row["open"]:
            raise AlertError("the alert is closed: there is nothing to hand over")
        due = due_at or now + DUE[Severity(row["severity"])]
        if due <= now:
            raise AlertError("work is due after now")
        order: int | None = await connection.fetchval(
            query("work", "hand_over"), alert_id, incident_id, queue, task, actor, now, due
        )
        if order is None:
            raise AlertError("the alert is in a department's hands already")
        await connection.execute(query("rules", "set_assigned"), alert_id, queue)
        await move(connection, row, AlertEventKind.ASSIGNED, now, actor, f"{queue}: work order {order}")
        await _note(connection, order, now, None, W.WAITING, actor, Report(note=note), targets)
        await audit(
            connection,
            actor,
            "work_order.hand_over",
            f"work order {order}",
            {"alert": alert_id, "queue": queue},
            address,
        )
    return order


async def proceed(
    connection: Connection,
    order: int,
    to: WorkState,
    actor: str,
    now: datetime,
    report: Report,
    targets: Sequence[Target] = (),
    address: str = "",
) -> None:
    """Take an order a step further; to accept needs a crew, to cancel a reason. Saying a thing twice changes nothing.

    Raises AlertError where there is no such order or the step does not follow.
    """
    async with connection.transaction():
        row = await connection.fetchrow(query("work", "lock_order"), order)
        if row is None:
            raise AlertError(f"there is no work order {order}")
        state = WorkState(row["state"])
        if state is to and report.note == "" and report.photo_url is None and report.crew in (None, row["crew"]):
            return
        if to not in STEPS[state]:
            follows = ", ".join(each.replace("_", " ") for each in STEPS[state]) or "nothing"
            raise AlertError(
                f"the work order is {state.replace('_', ' ')}: after that comes {follows}, not {to.replace('_', ' ')}"
            )
        crew = report.crew or row["crew"]
        if to is W.ACCEPTED and not crew:
            raise AlertError("who accepts a work order says which crew goes")
        if to is W.CANCELLED and not report.note.strip():
            raise AlertError("cancelling a work order needs a reason")
        await connection.execute(query("work", "proceed"), order, to.value, crew, report.photo_url, now)
        await _note(connection, order, now, state, to, actor, report, targets)
        if to in (W.DONE, W.CANCELLED):
            alert = await lock_alert(connection, row["alert_id"])
            said = f"work order {order} {to.value} by {crew or actor}: {report.note}".rstrip(": ")
            await move(connection, alert, AlertEventKind.COMMENTED, now, actor, said)
        await audit(
            connection,
            actor,
            f"work_order.{to.value}",
            f"work order {order}",
            {"note": report.note, "crew": crew},
            address,
        )


async def _note(
    connection: Connection,
    order: int,
    now: datetime,
    before: WorkState | None,
    after: WorkState,
    actor: str,
    report: Report,
    targets: Sequence[Target],
) -> None:
    event: int = await connection.fetchval(
        query("work", "journal"), order, now, before, after, actor, report.crew, report.note, report.photo_url
    )
    for target in targets:
        await connection.execute(query("work", "tell"), event, target.channel, target.name, now)
