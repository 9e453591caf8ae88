"""One device: its readings now, its curves, its open alerts, its commands, and what became of its messages."""

import asyncio
from dataclasses import replace

from dash import html
from dash.development.base_component import Component

from dashboard.components.account import account_facts
from dashboard.components.alerts import alert_list
from dashboard.components.commands import commands_panel
from dashboard.components.curves import device_curves
from dashboard.components.device_forms import account_panel
from dashboard.components.marks import freshness_chip, instant, replay_chip, severity_chip
from dashboard.components.parts import page_head, panel, part, right_cell, table
from dashboard.components.presence import (
    PRESENCE_WORDS,
    completeness_words,
    presence_chip,
    presence_of,
    rhythm_words,
)
from dashboard.components.readings import by_importance, device_age, live_value
from dashboard.limits import rule_limits
from dashboard.pages.spans import span_choices
from dashboard.pages.view import View
from dashboard.query import choose_clock
from dashboard.shapes import Device
from dashboard.texts import domain_name, property_name, text
from dashboard.urgent import newest_and_open

MOST_CURVES = 8
MOST_ALERTS = 20


async def _at_device(view: View) -> tuple[View, Device]:
    """Return the device that the address names, and the view by the clock of its own source."""
    device = await view.api.device(view.below("devices") or "")
    return replace(view, clock=choose_clock(view.sources, device["source_id"], view.clock.now)), device


async def _alerts(view: View, device_id: str) -> Component:
    lately = await newest_and_open(view.api, MOST_ALERTS, device_id=device_id)
    return alert_list(lately.alerts, source=view.source, path="/alerts")


async def list_body(view: View) -> Component:
    """Return the newest alerts of the device that the address names, and its open ones."""
    view, device = await _at_device(view)
    return await _alerts(view, device["device_id"])


async def page(view: View) -> Component:
    """Return the page of the device that the address names; its own source decides its clock."""
    view, device = await _at_device(view)
    device_id, clock = device["device_id"], view.clock
    rules, alerts, account, districts, commands, may = await asyncio.gather(
        view.api.rules(),
        _alerts(view, device_id),
        view.api.account_total(device_id=device_id),
        view.api.districts(),
        view.api.commands(device_id),
        view.api.permissions(),
    )
    credential = await view.api.credential(device_id) if "configure" in may else None
    names_of = {district["district_id"]: district["name"] for district in districts}
    names = [row["property"] for row in by_importance(device) if row["phenomenon_time"]][:MOST_CURVES]
    ranges = {"fill_level": (0.0, 104.0), "battery": (0.0, 104.0), "relative_humidity": (0.0, 104.0)}
    curves = await device_curves(view, device, names, default_span="24h", limits=rule_limits(rules), ranges=ranges)
    chips = [] if clock.live else [replay_chip(clock.source)]
    marks = [freshness_chip(device["freshness"]), presence_chip(device)]
    if device["worst_severity"]:
        marks.insert(0, severity_chip(device["worst_severity"]))
    return html.Div(
        [
            page_head(
                device["name"] or device_id,
                f"{domain_name(device['domain'])}, {device_id}",
                [*chips, part("marks", marks), span_choices(view, "24h")],
            ),
            html.Div(
                [
                    html.Div(
                        [
                            panel(text("Latest readings"), _readings(device), flush=True),
                            panel(text("Device"), part("facts", _facts(device, names_of))),
                            panel(text("Data account"), part("account", account_facts(account))),
                            panel(text("Alerts of this device"), alerts, flush=True, body_id="alert-list"),
                            panel(
                                text("Commands"),
                                commands_panel(device_id, commands, allowed="operate" in may),
                                flush=True,
                            ),
                            *(
                                [panel(text("Account at the broker"), account_panel(device_id, credential))]
                                if "configure" in may
                                else []
                            ),
                        ],
                        className="stack",
                    ),
                    panel(text("Course"), curves),
                ],
                className="grid wide-right",
            ),
        ],
        style={"display": "contents"},
    )


def _readings(device: Device) -> list[Component]:
    rows = [
        html.Tr(
            [
                html.Th(property_name(row["property"]), scope="row"),
                right_cell(live_value(row)),
                right_cell(instant(row["phenomenon_time"])),
            ]
        )
        for row in by_importance(device)
        if row["phenomenon_time"]
    ]
    headings = [(text("Property"), False), (text("Value"), True), (text("Measured"), True)]
    parts: list[Component] = [table(headings, rows, caption=text("Latest readings"))] if rows else []
    if never := [property_name(row["property"]) for row in by_importance(device) if not row["phenomenon_time"]]:
        parts.append(html.P(text("Never sent: {names}", names=", ".join(never)), className="method"))
    return parts


def _facts(device: Device, districts: dict[str, str]) -> Component:
    place = "–"
    if device["latitude"] is not None and device["longitude"] is not None:
        place = f"{device['latitude']:.5f}, {device['longitude']:.5f}"
    facts: list[tuple[str, Component | str]] = [
        (text("Heard"), device_age(device)),
        (text("Presence"), text(PRESENCE_WORDS[presence_of(device)])),
        (text("Reports every"), rhythm_words(device)),
        (text("Completeness"), completeness_words(device)),
        (text("Profile"), device["profile"]),
        (text("District"), districts.get(device["district_id"] or "", "–")),
        (text("Site"), device["site_id"] or "–"),
        (text("Place"), place),
        (text("Source"), device["source_id"]),
    ]
    rows: list[Component] = []
    for words, value in facts:
        rows += [html.Dt(words), html.Dd(value)]
    return html.Dl(rows, className="facts-list")
