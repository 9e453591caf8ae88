"""Who is told of an alert, and when: a row of the outbox written with the alert, sent after a moment's wait.

The wait lets alerts of one cause find each other, so that an incident pages once. What became pointless meanwhile is
dropped with its reason. A failure is tried again, ever more slowly, and given up visibly. A message may arrive twice
(when we die between sending and noting it): its `id` is the same then.

In a flood a receiver gets fewer than `FLOOD` messages in ten minutes: the rest is held back, and a digest says what.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from citywatch.addresses import short_name
from citywatch.telemetry import get_logger
from rules.model import Severity
from sql.connection import Connection, Record
from sql.queries import query

WAITS = {
    Severity.CRITICAL: timedelta(seconds=10),
    Severity.HIGH: timedelta(seconds=30),
    Severity.MEDIUM: timedelta(seconds=30),
    Severity.LOW: timedelta(seconds=45),
}
FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=5), timedelta(minutes=10)
TRIES = 10
# ISA-18.2: more than ten alarms in ten minutes are a flood. The last places are kept for incidents and what is
# CRITICAL, and one for the digest, so that a receiver is never told ten times.
FLOOD, FLOOD_WINDOW = 10, timedelta(minutes=10)
ROOM, ROOM_URGENT = FLOOD - 4, FLOOD - 2
DIGEST_WAIT = timedelta(seconds=5)

# A dead receiver costs its timeout at most this often, however many messages wait for it; the others go on meanwhile.
LONGEST_PAUSE = timedelta(seconds=30)

Send = Callable[[str, Mapping[str, Any]], Awaitable[None]]  # (target, body); raises NotifyError
log = get_logger()


class NotifyError(Exception):
    """A message could not be delivered now; trying again may help."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where messages go: a channel and an address in it."""

    channel: str
    address: str
    least: Severity = Severity.LOW  # alerts less urgent than this are not sent there

    @property
    def name(self) -> str:
        """What the outbox and its readers know it by: the address itself, unless that may carry a token."""
        return short_name(self.address) if self.channel in ("webhook", "apprise") else self.address

    def wants(self, severity: Severity) -> bool:
        """Say whether an alert of this severity is sent here."""
        order = list(Severity)
        return order.index(severity) <= order.index(self.least)


async def enqueue(
    connection: Connection,
    targets: Sequence[Target],
    alerts: Sequence[tuple[int, Severity]],
    now: datetime,
    *,
    anew: bool = False,
    ready: bool = True,
) -> None:
    """Put alerts that begin to speak into the outbox, in the caller's transaction; `anew`: after they were quiet.

    Not `ready`: they are grouped in another transaction, and nobody is told before that.
    """
    for target in targets:
        wanted = {alert_id: now + WAITS[severity] for alert_id, severity in alerts if target.wants(severity)}
        if wanted:
            ids, due = list(wanted), list(wanted.values())
            await connection.execute(query("notify", "enqueue"), ids, due, target.channel, target.name, anew, ready)


async def send_next(connection: Connection, channels: Mapping[str, Send], now: datetime) -> bool:
    """Deal with the next notification that is due, in a transaction of its own; return whether there was one."""
    async with connection.transaction():
        row = await connection.fetchrow(query("notify", "claim"), now)
        if row is None:
            return False
        number = row["notification_id"]
        pointless = why_not(row)
        if row["incident_told"]:
            # In a flood thousands wait for what was told once: one by one they would keep the next incident waiting.
            alike = row["channel"], row["target"], row["step"], row["round"]
            await connection.execute(query("notify", "drop_told"), row["incident_id"], *alike, now, pointless)
            return True
        if pointless is not None:
            await connection.execute(query("notify", "settle"), number, "dropped", pointless, None, row["incident_id"])
            return True
        if row["kind"] == "alert" and await _held_back(connection, row, now):
            return True
        error = await _send(channels, row, await _body(connection, row, now))
        if error is not None:
            await _fail(connection, row, error, now)
        else:
            await connection.execute(query("notify", "settle"), number, "sent", "", now, row["incident_id"])
            log.info("notification_sent", notification_id=number, alert_id=row["alert_id"], channel=row["channel"])
        return True


async def _send(channels: Mapping[str, Send], row: Record, message: Mapping[str, Any]) -> str | None:
    """Send one message; return why it could not be delivered, None where it was."""
    send = channels.get(row["channel"])
    if send is None:
        return f"channel {row['channel']} is not set up"
    try:
        await send(row["target"], message)
    except NotifyError as error:
        return str(error)
    except Exception as error:
        # A library's own complaint about one message must not stop all others. It may repeat the address: not kept.
        log.exception("notification_broken", notification_id=row["notification_id"], channel=row["channel"])
        return f"{type(error).__name__}, see the log"
    return None


def why_not(row: Record | Mapping[str, Any]) -> str | None:
    """Return why nobody needs to be told any more, None where somebody does."""
    if row["kind"] != "alert":
        return None
    if row["incident_told"]:
        return f"told with incident {row['incident_id']}"
    if row["retracted_at"] is not None:
        return "later readings showed that it was not so"
    if row["step"] and row["acknowledged_at"] is not None:
        return "acknowledged before it was escalated"
    if row["state"] == "unacknowledged" or row["latched"]:
        return None
    return f"{row['state'].replace('_', ' ')} before it was due"


async def _held_back(connection: Connection, row: Record, now: datetime) -> bool:
    """Hold a message back where its receiver has been told enough, and see to it that a digest says so."""
    where = row["channel"], row["target"]
    told = await connection.fetchval(query("notify", "sent_lately"), *where, now - FLOOD_WINDOW)
    # An incident stands for many: it is told before what is on its own.
    urgent = row["severity"] == Severity.CRITICAL or row["incident_id"] is not None
    if told < (ROOM_URGENT if urgent else ROOM):
        return False
    reason = f"flood: {told} messages in {FLOOD_WINDOW.seconds // 60} minutes already"
    await connection.execute(query("notify", "hold"), row["notification_id"], reason)
    await connection.execute(query("notify", "digest"), row["alert_id"], *where, now + DIGEST_WAIT, FLOOD_WINDOW)
    return True


async def _body(connection: Connection, row: Record, now: datetime) -> dict[str, Any]:
    if row["kind"] == "work_order":
        return work_body(row, now)
    if row["kind"] == "digest":
        return digest_body(
            row, now, await connection.fetch(query("notify", "held_back"), row["channel"], row["target"])
        )
    return body(row, now)


def work_body(row: Record | Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return what a department's system is sent of a work order."""
    return {
        **body(row, now),
        "kind": "work_order",
        "text": f"Work order {row['work_order_id']} for {row['queue']}, {row['work_state']}: {row['task']}",
        "work_order": {
            "work_order_id": row["work_order_id"],
            "state": row["work_state"],
            "queue": row["queue"],
            "crew": row["crew"],
            "task": row["task"],
            "severity": row["work_severity"],
            "due_at": row["work_due_at"].isoformat(),
            "note": row["note"],
            "photo_url": row["photo_url"],
            "by": row["work_actor"],
        },
    }


def digest_body(row: Record | Mapping[str, Any], now: datetime, held: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is said in a flood: how much is held back, and of what."""
    count = sum(each["alerts"] for each in held)
    parts = ", ".join(f"{each['alerts']} x {each['rule_id']}" for each in held[:10])
    worst = list(Severity)[min((each["severity"] for each in held), default=len(Severity)) - 1]
    return {
        **body(row, now),
        "kind": "digest",
        "text": f"Alert flood: {count} alerts are held back ({parts}). See the alert console.",
        "severity": worst.value,
        "held_back": [{"rule_id": each["rule_id"], "alerts": each["alerts"]} for each in held],
    }


def body(row: Record | Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return what is sent: the alert, or the incident that it belongs to, with what to do."""
    rule = row["definition"] or {}
    found: dict[str, Any] = {
        "id": f"citywatch-notification-{row['notification_id']}",
        "kind": "incident" if row["incident_id"] else "alert",
        "step": row["step"],
        "text": row["summary"]["text"],
        "message": row["summary"]["message"],
        "parameters": row["summary"]["parameters"],
        "severity": row["incident_severity"] or row["severity"],
        "state": row["state"],
        "raised_at": row["raised_at"].isoformat(),
        "sent_at": now.isoformat(),
        "alert_id": row["alert_id"],
        "rule_id": row["rule_id"],
        "device_id": row["device_id"],
        "area": row["area"],
        "district_id": row["district_id"],
        "latitude": row["latitude"],
        "longitude": row["longitude"],
        "operator_action": rule.get("operator_action"),
        "time_to_respond_seconds": rule.get("time_to_respond"),
    }
    if row["incident_id"]:
        found["incident"] = {
            "incident_id": row["incident_id"],
            "title": row["incident_title"],
            "cause": row["cause"],
            "alerts": row["incident_alerts"],
        }
        found["text"] = f"{row['incident_title']} ({row['incident_alerts']} alerts). First: {row['summary']['text']}"
    return found


async def _fail(connection: Connection, row: Record, error: str, now: datetime) -> None:
    tries = row["attempts"] + 1
    wait = min(FIRST_RETRY * 2 ** (tries - 1), LONGEST_RETRY)
    pause = now + min(wait, LONGEST_PAUSE)
    await connection.execute(query("notify", "pause"), row["channel"], row["target"], pause)
    if tries >= TRIES:
        await connection.execute(query("notify", "settle"), row["notification_id"], "dead", error, None, None)
        log.error("notification_given_up", notification_id=row["notification_id"], tries=tries, error=error)
        return
    await connection.execute(query("notify", "postpone"), row["notification_id"], now + wait, error)
    log.warning("notification_failed", notification_id=row["notification_id"], tries=tries, error=error)
