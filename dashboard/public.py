"""What the city publishes, as one plain page: no script, no sign-in, nothing to press.

Figures, the state of each district, and every rule behind an alert with its limit and the reason for it, in plain
words. It says nothing of single devices, of people, or of what is wrong with the equipment.
"""

import asyncio

from dash import html
from dash.development.base_component import Component
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from dashboard.bands import EAQI_EDITION, SERVICE_EDITION
from dashboard.client import ApiClient, ApiError
from dashboard.components.districts import DUE, district_states
from dashboard.components.figures import key_figures
from dashboard.components.parts import page_head, panel, right_cell, state, table
from dashboard.flat import to_html
from dashboard.pages.rules import by_severity
from dashboard.rule_words import condition_words
from dashboard.shapes import Device, District, JsonObject, Summary
from dashboard.texts import html_language, language, languages, text
from dashboard.units import duration, number

SHEETS = ("1-tokens.css", "2-shell.css", "3-parts.css", "6-pages.css")
# The health of equipment is the operator's affair.
EQUIPMENT = ("battery", "rssi", "no data", "within 0")


def published(rules: list[JsonObject]) -> list[JsonObject]:
    """Return the rules about the city itself, not about its equipment; the most severe first."""
    shown = [
        r for r in rules if r["enabled"] and not any(e in str(r["definition"].get("condition")) for e in EQUIPMENT)
    ]
    return by_severity(shown)


def _rules(rules: list[JsonObject]) -> Component:
    rows = []
    for rule in rules:
        definition = rule["definition"]
        when = condition_words(str(definition.get("condition", "")))
        delay = definition.get("on_delay_seconds")
        rows.append(
            html.Tr(
                [
                    html.Th(text(definition.get("title", rule["rule_id"])), scope="row"),
                    html.Td(text("{when}, for {time}", when=when, time=duration(delay)) if delay else when),
                    html.Td(text(" ".join(str(definition.get("threshold", "")).split()))),
                    html.Td(text("version {n}", n=rule["version"]), className="one-line"),
                ]
            )
        )
    headings = [
        (text("Rule"), False),
        (text("Fires at"), False),
        (text("Why this limit"), False),
        (text("Edition"), False),
    ]
    return table(headings, rows, caption=text("Rules and their limits"))


def _districts(districts: list[District], devices: list[Device]) -> Component:
    rows = [
        html.Tr(
            [
                html.Th(one.name, scope="row"),
                right_cell(number(one.speed, 0)),
                right_cell(f"{one.bins_due} / {one.bins}" if one.bins else "–"),
                right_cell(number(one.pm2_5, 1)),
            ]
        )
        for one in district_states(districts, devices, [])
    ]
    headings = [
        (text("District"), False),
        (text("Mean speed, km/h"), True),
        (text("Bins due"), True),
        (text("PM2.5, µg/m³"), True),
    ]
    return table(headings, rows, caption=text("Districts at a glance"))


def _scrolling(content: Component, label: str) -> Component:
    """Return a region that scrolls on a narrow screen, and that the keyboard reaches to scroll it."""
    return html.Div(content, className="scroll", tabIndex="0", role="group", **{"aria-label": label})


def _page(summary: Summary, districts: list[District], devices: list[Device], rules: list[JsonObject]) -> Component:
    chosen = language.get()
    links: list[Component] = [
        html.A(
            name,
            href=f"/public?lang={code}",
            lang=html_language(code),
            **({"aria-current": "true"} if code == chosen else {}),
        )
        for code, name in languages().items()
    ]
    return html.Main(
        [
            page_head(text("The city now"), text("published by Citywatch"), [html.Nav(links, className="languages")]),
            html.P(text("As of {at} UTC", at=summary["at"][:16].replace("T", " ")), className="soft"),
            key_figures(summary["figures"]),
            panel(text("Districts"), _scrolling(_districts(districts, devices), text("Districts")), flush=True),
            panel(
                text("What raises an alert, and why there"),
                _scrolling(_rules(published(rules)), text("Rules")),
                flush=True,
            ),
            html.P(
                [
                    text("Sensors are indicative, never regulatory."),
                    " ",
                    text(EAQI_EDITION) + ". ",
                    text(SERVICE_EDITION) + ". ",
                    text("A bin counts as due at {n} %.", n=number(DUE, 0)),
                ],
                className="method",
            ),
        ],
        className="public",
    )


def document(body: Component, title: str) -> str:
    """Return a whole HTML document around static markup; it follows the reader's light or dark setting by itself."""
    sheets = "".join(f'<link rel="stylesheet" href="/assets/{name}">' for name in SHEETS)
    return (
        f'<!DOCTYPE html><html lang="{html_language(language.get())}" class="public-page"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title} · Citywatch</title><link rel="icon" href="data:,">{sheets}</head>'
        f"<body>{to_html(body)}</body></html>"
    )


def add_public_page(app: FastAPI, api: ApiClient) -> None:
    """Serve the public page at `/public`."""

    async def public() -> HTMLResponse:
        try:
            summary, districts, devices, rules = await asyncio.gather(
                api.summary(), api.districts(), api.devices(source_id="live"), api.rules()
            )
        except ApiError as error:
            words = state(text("The data did not arrive"), str(error), sign="error")
            body = html.Main([page_head(text("The city now")), panel(text("What happened"), words)], className="public")
            return HTMLResponse(document(body, text("The city now")), 503)
        return HTMLResponse(document(_page(summary, districts, devices, rules), text("The city now")))

    app.add_api_route("/public", public, include_in_schema=False)
