"""Alerts as a list: severity by shape, words first, facts second, one button to acknowledge."""

from collections.abc import Mapping, Sequence

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.alert_shapes import Alert, Incident
from dashboard.components.icons import severity_shape
from dashboard.components.marks import SEVERITIES, SEVERITY_NAMES, STATE_NAMES, age, instant, unanswered
from dashboard.components.parts import href, state
from dashboard.dates import localised
from dashboard.texts import domain_name, mark, plural, sentence, text
from dashboard.units import digits_for, number, unit_label

# States in which nobody is expected to answer for now.
QUIET = frozenset({"shelved", "suppressed", "out_of_service"})

NOTHING_OPEN = (mark("Nothing needs attention"), mark("New alerts appear here by themselves."))


def urgency(alert: Alert) -> tuple[bool, bool, int]:
    """Return the sort key: what is kept quiet last, what waits for an answer first, then the worst."""
    return alert["state"] in QUIET, not unanswered(alert), SEVERITIES.index(alert["severity"])


def sorted_by_urgency(alerts: Sequence[Alert]) -> list[Alert]:
    """Return alerts as an operator works them off: newest first among equals."""
    return sorted(sorted(alerts, key=lambda alert: alert["raised_at"], reverse=True), key=urgency)


def alert_words(alert: Alert) -> str:
    """Return what an alert says in the reader's language; English where the rule has no words in it."""
    given = alert["parameters"]
    value, unit = given.get("value"), str(given.get("unit") or "")
    spoken = {key: "–" if word is None else str(word) for key, word in given.items()}
    spoken |= {"unit": unit_label(unit)}
    if isinstance(value, int | float):
        spoken["value"] = number(value, digits_for(unit))
    return localised(sentence(alert["message"], spoken, alert["text"])) or alert["rule_id"]


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


def alert_item(alert: Alert, *, target: str, selected: bool = False, selectable: bool = False) -> Component:
    """Return one line of the list. `target` is where its words lead."""
    waits = unanswered(alert)
    facts: list[Component | str] = [
        html.Span(text(SEVERITY_NAMES[alert["severity"]])),
        html.Span(text(alert["rule_title"])),
        age(alert["raised_at"]),
    ]
    if alert["device_name"] or alert["device_id"]:
        facts.append(html.Span(alert["device_name"] or alert["device_id"]))
    if alert["domain"]:
        facts.append(html.Span(domain_name(alert["domain"])))
    if alert["acknowledged_by"] and not waits:
        facts.append(html.Span(text("acknowledged by {who}", who=alert["acknowledged_by"])))
    elif alert["state"] == "shelved" and alert["shelved_until"]:
        facts.append(html.Span([text("shelved until"), " ", instant(alert["shelved_until"], seconds=False)]))
    elif alert["state"] != "unacknowledged":
        facts.append(html.Span(text(STATE_NAMES.get(alert["state"], alert["state"]))))
    if alert["assigned_to"]:
        facts.append(html.Span(text("with {who}", who=alert["assigned_to"])))
    shape = severity_shape(alert["severity"], size=17, active=waits)
    words = alert_words(alert)
    marking = (
        html.Button(
            shape,
            className="mark",
            role="checkbox",
            **{"data-select": str(alert["alert_id"]), "aria-checked": "false"},
            **{"aria-label": text("Select: {what}", what=words)},
        )
        if selectable
        else html.Span(shape, className="mark")
    )
    return html.Li(
        [
            marking,
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
    incidents: Sequence[Incident] = (),
    selectable: bool = False,
    none: tuple[str, str] = NOTHING_OPEN,
) -> Component:
    """Return open or filtered alerts as a list, or what `none` says where there are none. `kept` are filters to keep.

    Alerts of one incident stand together where its most urgent one stands.
    """
    if not alerts:
        return state(text(none[0]), text(none[1]), sign="check")

    def item(alert: Alert) -> Component:
        return alert_item(
            alert,
            target=href(path, source=source, **(kept or {}), alert=alert["alert_id"]),
            selected=alert["alert_id"] == selected,
            selectable=selectable,
        )

    rows: list[Component] = []
    for incident, members in grouped(sorted_by_urgency(alerts), incidents):
        if incident is None:
            rows += [item(alert) for alert in members]
        else:
            rows.append(_incident(incident, [item(alert) for alert in members]))
    return html.Ul(rows, className="alerts")


def open_list(alerts: Sequence[Alert], *, source: str | None, more: bool) -> Component:
    """Return open alerts as a list that leads to the console, and says where there are `more` than these."""
    listed = alert_list(alerts, source=source, path="/alerts")
    if not more:
        return listed
    return html.Div(
        [html.P(text("The {n} most urgent; there are more.", n=len(alerts)), className="soft list-note"), listed]
    )


def grouped(alerts: Sequence[Alert], incidents: Sequence[Incident]) -> list[tuple[Incident | None, list[Alert]]]:
    """Return alerts with the incident that two or more of them belong to, in the order of each group's first."""
    of_alert = {alert_id: incident for incident in incidents for alert_id in incident["alert_ids"]}
    shown = [of_alert[a["alert_id"]]["incident_id"] for a in alerts if a["alert_id"] in of_alert]
    groups: dict[tuple[str, int], tuple[Incident | None, list[Alert]]] = {}
    for alert in alerts:
        incident = of_alert.get(alert["alert_id"])
        # One alert alone in view is shown as itself.
        if incident is not None and shown.count(incident["incident_id"]) > 1:
            groups.setdefault(("incident", incident["incident_id"]), (incident, []))[1].append(alert)
        else:
            groups[("alert", alert["alert_id"])] = (None, [alert])
    return list(groups.values())


def _incident(incident: Incident, items: list[Component]) -> Component:
    head = html.Div(
        [
            severity_shape(incident["severity"], size=14),
            html.Strong(incident["title"]),
            html.Span(plural("{n} alert, one cause", "{n} alerts, one cause", len(items)), className="soft"),
            age(incident["began_at"]),
        ],
        className=f"incident-head severity-{incident['severity'].lower()}",
    )
    return html.Li(
        [head, html.Ul(items, className="alerts", **{"aria-label": incident["title"]})], className="incident"
    )
