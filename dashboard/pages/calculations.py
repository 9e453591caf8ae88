"""Calculated datastreams: the formulas that people set over other datastreams, and the form for another."""

import asyncio
import json
from collections.abc import Sequence
from html import escape

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.marks import instant
from dashboard.components.parts import choices, href, page_head, panel, right_cell, state, table
from dashboard.pages.view import View
from dashboard.shapes import Calculation
from dashboard.texts import mark, property_name, text
from dashboard.units import unit_label

PERIODS = {"quarter": mark("quarter of an hour"), "hour": mark("hour"), "day": mark("day (UTC)")}


async def page(view: View) -> Component:
    """Return the calculations in force, or every version, and the form."""
    every = view.query.get("show") == "all"
    found, may = await asyncio.gather(view.api.calculations(ended=every), view.api.permissions())
    allowed = "configure" in may
    options = [
        (text("In force"), href("/calculations", source=view.source), not every),
        (text("All versions"), href("/calculations", source=view.source, show="all"), every),
    ]
    body: Component = (
        _table(view, found, allowed=allowed)
        if found
        else state(text("Nothing is calculated yet"), text("Set a formula below."), sign="trends")
    )
    note = text("worked out from others, stored and charted like measured ones")
    return html.Div(
        [
            page_head(text("Calculated datastreams"), note, [choices(text("Versions"), options)]),
            panel(text("Formulas"), body, flush=True),
            panel(
                text("Set a formula"),
                html.Div(className="request-form wide", **{"data-html": _form(allowed=allowed)}),
                note=text("a new version where there is one; its units are checked"),
                flush=True,
            ),
        ],
        style={"display": "contents"},
    )


def _table(view: View, found: Sequence[Calculation], *, allowed: bool) -> Component:
    rows = []
    for one in found:
        curve = href("/trends", source=view.source, property=one["property"], devices=one["device_id"])
        # Before its first period is over there is no curve to go to.
        name = property_name(one["property"])
        inputs = [
            html.Div([html.Code(key), f" = {each['device_id']}, {property_name(each['property'])}"])
            for key, each in one["inputs"].items()
        ]
        rows.append(
            html.Tr(
                [
                    html.Th(dcc.Link(name, href=curve) if one["datastream_id"] else name, scope="row"),
                    html.Td(dcc.Link(one["device_id"], href=href(f"/devices/{one['device_id']}", source=view.source))),
                    html.Td([html.Code(one["formula"]), html.Div(inputs, className="soft")]),
                    html.Td(unit_label(one["unit"])),
                    html.Td(text(PERIODS[one["every"]])),
                    html.Td(
                        [one["reason"], html.Div([one["author"], ", ", instant(one["created_at"], seconds=False)])]
                    ),
                    right_cell(str(one["version"])),
                    html.Td(_end(one, allowed=allowed)),
                ]
            )
        )
    headings = [
        (text("Property"), False),
        (text("Device"), False),
        (text("Formula"), False),
        (text("Unit"), False),
        (text("For each"), False),
        (text("Reason"), False),
        (text("Version"), True),
        ("", False),
    ]
    return table(headings, rows, caption=text("Calculated datastreams"))


def _end(one: Calculation, *, allowed: bool) -> Component | list[Component | str] | str:
    if one["ended_at"] is not None:
        return [text("ended"), " ", instant(one["ended_at"], seconds=False)]
    request = {"action": "end-calculation", "device_id": one["device_id"], "property": one["property"]}
    return html.Button(
        text("End"),
        className="button",
        disabled=not allowed,
        **{
            "data-request": json.dumps(request),
            "aria-label": f"{text('End')}: {property_name(one['property'])}, {one['device_id']}",
        },
    )


def _form(*, allowed: bool) -> str:
    """Return the form as HTML; assets/f-console.js sends what is in it."""

    def field(name: str, words: str, example: str, more: str = "") -> str:
        return (
            f'<label>{escape(words)}<input name="{name}" required placeholder="{escape(example)}"'
            f' autocomplete="off" {more}></label>'
        )

    periods = "".join(
        f'<option value="{key}"{" selected" if key == "hour" else ""}>{escape(text(words))}</option>'
        for key, words in PERIODS.items()
    )
    request = escape(json.dumps({"action": "calculate"}))
    off = "" if allowed else " disabled"
    reason = "" if allowed else f'<p class="soft">{escape(text("Your account may look, and not set formulas."))}</p>'
    inputs = "fine = air-001 pm2_5\nall = air-001 pm10"
    help_words = text(
        "Numbers, the names of the inputs, + - * /, parentheses, min, max, mean, abs."
        " A number may carry a unit in quotes."
    )
    return (
        f'<form data-request-form="{request}"><fieldset{off}>'
        + field("formula", text("Formula"), '100 "%" * fine / all', 'maxlength="500" aria-describedby="formula-help"')
        + field("unit", text("Unit (UCUM)"), "%", 'maxlength="40"')
        + f'<label>{escape(text("For each"))}<select name="every">{periods}</select></label>'
        + f'<label class="whole">{escape(text("Inputs, one a line: name = device property"))}'
        f'<textarea name="inputs" required rows="3" maxlength="8000" placeholder="{escape(inputs)}"></textarea></label>'
        + field("device_id", text("Device that carries the values"), "air-001", 'maxlength="64"')
        + field("property", text("Name of the property"), "fine_share", 'maxlength="63"')
        + field("reason", text("Reason"), text("smoke or dust?"), 'maxlength="2000"')
        + f'<button class="button" name="check" value="1">{escape(text("Check"))}</button>'
        f'<button class="button primary">{escape(text("Set"))}</button></fieldset>'
        f'<p class="soft" id="formula-help">{escape(help_words)}</p></form>{reason}'
    )
