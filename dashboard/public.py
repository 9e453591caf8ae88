"""What the city publishes, as one plain page: no script, no sign-in, nothing to press.

Each district out of published datastreams alone, and every rule behind an alert with its limit and the reason for it,
in plain words. It says nothing of single devices, of people, or of what is wrong with the equipment.
"""

import asyncio
import time

from dash import html
from dash.development.base_component import Component
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from dashboard.client import ApiClient, ApiError
from dashboard.components.parts import page_head, panel, right_cell, state, table
from dashboard.dates import instant_words
from dashboard.flat import to_html
from dashboard.pages.rules import by_severity
from dashboard.rule_words import condition_words
from dashboard.shapes import JsonObject
from dashboard.texts import html_language, language, languages, property_name, text
from dashboard.units import NOTHING, digits_for, duration, number, plain_units, unit_label

KEPT, RETRY = 30.0, 3.0  # seconds for which the page is kept, and for which that it could not be made
SHEETS = ("1-tokens.css", "2-shell.css", "3-parts.css", "6-pages.css")
# The health of equipment is the operator's affair.
EQUIPMENT = ("battery", "rssi", "no data", "within 0", "publish_to_visible")


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
        when = condition_words(str(definition.get("condition", "")), rule["units"])
        delay = definition.get("on_delay_seconds")
        rows.append(
            html.Tr(
                [
                    html.Th(text(definition.get("title", rule["rule_id"])), scope="row"),
                    html.Td(text("{when}, for {time}", when=when, time=duration(delay)) if delay else when),
                    html.Td(plain_units(text(" ".join(str(definition.get("threshold", "")).split())))),
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


def _cell(one: JsonObject | None) -> Component:
    if one is None:
        return right_cell(NOTHING)
    return right_cell(text("too few to tell") if one["withheld"] else number(one["mean"], digits_for(one["unit"])))


def districts_table(summaries: list[JsonObject]) -> Component:
    """Return a row for each district and a column for each property of which something is published."""
    named: dict[str, str] = {one["district_id"]: one["name"] for one in summaries}
    units: dict[str, str] = {one["property"]: one["unit"] for one in summaries}
    found = {(one["district_id"], one["property"]): one for one in summaries}
    rows = [
        html.Tr([html.Th(name, scope="row"), *(_cell(found.get((district_id, each))) for each in units)])
        for district_id, name in named.items()
    ]
    columns = [
        (", ".join(filter(None, (property_name(name, short=True), unit_label(unit)))), True)
        for name, unit in units.items()
    ]
    return table([(text("District"), False), *columns], rows, caption=text("Districts at a glance"))


def _districts(summaries: list[JsonObject]) -> Component:
    if summaries:
        return _scrolling(districts_table(summaries), text("Districts"))
    return state(
        text("Nothing is published yet"),
        text("Readings appear here once an engineer has published their datastreams as open data."),
    )


def _as_of(summaries: list[JsonObject]) -> list[Component]:
    if not summaries:
        return []
    newest = max(one["newest"] for one in summaries)
    return [html.P(text("As of {at}", at=instant_words(newest)), className="soft")]


def _scrolling(content: Component, label: str) -> Component:
    """Return a region that scrolls on a narrow screen, and that the keyboard reaches to scroll it."""
    return html.Div(content, className="scroll", tabIndex="0", role="group", **{"aria-label": label})


def page(summaries: list[JsonObject], rules: list[JsonObject]) -> Component:
    """Return the page: districts as `/api/v1/public/districts` tells of them, and the rules."""
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
            *_as_of(summaries),
            panel(text("Districts"), _districts(summaries), flush=True),
            panel(
                text("What raises an alert, and why there"),
                _scrolling(html.Div(_rules(published(rules)), className="table-rules"), text("Rules")),
                flush=True,
            ),
            html.P(
                [
                    text("Sensors are indicative, never regulatory."),
                    " ",
                    text("Means of the latest readings of what is published; nothing else is shown."),
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


async def _answer(api: ApiClient) -> tuple[int, str]:
    title = text("The city now")
    try:
        summaries, rules = await asyncio.gather(api.public_districts(), api.rules())
    except ApiError as error:
        words = state(text("The data did not arrive"), str(error), sign="error")
        body = html.Main([page_head(title), panel(text("What happened"), words)], className="public")
        return 503, document(body, title)
    return 200, document(page(summaries, rules), title)


def add_public_page(app: FastAPI, api: ApiClient) -> None:
    """Serve the public page at `/public`. It is open to all, so it is made once for everybody who comes meanwhile."""
    made: dict[str, tuple[float, int, str]] = {}
    turn = asyncio.Lock()

    async def public() -> HTMLResponse:
        chosen = language.get()
        async with turn:
            until, status, body = made.get(chosen, (float("-inf"), 0, ""))
            if time.monotonic() >= until:
                status, body = await _answer(api)
                made[chosen] = time.monotonic() + (KEPT if status == 200 else RETRY), status, body
        return HTMLResponse(body, status)

    app.add_api_route("/public", public, include_in_schema=False)
