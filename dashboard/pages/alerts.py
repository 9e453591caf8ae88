"""The alert list with its filters, and beside it why one fired, what to do, and who did what."""

import asyncio
from datetime import timedelta
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.components.alerts import acknowledge_button, alert_list, alert_words
from dashboard.components.charts import Curve, chart, curve_figure
from dashboard.components.marks import (
    SEVERITIES,
    SEVERITY_NAMES,
    STATE_NAMES,
    age,
    instant,
    replay_chip,
    severity_chip,
    unanswered,
)
from dashboard.components.parts import choices, href, page_head, panel, state
from dashboard.pages.view import View
from dashboard.shapes import Alert, AlertDetail, AlertEvent, JsonObject
from dashboard.texts import DOMAIN_NAMES, domain_name, mark, property_name, text
from dashboard.units import number, parse_time, quantity

SHOWN = {"open": mark("Open"), "waiting": mark("Waiting for answer"), "closed": mark("Closed"), "all": mark("All")}
EVENT_NAMES = {
    "raised": mark("Raised"),
    "cleared": mark("Returned to normal"),
    "acknowledged": mark("Acknowledged"),
    "commented": mark("Comment"),
    "shelved": mark("Shelved"),
    "unshelved": mark("Unshelved"),
}
MOST = 300
# How much is drawn before and after the moment an alert was raised.
BEFORE, AFTER = timedelta(hours=3), timedelta(hours=1)


async def _filtered(view: View) -> list[Alert]:
    query = view.query
    shown = query.get("show") if query.get("show") in SHOWN else "open"
    domain = query.get("domain") if query.get("domain") in DOMAIN_NAMES else None
    severity = query.get("severity") if query.get("severity") in SEVERITIES else None
    wanted: dict[str, bool | None] = {"open": True, "waiting": True, "closed": False, "all": None}
    devices, alerts = await asyncio.gather(
        view.api.devices(source_id=view.source_id, latest=False),
        view.api.alerts(open=wanted[shown or "open"], domain=domain, severity=severity, most=MOST),
    )
    known = {device["device_id"] for device in devices}
    here = [a for a in alerts if a["device_id"] in known or (a["device_id"] is None and view.clock.live)]
    return [alert for alert in here if unanswered(alert)] if shown == "waiting" else here


async def list_body(view: View) -> Component:
    """Return the list as the address filters it; the overview shows the same list, open ones only."""
    if view.path == "/":
        alerts = await view.open_alerts(await view.api.devices(source_id=view.source_id, latest=False))
    else:
        alerts = await _filtered(view)
    return alert_list(
        alerts,
        source=view.source,
        selected=view.query.number("alert"),
        path="/alerts",
        kept={} if view.path == "/" else _filters(view),
    )


def _filters(view: View) -> dict[str, str | None]:
    return {name: view.query.get(name) for name in ("show", "domain", "severity")}


def _filter_bar(view: View) -> list[Component]:
    now = _filters(view)

    def link(**change: str | None) -> str:
        return href("/alerts", source=view.source, **{**now, **change})

    shown = now["show"] or "open"
    states = [
        (text(words), link(show=None if name == "open" else name), name == shown) for name, words in SHOWN.items()
    ]
    severities = [(text("Any severity"), link(severity=None), now["severity"] is None)] + [
        (text(SEVERITY_NAMES[name]), link(severity=name), name == now["severity"]) for name in SEVERITIES
    ]
    domains = [(text("All domains"), link(domain=None), now["domain"] is None)] + [
        (domain_name(name), link(domain=name), name == now["domain"]) for name in ("traffic", "waste", "air")
    ]
    return [
        choices(text("State"), states),
        choices(text("Severity"), severities),
        choices(text("Domain"), domains),
    ]


async def page(view: View) -> Component:
    """Return the alert console."""
    body, chosen = await asyncio.gather(list_body(view), panel_body(view))
    chips = [] if view.clock.live else [replay_chip(view.clock.source)]
    return html.Div(
        [
            page_head(text("Alerts"), text("Most urgent first"), chips),
            html.Div(_filter_bar(view), className="filters", role="search", **{"aria-label": text("Filters")}),
            html.Div(
                [
                    panel(text("List"), body, flush=True, body_id="alert-list", scroll="calc(100vh - 240px)"),
                    panel(text("Why, and what to do"), chosen, body_id="alert-panel"),
                ],
                className=f"grid wide-right alert-console{' has-selection' if view.query.get('alert') else ''}",
            ),
        ],
        style={"display": "contents"},
    )


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
    alert, rules = await asyncio.gather(view.api.alert(alert_id), view.api.rules())
    # What stands beside the limit in the rule file, unless the version that fired says it itself.
    definition: JsonObject = next((r["definition"] for r in rules if r["rule_id"] == alert["rule_id"]), {})
    alert["rule"] = {**definition.get("rationale", {}), **alert["rule"]}
    return [
        _headline(alert, view),
        _action(alert),
        *await _chart(alert, view),
        _reason(alert),
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
        (text("Within"), rule.get("time_to_respond")),
        (text("Cause"), rule.get("cause")),
        (text("If nothing is done"), rule.get("consequence")),
        (text("Owner"), rule.get("owner")),
    ]
    rows: list[Component] = []
    for words, value in entries:
        if value:
            rows += [html.Dt(words), html.Dd(_words(value))]
    if not rows:
        return html.P(text("The rule gives no recommended action."), className="soft")
    return html.Dl(rows, className="facts-list action")


def _reason(alert: AlertDetail) -> Component:
    """Return the rule and the inputs that its verdict was made from."""
    title = alert["rule"].get("title", alert["rule_id"])
    rows: list[Component] = [
        html.Dt(text("Rule")),
        html.Dd(
            text(
                "{title} ({rule}, version {version})", title=title, rule=alert["rule_id"], version=alert["rule_version"]
            )
        ),
    ]
    for name, value in alert["inputs"].items():
        rows += [html.Dt(name.replace("_", " ").capitalize()), html.Dd(_words(value))]
    return html.Details(
        [html.Summary(text("Inputs of the verdict")), html.Dl(rows, className="facts-list")], className="why", open=True
    )


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


def _limit(alert: AlertDetail) -> float | None:
    """Return the limit that fired, where the alert says one."""
    for place in (alert["parameters"], alert["inputs"]):
        limit = place.get("limit")
        if isinstance(limit, int | float):
            return float(limit)
    return None


async def _chart(alert: AlertDetail, view: View) -> list[Component]:
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
    limit = _limit(alert)
    name = property_name(series["property"])
    digits = 0 if limit is None or limit.is_integer() else 1
    words = text("limit {limit}", limit=quantity(limit, series["unit"], digits)) if limit is not None else ""
    figure = curve_figure([Curve(series, name)], series["unit"], view.zone, height=220, limit=limit, limit_words=words)
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
