"""The city on one map: a layer per domain, what needs attention gathered into clusters, and the last day to replay."""

import asyncio
from datetime import timedelta
from html import escape

from dash import html
from dash.development.base_component import Component

from dashboard.alert_shapes import Alert
from dashboard.components.city_map import MOST_SINGLE, city_map, map_legend
from dashboard.components.marks import FRESHNESS_NAMES, replay_chip
from dashboard.components.parts import choices, href, page_head, panel, part
from dashboard.components.parts import table as data_table
from dashboard.pages.overview import counted_words, freshness_words, many, selection
from dashboard.pages.view import View
from dashboard.shapes import Device, District
from dashboard.texts import domain_name, plural, text
from dashboard.units import number, parse_time
from dashboard.urgent import newest_and_open

DAY = timedelta(hours=24)
MOST_ALERTS = 2000
MOST_ROWS = 200
STEP_MINUTES = 5


async def page(view: View) -> Component:
    """Return the map of the chosen source: device by device, or gathered where they are too many for that."""
    whole, districts, chosen = await asyncio.gather(view.whole(), view.api.districts(), selection(view))
    wanted = view.query.get("domain") if view.query.get("domain") in whole["domains"] else None
    many = whole["domains"][wanted] if wanted else whole["devices"]
    note, city, table = (
        await _gathered(view, wanted) if many > MOST_SINGLE else await _one_by_one(view, wanted, districts)
    )
    chips = [] if view.clock.live else [replay_chip(view.clock.source)]
    layers = [(text("All layers"), href("/map", source=view.source), wanted is None)] + [
        (domain_name(name), href("/map", source=view.source, domain=name), name == wanted)
        for name in sorted(whole["domains"])
    ]
    body = [city, html.Div(chosen, id="device-panel", className="map-panel", **{"aria-live": "polite"})]
    return html.Div(
        [
            page_head(text("Map"), part("note", note), [*chips, choices(text("Layers"), layers)]),
            panel(text("City"), body, right=[map_legend()], flush=True),
            html.Div(className="replay-bar", **{"data-html": _slider()}),
            html.Details(
                [html.Summary(text("Data as a table")), html.Div(part("devices", table), className="scroll")],
                className="as-table",
            ),
        ],
        className="map-page",
        style={"display": "contents"},
    )


async def _one_by_one(view: View, domain: str | None, districts: list[District]) -> tuple[str, Component, Component]:
    """Return the sentence, the map and the table of a city whose devices are drawn one by one."""
    devices, known = await asyncio.gather(
        view.devices(domain, latest=False),
        newest_and_open(view.api, MOST_ALERTS, domain=domain, source_id=view.source_id),
    )
    lately = [alert for alert in known.alerts if alert["device_id"] is not None and _in_the_last_day(alert, view)]
    count = known.counted(len(lately), view.clock.now - DAY)
    came = plural("{count} alert in 24 h", "{count} alerts in 24 h", len(lately), count=count)
    note = f"{freshness_words(devices)}, {came}"
    return note, city_map(devices, districts, lately), _table(devices, lately)


async def _gathered(view: View, domain: str | None) -> tuple[str, Component, Component]:
    """Return the sentence, the map and the table of a city whose devices the server gathers."""
    whole = await view.whole(domain)
    alerting = plural("{n} device with open alerts", "{n} devices with open alerts", whole["alerting"])
    counts = [(text(FRESHNESS_NAMES[name]), whole["freshness"][name]) for name in FRESHNESS_NAMES]
    rows = [
        html.Tr([html.Th(words, scope="row"), html.Td(number(count, 0), className="right")])
        for words, count in [*counts, (text("Open alerts"), whole["alerting"])]
    ]
    head = [(text("State"), False), (text("Devices"), True)]
    return (
        f"{counted_words(whole['freshness'])}, {alerting}",
        await many(view, whole, domain),
        data_table(head, rows, caption=text("Devices by state")),
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
    told = [d for d in devices if open_of.get(d["device_id"]) or d["freshness"] != "fresh"]
    told.sort(key=lambda d: -open_of.get(d["device_id"], 0))
    rows = [
        html.Tr(
            [
                html.Th(html.A(d["name"] or d["device_id"], href=href(f"/devices/{d['device_id']}")), scope="row"),
                html.Td(domain_name(d["domain"])),
                html.Td(text(FRESHNESS_NAMES[d["freshness"]])),
                html.Td(str(open_of.get(d["device_id"], 0)), className="right"),
            ]
        )
        for d in told[:MOST_ROWS]
    ]
    if len(told) > MOST_ROWS:
        words = text("{n} more are listed under Devices", n=len(told) - MOST_ROWS)
        rows.append(html.Tr(html.Th(html.A(words, href=href("/devices")), scope="row", colSpan=4)))
    head = [(text("Device"), False), (text("Domain"), False), (text("Freshness"), False), (text("Open alerts"), True)]
    return data_table(head, rows, caption=text("Devices that are not as they should be"))
