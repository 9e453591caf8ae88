"""The frame around every page: header, navigation, live state, and the places that the scripts write to."""

import json

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.icons import icon
from dashboard.texts import text
from dashboard.theme import THEME

# path, icon, words; None starts a group with a heading
NAVIGATION: tuple[tuple[str, str, str] | tuple[None, None, str], ...] = (
    ("/", "overview", "Overview"),
    ("/alerts", "alerts", "Alerts"),
    (None, None, "Domains"),
    ("/traffic", "traffic", "Traffic"),
    ("/waste", "waste", "Waste"),
    ("/air", "air", "Air"),
    (None, None, "System"),
    ("/devices", "devices", "Devices"),
    ("/account", "account", "Data account"),
    ("/status", "status", "Status"),
)


def browser_words() -> dict[str, str]:
    """Return the few sentences that the browser makes, in the reader's language."""
    return {
        "ageSeconds": text("{n} s ago"),
        "ageMinutes": text("{n} min ago"),
        "ageHours": text("{n} h ago"),
        "ageDays": text("{n} days ago"),
        "never": text("never"),
        "live": text("Live"),
        "reconnecting": text("Reconnecting"),
        "reconnectingAt": text("Reconnecting, data as of {at}"),
        "offline": text("Offline"),
        "offlineAt": text("Offline, data as of {at}"),
        "CRITICAL": text("critical alert"),
        "HIGH": text("high alert"),
        "MEDIUM": text("medium alert"),
        "LOW": text("low alert"),
        "fresh": text("fresh"),
        "stale": text("stale"),
        "silent": text("silent"),
    }


def index_page(*, language: str) -> str:
    """Return the HTML document that Dash fills in."""
    words = json.dumps(browser_words(), ensure_ascii=False).replace("<", "\\u003c")
    # A theme chosen before is set before anything is painted.
    theme = (
        "var s=localStorage.getItem('mantine-color-scheme-value')||'auto';"
        "document.documentElement.setAttribute('data-mantine-color-scheme',"
        "s==='dark'||s==='light'?s:matchMedia('(prefers-color-scheme: dark)').matches?'dark':'light')"
    )
    # The icon is drawn here: a browser that finds none asks for /favicon.ico.
    sign = (
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E"
        "%3Crect width='24' height='24' rx='5' fill='%230b6477'/%3E"
        "%3Cpath d='M4 13h4l2 5l4-12l2 7h4' fill='none' stroke='white' stroke-width='2'/%3E%3C/svg%3E"
    )
    return f"""<!DOCTYPE html>
<html lang="{language}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>{{%title%}}</title>
    <link rel="icon" href="{sign}">
    <script>{theme}</script>
    {{%css%}}
  </head>
  <body>
    {{%app_entry%}}
    <script type="application/json" id="words">{words}</script>
    <footer>{{%config%}}{{%scripts%}}{{%renderer%}}</footer>
  </body>
</html>"""


def _brand() -> Component:
    return dcc.Link([icon("status", size=22), html.Span("Citywatch")], href="/", className="brand", title="Citywatch")


def _operator() -> Component:
    return html.Div(
        [
            html.Label(text("On shift"), htmlFor="operator"),
            dmc.TextInput(
                id="operator",
                placeholder=text("Your name"),
                persistence=True,
                persistence_type="local",
                size="sm",
                debounce=300,
            ),
        ],
        className="operator",
        title=text("Your name goes into the journal of what you acknowledge"),
    )


def _header(demo: bool) -> Component:
    parts: list[Component] = [
        html.Button(
            icon("menu"), id="menu", className="icon-button only-small", **{"aria-label": text("Show navigation")}
        ),
        _brand(),
    ]
    if demo:
        parts.append(
            html.Div(
                [icon("error", size=14), text("Demo mode"), html.Span(text("open to everyone on this machine"))],
                className="demo",
                title=text("Demo mode: open to everyone on this machine; names are not verified"),
            )
        )
    parts += [
        html.Div(className="header-space"),
        html.Div(text("Connecting"), id="connection", className="connection", role="status", **{"data-state": "new"}),
        html.Div(id="source-chooser", className="source-chooser"),
        _operator(),
        dmc.ColorSchemeToggle(
            id="theme",
            lightIcon=icon("sun"),
            darkIcon=icon("moon"),
            variant="default",
            size="32px",
            **{"aria-label": text("Light or dark")},
        ),
    ]
    return html.Div(parts, className="header")


def _navigation() -> Component:
    groups: list[Component] = []
    links: list[Component] = []
    for path, sign, words in NAVIGATION:
        if path is None or sign is None:
            groups += [html.Ul(links), html.Div(text(words), className="group")]
            links = []
            continue
        count = [html.Span(id="open-alerts", className="count")] if path == "/alerts" else []
        # The scripts mark the current link and keep the chosen source in it; `data-path` tells them which it is.
        link = dcc.Link([icon(sign), text(words), *count], href=path, id={"type": "nav", "path": path})
        links.append(html.Li(link))
    groups.append(html.Ul(links))
    return html.Nav([*groups], className="navigation", **{"aria-label": text("Main")})


def _operator_modal() -> Component:
    return dmc.Modal(
        [
            html.P(text("Acknowledging is journalled with a name. Enter yours to start the shift.")),
            dmc.TextInput(id="operator-answer", label=text("Your name"), **{"data-autofocus": True}),
            html.Button(text("Start shift and acknowledge"), id="operator-start", className="button primary"),
        ],
        id="operator-modal",
        title=text("Who is on shift?"),
        centered=True,
        closeButtonProps={"aria-label": text("Close")},
    )


def shell(*, demo: bool) -> Component:
    """Return the whole document body; the router fills `page`."""
    frame = dmc.AppShell(
        [
            dmc.AppShellHeader(_header(demo)),
            dmc.AppShellNavbar(_navigation()),
            dmc.AppShellMain(html.Div(id="page")),
        ],
        id="frame",
        header={"height": 56},
        navbar={"width": 204, "breakpoint": "sm", "collapsed": {"mobile": True}},
        padding=0,
    )
    return dmc.MantineProvider(
        [
            html.A(text("Skip to content"), href="#page", className="skip"),
            dcc.Location(id="url", refresh="callback-nav"),
            dcc.Store(id="alerts-changed"),
            dcc.Store(id="refresh"),
            dcc.Store(id="acknowledge-request"),
            dcc.Store(id="acknowledge-result"),
            dcc.Store(id="address"),
            dcc.Store(id="map-selected"),
            frame,
            _operator_modal(),
            html.Div(id="toast", className="toast", role="status"),
            html.Div(id="announce", className="unseen", role="status"),
            html.Div(id="announce-urgent", className="unseen", role="alert"),
        ],
        theme=THEME,
        defaultColorScheme="auto",
    )
