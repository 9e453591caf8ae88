"""Alerts as a list: severity by shape, words first, facts second, one button to acknowledge."""

from collections.abc import Mapping, Sequence

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.icons import severity_shape
from dashboard.components.marks import SEVERITIES, SEVERITY_NAMES, STATE_NAMES, age, unanswered
from dashboard.components.parts import href, state
from dashboard.shapes import Alert
from dashboard.texts import domain_name, sentence, text
from dashboard.units import digits_for, number, unit_label


def urgency(alert: Alert) -> tuple[bool, int]:
    """Return the sort key that puts what waits for an answer first, then the worst; newest first among equals."""
    return not unanswered(alert), SEVERITIES.index(alert["severity"])


def sorted_by_urgency(alerts: Sequence[Alert]) -> list[Alert]:
    """Return alerts as an operator works them off."""
    return sorted(sorted(alerts, key=lambda alert: alert["raised_at"], reverse=True), key=urgency)


def alert_words(alert: Alert) -> str:
    """Return what an alert says in the reader's language; English where the rule has no words in it."""
    given = alert["parameters"]
    value, unit = given.get("value"), str(given.get("unit") or "")
    spoken = {key: "–" if word is None else str(word) for key, word in given.items()}
    spoken |= {"unit": unit_label(unit)}
    if isinstance(value, int | float):
        spoken["value"] = number(value, digits_for(unit))
    return sentence(alert["message"], spoken, alert["text"]) or alert["rule_id"]


def acknowledge_button(alert: Alert, *, primary: bool = False) -> Component:
    """Return the button that acknowledges; the browser adds who is on shift."""
    return html.Button(
        text("Acknowledge"),
        className="button primary" if primary else "button",
        **{
            "data-acknowledge": str(alert["alert_id"]),
            "aria-label": text("Acknowledge: {what}", what=alert_words(alert)),
        },
    )


def alert_item(alert: Alert, *, target: str, selected: bool = False) -> Component:
    """Return one line of the list. `target` is where its words lead."""
    waits = unanswered(alert)
    facts: list[Component | str] = [
        html.Span(text(SEVERITY_NAMES[alert["severity"]])),
        age(alert["raised_at"]),
    ]
    if alert["device_name"] or alert["device_id"]:
        facts.append(html.Span(alert["device_name"] or alert["device_id"]))
    if alert["domain"]:
        facts.append(html.Span(domain_name(alert["domain"])))
    if alert["acknowledged_by"] and not waits:
        facts.append(html.Span(text("acknowledged by {who}", who=alert["acknowledged_by"])))
    elif alert["state"] != "unacknowledged":
        facts.append(html.Span(text(STATE_NAMES.get(alert["state"], alert["state"]))))
    return html.Li(
        [
            html.Span(severity_shape(alert["severity"], size=17, active=waits), className="mark"),
            dcc.Link(alert_words(alert), href=target, className="what"),
            html.Div(facts, className="facts where"),
            html.Div([acknowledge_button(alert)] if waits else [], className="actions"),
        ],
        className=f"alert severity-{alert['severity'].lower()}{' unanswered' if waits else ''}",
        **{"data-selected": "true" if selected else "false", "data-alert": str(alert["alert_id"])},
    )


def alert_list(
    alerts: Sequence[Alert],
    *,
    source: str | None,
    selected: int | None = None,
    path: str,
    kept: Mapping[str, str | None] | None = None,
) -> Component:
    """Return open or filtered alerts as a list, or the state in which there are none. `kept` are filters to keep."""
    if not alerts:
        return state(text("Nothing needs attention"), text("New alerts appear here by themselves."), sign="check")
    return html.Ul(
        [
            alert_item(
                alert,
                target=href(path, source=source, **(kept or {}), alert=alert["alert_id"]),
                selected=alert["alert_id"] == selected,
            )
            for alert in sorted_by_urgency(alerts)
        ],
        className="alerts",
    )
