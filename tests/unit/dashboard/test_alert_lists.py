"""How alerts are ordered, gathered and counted."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard.components.alert_load import alert_load
from dashboard.components.alerts import grouped, sorted_by_urgency
from dashboard.flat import to_html
from dashboard.pages.report import shift_of

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


def alert(number: int, severity: str, state: str, minute: int) -> Any:
    raised_at = f"2026-11-24T04:{minute:02}:00Z"
    return {"alert_id": number, "severity": severity, "state": state, "raised_at": raised_at, "recorded_at": raised_at,
            "acknowledged_at": None, "open": True, "district_id": "harbour"}  # fmt: skip


def test_alerts_wait_first_then_severity_then_newest() -> None:
    alerts = [
        alert(1, "LOW", "unacknowledged", 1),
        alert(2, "CRITICAL", "acknowledged", 9),
        alert(3, "HIGH", "unacknowledged", 2),
        alert(4, "HIGH", "returned_unacknowledged", 5),
        alert(5, "CRITICAL", "shelved", 6),
    ]
    assert [a["alert_id"] for a in sorted_by_urgency(alerts)] == [4, 3, 1, 2, 5]


def test_alerts_of_one_incident_stand_where_the_first_of_them_stands() -> None:
    alerts = [alert(n, "LOW", "unacknowledged", n) for n in (1, 2, 3, 4)]
    incidents: list[Any] = [
        {"incident_id": 7, "alert_ids": [2, 4]},
        {"incident_id": 8, "alert_ids": [3, 99]},
    ]
    groups = [(i["incident_id"] if i else None, [a["alert_id"] for a in members])
              for i, members in grouped(alerts, incidents)]  # fmt: skip
    assert groups == [(None, [1]), (7, [2, 4]), (None, [3])], "one alert alone in view is shown as itself"


def test_shift_counts_what_came_in_it_and_hands_over_what_is_open() -> None:
    before, within = alert(1, "HIGH", "unacknowledged", 5), alert(2, "LOW", "acknowledged", 30)
    within["acknowledged_at"] = "2026-11-24T04:32:00Z"
    shift = shift_of([before, within], NOW + timedelta(minutes=20), NOW + timedelta(hours=8))
    assert [a["alert_id"] for a in shift.came] == [2]
    assert [a["alert_id"] for a in shift.open] == [1, 2]
    assert shift.answers == [120.0]


def test_in_a_flood_the_load_is_said_to_be_that_many_or_more() -> None:
    at = [NOW - timedelta(minutes=minutes) for minutes in range(40)]

    def counts(**known: datetime) -> list[str]:
        return re.findall(r'<strong class="number">([^<]+)', to_html(alert_load(at, NOW, **known)))

    assert counts() == ["11", "40", "40"]
    assert counts(known_since=NOW - timedelta(minutes=39)) == ["11", "40 or more", "40 or more"]
