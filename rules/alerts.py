"""Alerts in the store, one by one: every change goes through the lifecycle, into the row, into the journal and out as
news. What the engine says of many at once is written by rules.record."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any

from citywatch.errors import AlertError
from rules.difference import Change
from rules.engine import Watch
from rules.frozen import freeze_evidence
from rules.lifecycle import AlertEventKind, AlertState, Standing, advance, raised
from rules.model import Subject
from rules.wording import describe
from sql.connection import Connection, Record
from sql.queries import query

Kind = AlertEventKind


def key_of(rule_id: str, device_id: str) -> str:
    """Return what says what an alert is about: one rule, one device."""
    return f"{rule_id}:{device_id}"


def standing_of(row: Record) -> Standing:
    """Return an alert row's standing."""
    return Standing(AlertState(row["state"]), row["cleared_at"] is None and row["open"], row["latched"])


async def raise_alert(
    connection: Connection, ready: Watch, subject: Subject, datastream_id: int | None, change: Change, key: str
) -> int | None:
    """Write a new alert, whatever it meets: one that it supersedes, a shelving, a newer one.

    Return None where its key has one that stands. The unique indexes decide, nobody's luck.
    """
    rule, episode = ready.rule, change.episode
    actor = f"rule {rule.rule_id} v{rule.version}"
    met = await connection.fetchrow(query("rules", "before_raise"), key, episode.raised_at)
    assert met is not None
    if met["superseded"] is not None:
        row = await lock_alert(connection, met["superseded"])
        if row["open"]:  # nobody closed it in this moment
            await move(connection, row, Kind.SUPERSEDED, episode.raised_at, actor)
    quiet = AlertState.SHELVED if met["shelved"] else None
    steps = [(Kind.RAISED, episode.raised_at, raised(latched=rule.latched, quiet=quiet))]
    if episode.cleared_at is not None:
        steps.append((Kind.CLEARED, episode.cleared_at, advance(steps[-1][2], Kind.CLEARED)))
        if met["newer"]:
            steps.append((Kind.SUPERSEDED, episode.cleared_at, advance(steps[-1][2], Kind.SUPERSEDED)))
    standing = steps[-1][2]
    alert_id: int | None = await connection.fetchval(
        query("rules", "raise_alert"),
        key,
        rule.rule_id,
        rule.version,
        subject.device_id if subject.area is None else None,
        datastream_id,
        rule.severity.value,
        standing.state.value,
        standing.open,
        episode.silent,
        describe(ready, subject, change),
        inputs_of(ready, subject, change),
        episode.raised_at,
        episode.cleared_at,
        rule.latched,
        subject.device_id if subject.area is not None else None,
        actor,
        steps[0][2].state.value,
    )
    if alert_id is None:
        return None
    for (_, _, before), (kind, at, after) in pairwise(steps):
        await write_journal(connection, alert_id, at, kind, before.state, after.state, actor, "")
    return alert_id


async def lock_alert(connection: Connection, alert_id: int) -> Record:
    """Return the alert's row, held until the transaction ends; raise AlertError where there is none."""
    row: Record | None = await connection.fetchrow(query("rules", "lock_alert"), alert_id)
    if row is None:
        raise AlertError(f"there is no alert {alert_id}")
    return row


async def move(
    connection: Connection, row: Record, kind: AlertEventKind, at: datetime, actor: str, comment: str = ""
) -> Standing:
    """Let `kind` happen to a locked alert: lifecycle, row, journal, news. Raises AlertError where it cannot."""
    before = standing_of(row)
    after = advance(before, kind, acknowledged=row["acknowledged_at"] is not None)
    if after != before:
        await connection.execute(query("rules", "set_standing"), row["alert_id"], after.state.value, after.open)
    await write_journal(connection, row["alert_id"], at, kind, before.state, after.state, actor, comment)
    return after


async def withdraw(connection: Connection, rule_id: str, device_id: str, now: datetime) -> None:
    """Close the open alert of a rule that does not watch the device any more, if there is one."""
    found = await connection.fetchrow(query("rules", "open_alert"), key_of(rule_id, device_id))
    if found is not None:
        row = await lock_alert(connection, found["alert_id"])
        await move(connection, row, Kind.WITHDRAWN, now, "citywatch", "the rule does not watch this device any more")
        ended_at = max(row["cleared_at"] or now, row["raised_at"])
        await connection.execute(
            query("rules", "set_span"), row["alert_id"], row["raised_at"], ended_at, row["silent"], False
        )


async def write_journal(
    connection: Connection,
    alert_id: int,
    at: datetime,
    kind: AlertEventKind,
    before: AlertState | None,
    after: AlertState,
    actor: str,
    comment: str,
) -> None:
    """Append one line to the journal of an alert, and let it be known."""
    await connection.execute(
        query("rules", "journal"),
        alert_id,
        at,
        kind.value,
        before.value if before else None,
        after.value,
        actor,
        comment,
    )


def inputs_of(ready: Watch, subject: Subject, change: Change) -> dict[str, Any]:
    """Return what an alert was made from, for explanations."""
    assert change.evidence is not None
    return {
        "expected_interval_seconds": subject.expected_interval.total_seconds(),
        "raised_at": change.episode.raised_at,
        "on_delay_seconds": ready.on_delay.total_seconds(),
        "off_delay_seconds": ready.off_delay.total_seconds(),
        "subject": {
            "profile": subject.profile,
            "domain": subject.domain,
            "properties": sorted(subject.properties),
            "area": subject.area,
        },
        "counted": list(change.counted),
        **freeze_evidence(change.evidence),
    }
