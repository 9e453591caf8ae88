"""The frame around every page: header, navigation, live state, and the places that the scripts write to."""

import json
from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.dialogs import dialogs
from dashboard.components.icons import icon
from dashboard.components.marks import QUALITY_NAMES
from dashboard.flat import flatten
from dashboard.reader import administers, signed_in
from dashboard.texts import ENGLISH, html_language, language, languages, mark, separators, text
from dashboard.theme import THEME

# path, icon, words; None starts a group with a heading
NAVIGATION: tuple[tuple[str, str, str] | tuple[None, None, str], ...] = (
    ("/", "overview", mark("Overview")),
    ("/alerts", "alerts", mark("Alerts")),
    ("/map", "map", mark("Map")),
    ("/trends", "trends", mark("Trends")),
    ("/districts", "district", mark("Districts")),
    (None, None, mark("Domains")),
    ("/traffic", "traffic", mark("Traffic")),
    ("/waste", "waste", mark("Waste")),
    ("/air", "air", mark("Air")),
    (None, None, mark("Shift")),
    ("/work", "work", mark("Work orders")),
    ("/report", "report", mark("Shift report")),
    ("/wall", "wall", mark("Wall")),
    (None, None, mark("System")),
    ("/rules", "rules", mark("Rules")),
    ("/calculations", "sum", mark("Formulas")),
    ("/devices", "devices", mark("Devices")),
    ("/account", "account", mark("Data account")),
    ("/status", "status", mark("Status")),
    ("/simulator", "replay", mark("Simulator")),
    ("/people", "person", mark("Accounts")),
)
DEMO_ONLY = frozenset({"/simulator"})
ADMINISTRATORS_ONLY = frozenset({"/people"})


def browser_words() -> dict[str, str]:
    """Return the few sentences that the browser makes, in the reader's language."""
    group, decimal = separators(language.get())
    return {
        "group": group,
        "decimal": decimal,
        # Day before month where the language itself leaves it open.
        "locale": "en-GB" if language.get() == ENGLISH else html_language(language.get()),
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
        **{f"quality{flag}": text(words) for flag, words in QUALITY_NAMES.items()},
        "selected": text("{n} selected"),
        "noneSelected": text("Select an alert first"),
        "undo": text("Undo"),
        "undone": text("Undone"),
        "acknowledging": text("Acknowledging {n}"),
        "time": text("Time"),
        "series": text("Series"),
        "value": text("Value"),
        "now": text("Now"),
        "play": text("Play"),
        "pause": text("Pause"),
        "cluster": text("{n} devices here, worst: {state}"),
        "clusterOfMany": text("{n} devices here: {alerting} with alerts, {late} stale or silent"),
    }


# A theme that the address or an earlier choice names is set before anything is painted. `wall` is the dark theme,
# larger and without the frame; it lasts as long as the address says so.
THEME_FIRST = (
    "var q=new URLSearchParams(location.search).get('theme'),k='mantine-color-scheme-value',r=document.documentElement;"
    "if(q==='light'||q==='dark')localStorage.setItem(k,q);"
    "if(q==='wall')r.setAttribute('data-look','wall');"
    "var s=q==='wall'?'dark':localStorage.getItem(k)||'auto';"
    "r.setAttribute('data-mantine-color-scheme',"
    "s==='dark'||s==='light'?s:matchMedia('(prefers-color-scheme: dark)').matches?'dark':'light')"
)
# The icon is drawn here: a browser that finds none asks for /favicon.ico.
_SIGN = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E"
    "%3Crect width='24' height='24' rx='5' fill='%230b6477'/%3E"
    "%3Cpath d='M4 13h4l2 5l4-12l2 7h4' fill='none' stroke='white' stroke-width='2'/%3E%3C/svg%3E"
)


def index_page(parts: Mapping[str, Any]) -> str:
    """Return the HTML document around what Dash puts into it, in the reader's language."""
    words = json.dumps(browser_words(), ensure_ascii=False).replace("<", "\\u003c")
    return f"""<!DOCTYPE html>
<html lang="{html_language(language.get())}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>{parts["title"]}</title>
    <link rel="icon" href="{_SIGN}">
    <script>{THEME_FIRST}</script>
    {parts["css"]}
  </head>
  <body>
    {parts["app_entry"]}
    <script type="application/json" id="words">{words}</script>
    <footer>{parts["config"]}{parts["scripts"]}{parts["renderer"]}</footer>
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
        title=text("Your name goes into the journal of what you do"),
    )


def _account(name: str) -> Component:
    """Return who has signed in, and the way out. What they do is journalled under that name, whatever is typed."""
    return html.Div(
        [
            dcc.Input(id="operator", type="hidden", value=name),
            dcc.Link(name, href="/me", title=text("Signed in as {who}", who=name)),
            # A form, so that leaving needs no script; a plain link could be followed by any page.
            html.Form(html.Button(text("Sign out"), className="button"), action="/sign-out", method="post"),
        ],
        className="operator",
    )


def _header(demo: bool) -> Component:
    name = signed_in.get()
    parts: list[Component] = [
        html.Button(
            icon("menu"), id="menu", className="icon-button only-small", **{"aria-label": text("Show navigation")}
        ),
        _brand(),
    ]
    if demo:
        parts.append(
            html.Div(
                [icon("error", size=14), text("Demo mode"), html.Span(text("(open to everyone on this machine)"))],
                className="demo",
                title=text("Demo mode: open to everyone on this machine; names are not verified"),
            )
        )
    parts += [
        html.Div(className="header-space"),
        html.Div(text("Connecting"), id="connection", className="connection", role="status", **{"data-state": "new"}),
        html.Div(id="source-chooser", className="source-chooser"),
        _operator() if name is None else _account(name),
        flatten(_language_menu()),
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


def _language_menu() -> Component:
    """Return the choice of language; each is written in itself."""
    now = language.get()
    items = [
        html.Li(
            html.A(
                [icon("check", size=14) if code == now else html.Span(className="no-check"), name],
                href=f"?lang={code}",
                lang=html_language(code),
                **{"data-language": code},
            )
        )
        for code, name in languages().items()
    ]
    button = html.Summary(
        icon("language", size=17, label=text("Language")), className="icon-button", title=text("Language")
    )
    return html.Details([button, html.Ul(items)], className="menu language-menu")


def _navigation(*, demo: bool) -> Component:
    groups: list[Component] = []
    links: list[Component] = []
    for path, sign, words in NAVIGATION:
        if (path in DEMO_ONLY and not demo) or (path in ADMINISTRATORS_ONLY and not administers.get()):
            continue
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
            html.P(text("What you do about alerts is journalled with a name. Enter yours to start the shift.")),
            dmc.TextInput(id="operator-answer", label=text("Your name"), **{"data-autofocus": True}),
            html.Button(text("Start shift"), id="operator-start", className="button primary"),
        ],
        id="operator-modal",
        title=text("Who is on shift?"),
        centered=True,
        closeButtonProps={"aria-label": text("Close")},
        # While a dialog is there, single keys are not for the list: one that faded out would swallow the next key.
        transitionProps={"duration": 0},
    )


def shell(*, demo: bool) -> Component:
    """Return the whole document body; the router fills `page`."""
    frame = dmc.AppShell(
        [
            dmc.AppShellHeader(_header(demo)),
            dmc.AppShellNavbar(_navigation(demo=demo)),
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
            dcc.Store(id="renewal"),
            dcc.Store(id="act-request"),
            dcc.Store(id="act-result"),
            dcc.Store(id="acting"),
            dcc.Store(id="address"),
            dcc.Store(id="map-selected"),
            frame,
            _operator_modal(),
            html.Div(id="toast", className="toast"),
            html.Div(id="dialogs", **{"data-html": dialogs()}),
            html.Div(id="announce", className="unseen", role="status"),
            html.Div(id="announce-urgent", className="unseen", role="alert"),
        ],
        theme=THEME,
        defaultColorScheme="auto",
    )
