"""The city on one map: a layer per domain, what needs attention gathered into clusters, and the last day to replay."""

import asyncio
from datetime import timedelta
from html import escape

from dash import html
from dash.development.base_component import Component

from dashboard.components.city_map import city_map, map_legend
from dashboard.components.marks import FRESHNESS_NAMES, replay_chip
from dashboard.components.parts import choices, href, page_head, panel
from dashboard.pages.overview import freshness_words, selection
from dashboard.pages.view import View
from dashboard.shapes import Alert, Device
from dashboard.texts import domain_name, plural, text
from dashboard.units import parse_time

DAY = timedelta(hours=24)
MOST_ALERTS = 2000
STEP_MINUTES = 5


async def page(view: View) -> Component:
    """Return the map of the chosen source."""
    everything, districts, alerts, chosen = await asyncio.gather(
        view.devices(), view.api.districts(), view.api.alerts(most=MOST_ALERTS), selection(view)
    )
    domains = sorted({device["domain"] for device in everything})
    wanted = view.query.get("domain") if view.query.get("domain") in domains else None
    devices = [device for device in everything if wanted is None or device["domain"] == wanted]
    known = {device["device_id"] for device in devices}
    lately = [alert for alert in alerts if alert["device_id"] in known and _in_the_last_day(alert, view)]
    chips = [] if view.clock.live else [replay_chip(view.clock.source)]
    layers = [(text("All layers"), href("/map", source=view.source), wanted is None)] + [
        (domain_name(name), href("/map", source=view.source, domain=name), name == wanted) for name in domains
    ]
    note = f"{freshness_words(devices)}, {plural('{n} alert in 24 h', '{n} alerts in 24 h', len(lately))}"
    body = [
        city_map(devices, districts, lately),
        html.Div(chosen, id="device-panel", className="map-panel", **{"aria-live": "polite"}),
    ]
    return html.Div(
        [
            page_head(text("Map"), note, [*chips, choices(text("Layers"), layers)]),
            panel(text("City"), body, right=[map_legend()], flush=True),
            html.Div(className="replay-bar", **{"data-html": _slider()}),
            _table(devices, lately),
        ],
        className="map-page",
        style={"display": "contents"},
    )


def _in_the_last_day(alert: Alert, view: View) -> bool:
    cleared = parse_time(alert["cleared_at"])
    return alert["open"] or (cleared is not None and cleared >= view.clock.now - DAY)


def _slider() -> str:
    """Return the control that replays the last day; assets/d-map.js reads it."""
    return (
        f'<label for="replay">{escape(text("Replay the last 24 hours"))}</label>'
        f'<button type="button" class="button" data-replay="play" aria-pressed="false">{escape(text("Play"))}</button>'
        f'<input type="range" id="replay" min="{-24 * 60}" max="0" step="{STEP_MINUTES}" value="0"'
        f' aria-describedby="replay-at">'
        f'<output id="replay-at" for="replay">{escape(text("Now"))}</output>'
        f'<p class="soft">{escape(text("Replayed are the alerts; readings at that time are under Trends."))}</p>'
    )


def _table(devices: list[Device], alerts: list[Alert]) -> Component:
    """Return what the map says as a table, for those who cannot see it."""
    open_of: dict[str | None, int] = {}
    for alert in alerts:
        if alert["open"]:
            open_of[alert["device_id"]] = open_of.get(alert["device_id"], 0) + 1
    rows = [
        html.Tr(
            [
                html.Th(html.A(d["name"] or d["device_id"], href=href(f"/devices/{d['device_id']}")), scope="row"),
                html.Td(domain_name(d["domain"])),
                html.Td(text(FRESHNESS_NAMES[d["freshness"]])),
                html.Td(str(open_of.get(d["device_id"], 0)), className="right"),
            ]
        )
        for d in devices
        if open_of.get(d["device_id"]) or d["freshness"] != "fresh"
    ]
    head = html.Thead(
        html.Tr(
            [
                html.Th(text("Device"), scope="col"),
                html.Th(text("Domain"), scope="col"),
                html.Th(text("Freshness"), scope="col"),
                html.Th(text("Open alerts"), scope="col", className="right"),
            ]
        )
    )
    caption = html.Caption(text("Devices that are not as they should be"), className="unseen")
    return html.Details(
        [
            html.Summary(text("Data as a table")),
            html.Div(html.Table([caption, head, html.Tbody(rows)], className="data"), className="scroll"),
        ],
        className="as-table",
    )
