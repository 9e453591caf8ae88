"""Why an alert was raised: its stored inputs, stepped again through the rule version that fired."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from citywatch.errors import AlertError
from rules.engine import advance, run, watch
from rules.frozen import thaw_evidence
from rules.model import Rule, Sample, Subject
from rules.store import load_rule, rule_record
from sql.connection import Connection, Record
from sql.queries import query


@dataclass(frozen=True, slots=True)
class Explanation:
    """An alert with what it was made from; `again` says whether the same verdict comes out today."""

    alert: Record
    rule: Rule
    text_hash: str
    samples: tuple[Sample, ...]
    again: bool
    journal: list[Record]

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "alert_id": self.alert["alert_id"],
            "text": self.alert["summary"]["text"],
            "raised_at": self.alert["raised_at"].isoformat(),
            "cleared_at": self.alert["cleared_at"].isoformat() if self.alert["cleared_at"] else None,
            "state": self.alert["state"],
            "silent": self.alert["silent"],
            "rule_id": self.rule.rule_id,
            "rule_version": self.rule.version,
            "rule_text_hash": self.text_hash,
            "rule": rule_record(self.rule),
            "device_id": self.alert["device_id"],
            "delays": {
                "on_delay_seconds": self.alert["inputs"]["on_delay_seconds"],
                "off_delay_seconds": self.alert["inputs"]["off_delay_seconds"],
                "expected_interval_seconds": self.alert["inputs"]["expected_interval_seconds"],
            },
            "samples": [
                {"at": each.at.isoformat(), "property": name, "result": result, "quality": int(quality)}
                for each in self.samples
                for name, (result, quality) in each.values.items()
            ],
            "same_verdict_again": self.again,
            "journal": [
                {
                    "at": row["at"].isoformat(),
                    "kind": row["kind"],
                    "to_state": row["to_state"],
                    "actor": row["actor"],
                    "comment": row["comment"],
                }
                for row in self.journal
            ],
        }


async def explain(connection: Connection, alert_id: int) -> Explanation:
    """Return why the alert was raised; raise AlertError where there is none."""
    alert = await connection.fetchrow(query("rules", "explained_alert"), alert_id)
    if alert is None:
        raise AlertError(f"there is no alert {alert_id}")
    rule = await load_rule(connection, alert["rule_id"], alert["rule_version"])
    evidence = thaw_evidence(alert["inputs"])
    raised_at = alert["inputs"].get("raised_at")
    instant = datetime.fromisoformat(raised_at) if raised_at else alert["raised_at"]
    again = raises_again(rule, alert["inputs"], instant)
    journal = await connection.fetch(query("rules", "alert_journal_of"), alert_id)
    return Explanation(alert, rule, alert["text_hash"], evidence.samples, again, journal)


def raises_again(rule: Rule, inputs: dict[str, Any], raised_at: datetime) -> bool:
    """Say whether the stored inputs, stepped through the rule, raise at that very instant."""
    kept = inputs["subject"]
    subject = Subject(
        device_id="",
        profile=kept["profile"],
        domain=kept["domain"],
        district_id=rule.selector.district,
        expected_interval=timedelta(seconds=inputs["expected_interval_seconds"]),
        tags=dict(rule.selector.tags),
        properties=frozenset(kept["properties"]),
        area=kept.get("area"),
    )
    ready = watch(rule, subject)
    if ready is None:
        return False
    evidence = thaw_evidence(inputs)
    track, _ = run(ready, evidence.track, evidence.samples)
    track, _ = advance(ready, track, raised_at)
    return track.raised_at == raised_at
