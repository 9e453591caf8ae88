"""Alarm health: how the alerts themselves do, from what the store holds of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from rules.load import STALE, chattering, load_of, periods_of, share_of
from sql.connection import Connection, Record
from sql.queries import query

# name -> (target, whether more is worse); from ISA-18.2-2016 section 16 and EEMUA 191.
TARGETS: dict[str, float] = {
    "per_hour": 6,
    "per_day": 144,
    "most_in_period": 10,
    "share_over_ten": 0.01,
    "share_in_flood": 0.01,
    "share_of_worst_ten": 0.05,
    "chattering": 0,
    "stale": 5,
    "share_high_or_critical": 0.05,
}


async def alarm_health(
    connection: Connection, since: datetime, until: datetime, now: datetime, operators: int = 1
) -> dict[str, Any]:
    """Return the measures of a span with their targets, and what is worst. Alerts of one incident count once."""
    rows = await connection.fetch(query("health", "annunciations"), since, until)
    shown = _presented(rows)
    load = load_of([row["raised_at"] for row in shown], since, until, operators)
    keys: defaultdict[str, list[datetime]] = defaultdict(list)
    for row in rows:
        keys[row["alert_key"]].append(row["raised_at"])
    chatter = chattering(keys)
    stale = await connection.fetch(query("health", "stale"), min(now, until) - STALE)
    severities = Counter(row["severity"] for row in shown)
    worst = Counter(row["alert_key"] for row in rows).most_common(10)
    figures = {
        **load.as_json(),
        "share_of_worst_ten": sum(count for _, count in worst) / len(rows) if rows else 0.0,
        "chattering": sum(chatter.values()),
        "stale": len(stale),
        "share_high_or_critical": (severities["CRITICAL"] + severities["HIGH"]) / len(shown) if shown else 0.0,
        **_durations(rows),
    }
    return {
        "since": since,
        "until": until,
        "measures": [
            {
                "name": name,
                "value": value,
                "target": TARGETS.get(name),
                "met": None if value is None or name not in TARGETS else value <= TARGETS[name],
            }
            for name, value in figures.items()
        ],
        "worst": [{"alert_key": key, "alerts": count, "share": count / len(rows)} for key, count in worst],
        "chattering": [{"alert_key": key, "times": times} for key, times in sorted(chatter.items())],
        "stale": [dict(row) for row in stale[:100]],
        "by_severity": dict(severities),
        "by_district": _by_district(rows),
        "periods": [{"at": at, "alerts": count} for at, count in sorted(periods_of(_times(shown)).items())],
    }


def _presented(rows: Sequence[Record]) -> list[Record]:
    """Return what an operator saw: lone alerts, and the first of each incident."""
    seen: set[int] = set()
    found = []
    for row in rows:
        incident = row["incident_id"]
        if incident is None or incident not in seen:
            found.append(row)
            if incident is not None:
                seen.add(incident)
    return found


def _times(rows: Sequence[Record]) -> list[datetime]:
    return [row["raised_at"] for row in rows]


def _durations(rows: Sequence[Record]) -> dict[str, float | None]:
    """Return median and 90th percentile, in minutes, from the record of an alert to its acknowledgement and its end."""
    found: dict[str, float | None] = {}
    for name, until in (("acknowledge", "acknowledged_at"), ("resolve", "resolved_at")):
        minutes = _minutes(rows, until)
        found[f"minutes_to_{name}"] = share_of(minutes, 0.5)
        found[f"minutes_to_{name}_p90"] = share_of(minutes, 0.9)
    return found


def _minutes(rows: Sequence[Record], until: str) -> list[float]:
    return [(row[until] - row["recorded_at"]) / timedelta(minutes=1) for row in rows if row[until] is not None]


def _by_district(rows: Sequence[Record]) -> list[dict[str, Any]]:
    """Return how long alerts wait, district by district: where service is slower, it shows here."""
    districts: defaultdict[str | None, list[Record]] = defaultdict(list)
    for row in rows:
        districts[row["district_id"]].append(row)
    return [
        {
            "district_id": district,
            "alerts": len(found),
            "minutes_to_acknowledge": share_of(_minutes(found, "acknowledged_at"), 0.5),
            "minutes_to_resolve": share_of(_minutes(found, "resolved_at"), 0.5),
        }
        for district, found in sorted(districts.items(), key=lambda each: each[0] or "")
    ]
