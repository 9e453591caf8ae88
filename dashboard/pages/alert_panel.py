"""Beside the alert list: why one fired, what to do about it, the readings around the moment, and who did what."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.alert_shapes import AlertDetail, AlertEvent
from dashboard.components.alerts import acknowledge_button, alert_words
from dashboard.components.charts import Curve, chart, curve_figure
from dashboard.components.marks import (
    QUALITY_NAMES,
    STATE_NAMES,
    age,
    instant,
    severity_chip,
    unanswered,
)
from dashboard.components.parts import href, right_cell, state, table
from dashboard.components.work import work_notes
from dashboard.limits import RuleLimit, rule_limits
from dashboard.pages.view import View
from dashboard.rule_words import condition_words
from dashboard.shapes import JsonObject
from dashboard.texts import mark, property_name, text
from dashboard.units import duration, number, parse_time, plain_units, quantity

EVENT_NAMES = {
    "raised": mark("Raised"),
    "cleared": mark("Returned to normal"),
    "acknowledged": mark("Acknowledged"),
    "commented": mark("Comment"),
    "shelved": mark("Shelved"),
    "unshelved": mark("Unshelved"),
    "assigned": mark("Assigned"),
    "reset": mark("Reset"),
    "retracted": mark("Retracted"),
    "suppressed": mark("Suppressed"),
    "unsuppressed": mark("No longer suppressed"),
    "escalated": mark("Escalated"),
}
SAMPLES_SHOWN = 12
# What the engine keeps for itself beside the samples; the journal and the rule say the same in words.
INNER = frozenset({"track", "samples", "subject", "raised_at"})
# How much is drawn before and after the moment an alert was raised.
BEFORE, AFTER = timedelta(hours=3), timedelta(hours=1)


async def panel_body(view: View) -> list[Component]:
    """Return everything about the alert that is selected in the address."""
    alert_id = view.query.number("alert")
    if alert_id is None:
        return [
            state(
                text("No alert selected"),
                text("Choose one from the list to see why it fired, what to do about it, and its journal."),
                sign="alerts",
            )
        ]
    alert, rules, orders = await asyncio.gather(view.api.alert(alert_id), view.api.rules(), view.api.work_orders())
    # What stands beside the limit in the rule file, unless the version that fired says it itself.
    definition: JsonObject = next((r["definition"] for r in rules if r["rule_id"] == alert["rule_id"]), {})
    alert["rule"] = {**definition.get("rationale", {}), **alert["rule"]}
    return [
        _headline(alert, view),
        _action(alert),
        *work_notes([order for order in orders if order["alert_id"] == alert_id]),
        *await _chart(alert, view, rule_limits(rules)),
        *_reason(alert),
        html.H3(text("Journal")),
        html.Ol([_event(event) for event in alert["events"]], className="journal"),
    ]


def _headline(alert: AlertDetail, view: View) -> Component:
    facts: list[Component | str] = [
        severity_chip(alert["severity"]),
        html.Span(text(STATE_NAMES.get(alert["state"], alert["state"])), className="chip"),
        html.Span([text("raised"), " ", age(alert["raised_at"])]),
    ]
    if alert["device_id"]:
        facts.append(
            html.A(
                alert["device_name"] or alert["device_id"],
                href=href(f"/devices/{alert['device_id']}", source=view.source),
            )
        )
    if alert["acknowledged_by"]:
        facts.append(html.Span(text("acknowledged by {who}", who=alert["acknowledged_by"])))
    actions = [acknowledge_button(alert, primary=True)] if unanswered(alert) else []
    return html.Div(
        [
            html.Div([html.H3(alert_words(alert), className="headline"), *actions], className="split"),
            html.Div(facts, className="facts"),
        ],
        className="alert-head",
    )


def _action(alert: AlertDetail) -> Component:
    rule = alert["rule"]
    entries = [
        (text("Do"), rule.get("operator_action")),
        (text("Within"), duration(rule["time_to_respond"]) if rule.get("time_to_respond") else None),
        (text("Cause"), rule.get("cause")),
        (text("If nothing is done"), rule.get("consequence")),
        (text("Owner"), rule.get("owner")),
    ]
    rows: list[Component] = []
    for words, value in entries:
        if value:
            rows += [html.Dt(words), html.Dd(_rule_words(value))]
    if not rows:
        return html.P(text("The rule gives no recommended action."), className="soft")
    return html.Dl(rows, className="facts-list action")


def _rule_words(value: Any) -> list[Component | str] | str:
    """Return what a rule's author wrote, in the reader's language where it is translated."""
    return plain_units(text(" ".join(value.split()))) if isinstance(value, str) else _words(value)


def _reason(alert: AlertDetail) -> list[Component]:
    """Return the rule and what its verdict was made from: the readings, and how long they had to hold."""
    inputs, rule = alert["inputs"], alert["rule"]
    named = text(
        "{title} ({rule}, version {version})",
        title=text(rule.get("title", alert["rule_id"])),
        rule=alert["rule_id"],
        version=alert["rule_version"],
    )
    link = dcc.Link(named, href=href(f"/rules/{alert['rule_id']}"))
    rows: list[Component] = [html.Dt(text("Rule")), html.Dd(link)]
    if alert["parameters"].get("limit") is not None:
        rows += [html.Dt(text("Fires at")), html.Dd(condition_words(str(alert["parameters"]["limit"]), alert["units"]))]
    for key, words in (("on_delay_seconds", text("Once it has held for")), ("off_delay_seconds", text("Clears after"))):
        if inputs.get(key):
            rows += [html.Dt(words), html.Dd(duration(inputs[key]))]
    # Whatever else a rule of another kind keeps beside its samples.
    for name, value in inputs.items():
        if name not in INNER and name != "unit" and not name.endswith("_seconds") and value not in (None, "", [], {}):
            measured = name in ("value", "limit") and isinstance(value, int | float)
            shown = quantity(value, str(inputs.get("unit", ""))) if measured else _words(value)
            rows += [html.Dt(text(name.replace("_", " ").capitalize())), html.Dd(shown)]
    parts: list[Component] = [html.H3(text("What the verdict was made from")), html.Dl(rows, className="facts-list")]
    if samples := sample_rows(inputs):
        headings = [(text("Time"), False), (text("Property"), False), (text("Value"), True), (text("Quality"), False)]
        parts.append(
            html.Div(table(headings, samples, caption=text("Readings behind the verdict")), className="scroll")
        )
    return parts


def sample_rows(inputs: JsonObject) -> list[Component]:
    """Return the readings that a verdict was made from as rows, newest first, at most the last ones."""
    rows: list[Component] = []
    for sample in reversed(inputs.get("samples") or []):
        at, values = sample
        for name, (result, quality) in values.items():
            words = QUALITY_NAMES.get(quality)
            rows.append(
                html.Tr(
                    [
                        html.Td(instant(at)),
                        html.Td(property_name(name)),
                        right_cell(number(result, 1)),
                        html.Td(text(words) if words else text("good")),
                    ]
                )
            )
    return rows[:SAMPLES_SHOWN]


def _words(value: Any) -> list[Component | str] | str:
    """Return a JSON value as a person reads it."""
    match value:
        case None:
            return "–"
        case bool():
            return text("yes") if value else text("no")
        case int() | float():
            return number(value, 0 if float(value).is_integer() else 2)
        case str():
            return [instant(value)] if _is_instant(value) else value
        case list():
            return ", ".join(str(item) for item in value)
        case dict():
            return ", ".join(f"{key.replace('_', ' ')}: {item}" for key, item in value.items())
    return str(value)


def _is_instant(value: str) -> bool:
    if len(value) < 19 or value[4:5] != "-" or value[10:11] not in "T ":
        return False
    try:
        return parse_time(value) is not None
    except ValueError:
        return False


def _event(event: AlertEvent) -> Component:
    change = ""
    if event["from_state"] != event["to_state"]:
        change = text(STATE_NAMES.get(event["to_state"], event["to_state"]))
    parts: list[Component] = [
        html.Div(
            [html.Strong(text(EVENT_NAMES.get(event["kind"], event["kind"].capitalize()))), f" {change}".rstrip()],
        ),
        html.Div([instant(event["at"]), " · ", html.Span(event["actor"], className="actor")], className="soft"),
    ]
    if event["comment"]:
        parts.append(html.Div(event["comment"]))
    return html.Li(parts)


def _limit(alert: AlertDetail, limits: Sequence[RuleLimit]) -> float | None:
    """Return the limit that fired: as the alert says it, else as its rule does."""
    for place in (alert["parameters"], alert["inputs"]):
        limit = place.get("limit")
        if isinstance(limit, int | float):
            return float(limit)
    return next((each.limit for each in limits if each.rule_id == alert["rule_id"]), None)


async def _chart(alert: AlertDetail, view: View, limits: Sequence[RuleLimit]) -> list[Component]:
    """Return the readings around the firing with the limit that was met."""
    raised_at = parse_time(alert["raised_at"])
    stream = alert["datastream_id"]
    if stream is None or raised_at is None:
        return []
    until = min(max(raised_at + AFTER, parse_time(alert["cleared_at"]) or raised_at), raised_at + 6 * AFTER)
    found = await view.api.observations([stream], raised_at - BEFORE, until)
    if not found or not found[0]["points"]:
        return []
    series = found[0]
    limit = _limit(alert, limits)
    name = property_name(series["property"])
    digits = 0 if limit is None or limit.is_integer() else 1
    words = text("limit {limit}", limit=quantity(limit, series["unit"], digits)) if limit is not None else ""
    figure = curve_figure(
        [Curve(series, name)],
        series["unit"],
        view.zone,
        height=220,
        limit=limit,
        limit_words=words,
        # Around a single reading an axis would show milliseconds.
        span=(raised_at - BEFORE, until) if len(series["points"]) == 1 else None,
    )
    _mark_moment(figure, alert, view)
    return [
        html.H3(text("{property} around the firing", property=name)),
        chart(figure, key="alert-chart", label=text("{property} from three hours before the alert", property=name)),
    ]


def _mark_moment(figure: JsonObject, alert: AlertDetail, view: View) -> None:
    """Add a vertical line where the alert was raised."""
    raised_at = parse_time(alert["raised_at"])
    assert raised_at is not None
    at = raised_at.astimezone(view.zone).strftime("%Y-%m-%dT%H:%M:%S")
    line = {"color": "#808080", "width": 1.5, "dash": "dot"}
    layout = figure["layout"]
    layout.setdefault("shapes", []).append(
        {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": at, "x1": at, "line": line}
    )
    layout.setdefault("annotations", []).append(
        {
            "x": at,
            "yref": "paper",
            "y": 0,
            "yanchor": "bottom",
            "xanchor": "left",
            "text": text("raised"),
            "showarrow": False,
        }
    )
