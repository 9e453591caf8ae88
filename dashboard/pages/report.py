"""The shift report: what came, what was done about it and by whom, what is handed over; for paper and for a table."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from dash import html
from dash.development.base_component import Component

from dashboard.alert_shapes import Alert
from dashboard.components.account import account_facts
from dashboard.components.alerts import alert_words, sorted_by_urgency
from dashboard.components.icons import icon
from dashboard.components.marks import SEVERITIES, SEVERITY_NAMES, STATE_NAMES, instant, severity_chip
from dashboard.components.parts import choices, href, page_head, panel, right_cell, state, table
from dashboard.pages.overview import counted_words
from dashboard.pages.view import View
from dashboard.query import wall_clock
from dashboard.shapes import JsonObject
from dashboard.texts import mark, text
from dashboard.units import NOTHING, duration, number, parse_time
from dashboard.urgent import Lately, newest_and_open

SHIFTS = {"8h": mark("8 hours"), "12h": mark("12 hours"), "24h": mark("24 hours")}
ALERTS_COUNTED = 2000
HEALTH_SPAN = timedelta(days=30)
# name of a measure -> words, decimals
MEASURES = {
    "alerts": (mark("Alerts"), 0),
    "per_hour": (mark("Alerts per operator and hour"), 1),
    "per_day": (mark("Alerts per operator and day"), 1),
    "most_in_period": (mark("Most in ten minutes"), 0),
    "share_over_ten": (mark("Share of ten-minute periods with more than ten"), 1),
    "share_in_flood": (mark("Share of time in a flood"), 1),
    "share_of_worst_ten": (mark("Share of the ten most frequent"), 1),
    "chattering": (mark("Chattering alerts"), 0),
    "stale": (mark("Alerts open for more than a day"), 0),
    "share_high_or_critical": (mark("Share of high and critical"), 1),
    "minutes_to_acknowledge": (mark("Minutes to acknowledge, median"), 1),
    "minutes_to_acknowledge_p90": (mark("Minutes to acknowledge, 90th percentile"), 1),
    "minutes_to_resolve": (mark("Minutes to resolve, median"), 1),
    "minutes_to_resolve_p90": (mark("Minutes to resolve, 90th percentile"), 1),
}


@dataclass(frozen=True, slots=True)
class Shift:
    """The alerts of a shift: those that came in it, and those that are still open at its end."""

    came: list[Alert]
    open: list[Alert]
    answers: list[float]

    def count(self, severity: str) -> int:
        """Return how many of a severity came."""
        return sum(alert["severity"] == severity for alert in self.came)


def shift_of(alerts: Sequence[Alert], since: datetime, until: datetime) -> Shift:
    """Return what of `alerts` belongs to the shift. Answers are seconds from record to acknowledgement."""
    came, answers = [], []
    for alert in alerts:
        recorded, answered = parse_time(alert["recorded_at"]), parse_time(alert["acknowledged_at"])
        if recorded is not None and since <= recorded <= until:
            came.append(alert)
            if answered is not None and answered >= recorded:
                answers.append((answered - recorded).total_seconds())
    return Shift(came, [alert for alert in alerts if alert["open"]], answers)


async def page(view: View) -> Component:
    """Return the report of the shift that ends now."""
    asked = view.query.get("span")
    name = asked if asked in SHIFTS else "8h"
    until = view.clock.now
    since = until - timedelta(hours=int(name[:-1]))
    counts, lately, account, health = await asyncio.gather(
        view.counts(),
        newest_and_open(view.api, ALERTS_COUNTED, source_id=view.source_id),
        view.api.account_total(),
        view.api.alarm_health(wall_clock() - HEALTH_SPAN, wall_clock()),
    )
    shift = shift_of(lately.alerts, since, until)
    options = [
        (text(words), href("/report", source=view.source, span=None if key == "8h" else key), key == name)
        for key, words in SHIFTS.items()
    ]
    actions = [
        choices(text("Shift"), options),
        html.Button([icon("report", size=15), text("Print")], className="button primary", **{"data-print": "1"}),
        html.Button("CSV", className="button", **{"data-csv": "shift-alerts"}),
    ]
    return html.Div(
        [
            page_head(text("Shift report"), "", actions),
            html.P(
                [text("From"), " ", instant(since.isoformat()), " ", text("to"), " ", instant(until.isoformat())],
                className="report-span",
            ),
            html.Div(
                [
                    panel(text("In numbers"), _numbers(shift, lately, since)),
                    panel(
                        text("Devices and data"), [html.P(counted_words(counts["freshness"])), account_facts(account)]
                    ),
                ],
                className="grid two",
            ),
            panel(
                text("Handed over: open alerts"),
                _table(sorted_by_urgency(shift.open), "shift-open") if shift.open else _none(),
                flush=True,
            ),
            panel(
                text("Alerts of the shift"),
                _table(shift.came, "shift-alerts") if shift.came else _none(),
                flush=True,
            ),
            panel(
                text("How the alerts themselves do"),
                _health(health),
                note=text("the last {n} days, against ISA-18.2", n=HEALTH_SPAN.days),
                flush=True,
            ),
            html.P([text("Signed"), " ______________________________"], className="only-print"),
        ],
        style={"display": "contents"},
    )


def _health(health: JsonObject) -> Component:
    """Return the measures of alarm management, each with its target, and the rules that raise most."""
    rows = []
    for measure in health["measures"]:
        words, unit = MEASURES.get(measure["name"], (measure["name"].replace("_", " "), 0))
        shares = measure["name"].startswith("share")
        value, target = (
            None if one is None else 100 * one if shares else one for one in (measure["value"], measure["target"])
        )
        sign = "\u00a0%" if shares else ""
        goal = NOTHING if target is None else text("aim at {n} at most", n=number(target, unit) + sign)
        missed = measure["met"] is False
        shown = NOTHING if value is None else number(value, unit) + sign
        rows.append(
            html.Tr(
                [
                    html.Th(text(words), scope="row"),
                    right_cell(html.Span([icon("error", size=13), shown], className="off-target") if missed else shown),
                    right_cell(goal),
                ]
            )
        )
    headings = [(text("Measure"), False), (text("Value"), True), (text("Target"), True)]
    return html.Div(table(headings, rows, caption=text("How the alerts themselves do")), className="scroll")


def _none() -> Component:
    return state(text("None"), text("No alert belongs here."), sign="check")


def _numbers(shift: Shift, lately: Lately, since: datetime) -> Component:
    by_severity = ", ".join(f"{text(SEVERITY_NAMES[s])} {shift.count(s)}" for s in SEVERITIES if shift.count(s))
    came = lately.counted(len(shift.came), since)
    answered = sum(alert["acknowledged_at"] is not None for alert in shift.came)
    people = sorted({alert["acknowledged_by"] for alert in shift.came if alert["acknowledged_by"]})
    rows = [
        (text("Alerts"), came + (f" ({by_severity})" if by_severity else "")),
        (text("Acknowledged"), text("{n} of {all}", n=answered, all=len(shift.came))),
        (text("Median time to answer"), duration(median(shift.answers)) if shift.answers else NOTHING),
        (text("Still open"), lately.counted_open(len(shift.open))),
        (text("Shelved"), number(sum(a["state"] == "shelved" for a in shift.open), 0)),
        (text("Answered by"), ", ".join(people) or NOTHING),
    ]
    parts: list[Component] = []
    for words, value in rows:
        parts += [html.Dt(words), html.Dd(value)]
    return html.Dl(parts, className="facts-list")


def _table(alerts: Sequence[Alert], key: str) -> Component:
    rows = [
        html.Tr(
            [
                html.Td(instant(alert["raised_at"])),
                html.Td(severity_chip(alert["severity"])),
                html.Td(alert_words(alert)),
                html.Td(text(STATE_NAMES.get(alert["state"], alert["state"]))),
                html.Td(instant(alert["acknowledged_at"])),
                html.Td(alert["acknowledged_by"] or NOTHING),
                right_cell(number(alert["alert_id"], 0)),
            ]
        )
        for alert in alerts
    ]
    headings = [
        (text("Raised"), False),
        (text("Severity"), False),
        (text("Alert"), False),
        (text("State"), False),
        (text("Acknowledged"), False),
        (text("By"), False),
        (text("Number"), True),
    ]
    made = table(headings, rows, caption=text("Alerts with their answers"))
    return html.Div(made, className="scroll", **{"data-table": key})
