"""When nothing at all is heard, the fault is ours: one alert that says so, instead of one for every device."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from rules.alerts import lock_alert, move
from rules.lifecycle import AlertEventKind, raised
from rules.model import Severity
from sql.connection import Connection
from sql.queries import query

Kind = AlertEventKind
RULE_ID = "nothing-heard"
ACTOR = f"rule {RULE_ID} v1"
RECORD: dict[str, Any] = {
    "title": "Nothing is heard from any device",
    "severity": Severity.CRITICAL.value,
    "condition": "no live device heard for two of the shortest intervals, at least 10 s",
    "on_delay_seconds": 0.0,
    "off_delay_seconds": 0.0,
    "latched": False,
    "cause": "Ingest, the broker, the store or the network between them and the devices is down.",
    "consequence": "Citywatch is blind; no rule on readings can fire.",
    "operator_action": "Run `citywatch doctor` and `citywatch status`; start what has stopped.",
    "threshold": "Devices do not fall silent together: below the limit of any single device's silence.",
    "time_to_respond": 300.0,
    "owner": "Control room",
    "review_date": "2027-05-01",
}


async def tell_outage(connection: Connection, deaf_from: datetime | None, heard_at: datetime | None) -> int | None:
    """Raise the alert when nothing is heard, clear it when something is, inside the caller's transaction.

    Return the alert that was raised now, if one was.
    """
    found = await connection.fetchrow(query("rules", "open_alert"), RULE_ID)
    standing = found if found is not None and found["cleared_at"] is None else None
    if deaf_from is not None and standing is None:
        return await _raise(connection, deaf_from, heard_at or deaf_from, found["alert_id"] if found else None)
    elif deaf_from is None and standing is not None and heard_at is not None:
        row = await lock_alert(connection, standing["alert_id"])
        cleared_at = max(heard_at, row["raised_at"])
        await move(connection, row, Kind.CLEARED, cleared_at, ACTOR)
        await connection.execute(
            query("rules", "set_span"), row["alert_id"], row["raised_at"], cleared_at, False, False
        )
    return None


async def _raise(connection: Connection, at: datetime, heard_at: datetime, former: int | None) -> int | None:
    # Kept among the rules so that the alert can be looked up like any other; switched off, since no engine judges it.
    text = repr(RECORD)
    await connection.execute(
        query("rules", "store_builtin"), RULE_ID, text, hashlib.sha256(text.encode()).hexdigest(), RECORD
    )
    if former is not None:
        await move(connection, await lock_alert(connection, former), Kind.SUPERSEDED, at, ACTOR)
    since = heard_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    summary = {
        "message": f"rule.{RULE_ID}",
        "parameters": {"title": RECORD["title"], "since": since},
        "text": f"Nothing heard from any device since {since}",
    }
    state = raised(latched=False).state
    alert_id: int | None = await connection.fetchval(
        query("rules", "raise_alert"),
        RULE_ID, RULE_ID, 1, None, None, RECORD["severity"], state.value, True, False, summary,
        {"heard_at": heard_at}, at, None, False, None, ACTOR, state.value,
    )  # fmt: skip
    return alert_id
