"""The alert list with its filters, and beside it why one fired, what to do, and who did what."""

import asyncio

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.alert_shapes import Alert
from dashboard.components.alert_load import action_bar, alert_load
from dashboard.components.alerts import NOTHING_OPEN, QUIET, alert_list
from dashboard.components.icons import icon
from dashboard.components.marks import (
    SEVERITIES,
    SEVERITY_NAMES,
    UNANSWERED,
    replay_chip,
)
from dashboard.components.parts import choices, href, page_head, panel
from dashboard.pages.alert_panel import panel_body
from dashboard.pages.view import View
from dashboard.query import wall_clock
from dashboard.texts import DOMAIN_NAMES, domain_name, mark, text
from dashboard.units import parse_time
from dashboard.urgent import known_since, most_urgent

SHOWN = {
    "open": mark("Open"),
    "waiting": mark("Waiting for answer"),
    "quiet": mark("Kept quiet"),
    "closed": mark("Closed"),
    "all": mark("All"),
}
NONE = {
    "waiting": (mark("No alert waits for an answer"), mark("New alerts appear here by themselves.")),
    "quiet": (mark("Nothing is kept quiet"), mark("Alerts that are shelved or out of service appear here.")),
    "closed": (mark("No alert is closed yet"), mark("Alerts appear here once they are over.")),
    "all": (mark("No alert yet"), mark("New alerts appear here by themselves.")),
}
MOST = 300
BUDGET_MOST = 400  # alerts of the last day that are counted: beyond what is manageable it is a flood anyway


async def _filtered(view: View) -> tuple[list[Alert], bool]:
    """Return the alerts that the address asks for, and whether there are more than these."""
    query = view.query
    shown = query.get("show") if query.get("show") in SHOWN else "open"
    domain = query.get("domain") if query.get("domain") in DOMAIN_NAMES else None
    severity = query.get("severity") if query.get("severity") in SEVERITIES else None
    asked = {"domain": domain, "severity": severity, "source_id": view.source_id}
    found: list[Alert] = []
    more = False
    if shown != "closed":
        states = {"waiting": UNANSWERED, "quiet": QUIET}.get(shown or "open", frozenset())
        found, more = await most_urgent(view.api, MOST, states=states, **asked)
    if shown not in ("closed", "all"):
        return found, more
    closed = await view.api.alerts(open=False, most=MOST - len(found) + 1, **asked)
    return [*found, *closed][:MOST], more or len(found) + len(closed) > MOST


async def _load(view: View) -> Component:
    """Return how many alerts came lately, against what one operator can work off."""
    recent = await view.api.alerts(most=BUDGET_MOST, source_id=view.source_id)
    at = [parse_time(alert["recorded_at"]) for alert in recent if not alert["silent"]]
    since = known_since(recent, BUDGET_MOST)
    return alert_load([each for each in at if each is not None], wall_clock(), known_since=since)


async def list_body(view: View) -> Component:
    """Return the list as the address filters it."""
    (alerts, more), incidents, load = await asyncio.gather(_filtered(view), view.api.incidents(), _load(view))
    listed = alert_list(
        alerts,
        source=view.source,
        selected=view.query.number("alert"),
        path="/alerts",
        kept=_filters(view),
        incidents=incidents,
        selectable=True,
        none=NONE.get(view.query.get("show") or "open", NOTHING_OPEN),
    )
    note = text("Only {n} alerts are shown, and there are more: choose a severity or a domain.", n=len(alerts))
    return html.Div([load, *([html.P(note, className="soft list-note")] if more else []), listed])


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
            page_head(text("Alerts"), text("Most urgent first"), [*chips, _report_link(view)]),
            html.Div(_filter_bar(view), className="filters", role="search", **{"aria-label": text("Filters")}),
            html.Div(
                [
                    html.Div(
                        [
                            action_bar(),
                            panel(text("List"), body, flush=True, body_id="alert-list", scroll="calc(100vh - 290px)"),
                        ],
                        className="stack",
                    ),
                    panel(text("Why, and what to do"), chosen, body_id="alert-panel"),
                ],
                className=f"grid wide-right alert-console{' has-selection' if view.query.get('alert') else ''}",
            ),
        ],
        style={"display": "contents"},
    )


def _report_link(view: View) -> Component:
    return dcc.Link(
        [icon("report", size=15), text("Shift report")], href=href("/report", source=view.source), className="button"
    )
