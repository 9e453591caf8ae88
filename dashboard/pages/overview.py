"""City overview: key figures, the map of all devices, live alerts, the districts side by side."""

import asyncio
from collections.abc import Mapping
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.alerts import open_list
from dashboard.components.city_map import MOST_SINGLE, city_extent, city_map, gathered_map, map_legend, zoom_for
from dashboard.components.districts import district_states, district_table
from dashboard.components.figures import key_figures
from dashboard.components.icons import icon
from dashboard.components.marks import FRESHNESS_NAMES, freshness_chip, replay_chip, severity_chip
from dashboard.components.parts import href, page_head, panel, part, state
from dashboard.components.readings import by_importance, device_age, live_value
from dashboard.pages.view import View
from dashboard.shapes import Clusters, Device
from dashboard.texts import domain_name, mark, property_name, text
from dashboard.units import number


def freshness_words(devices: list[Device]) -> str:
    """Return how many devices are fresh, and how many are not, in one sentence."""
    return counted_words({name: sum(d["freshness"] == name for d in devices) for name in FRESHNESS_NAMES})


def counted_words(counts: Mapping[Any, int]) -> str:
    """Return the same sentence by the number of devices in each state."""
    words = text(
        "{fresh} of {all} devices fresh", fresh=number(counts["fresh"], 0), all=number(sum(counts.values()), 0)
    )
    late = [
        text(phrase, n=number(counts[name], 0))
        for name, phrase in (
            ("stale", mark("{n} stale")),
            ("silent", mark("{n} silent")),
            ("never", mark("{n} never heard")),
        )
        if counts[name]
    ]
    return ", ".join([words, *late])


async def page(view: View) -> Component:
    """Return the overview of the chosen source."""
    devices, counts, districts, summary, (alerts, more), chosen = await asyncio.gather(
        view.devices(), view.counts(), view.api.districts(), view.api.summary(), view.open_alerts(), selection(view)
    )
    chips = [] if view.clock.live else [replay_chip(view.clock.source)]
    parts: list[Component] = [page_head(text("City overview"), part("note", counted_words(counts["freshness"])), chips)]
    if not devices:
        parts.append(
            panel(
                text("Devices"),
                state(
                    text("No device yet"),
                    text("Register devices with `citywatch devices import FILE`, or let a simulated city run."),
                ),
            )
        )
        return html.Div(parts, style={"display": "contents"})
    # Figures are of one source; for another there are none, rather than the wrong ones.
    if summary["figures_source"] == view.source_id and summary["figures"]:
        parts.append(part("figures", key_figures(summary["figures"])))
    city = city_map(devices, districts, alerts) if len(devices) <= MOST_SINGLE else await many(view, await view.whole())
    everything = dcc.Link(text("All alerts"), href=href("/alerts", source=view.source), className="button")
    parts.append(
        html.Div(
            [
                panel(
                    text("Map"),
                    [
                        city,
                        html.Div(chosen, id="device-panel", className="map-panel", **{"aria-live": "polite"}),
                    ],
                    right=[map_legend()],
                    flush=True,
                ),
                panel(
                    text("Open alerts"),
                    open_list(alerts, source=view.source, more=more),
                    right=[everything],
                    flush=True,
                    body_id="alert-list",
                    scroll="540px",
                ),
            ],
            className="grid wide-left overview-main",
        )
    )
    states = district_states(districts, devices, counts)
    if states:
        body = html.Div(part("districts", district_table(states, view.source)), className="scroll")
        parts.append(panel(text("Districts"), body, note=text("means over fresh devices"), flush=True))
    return html.Div(parts, style={"display": "contents"})


async def list_body(view: View) -> Component:
    """Return the open alerts of the city or district shown."""
    alerts, more = await view.open_alerts()
    return open_list(alerts, source=view.source, more=more)


async def many(view: View, whole: Clusters, domain: str | None = None) -> Component:
    """Return the map of a city of more devices than are drawn one by one."""
    extent = city_extent(whole["extent"], await view.api.districts())
    first = await view.api.clusters(source_id=view.source_id, domain=domain, zoom=zoom_for(extent))
    return gathered_map({**whole, "extent": extent}, first, view.source_id, domain)


async def selection(view: View) -> list[Component]:
    """Return the card of the device that is selected in the address; nothing where none is."""
    device_id = view.query.get("device")
    if device_id is None:
        return []
    device = await view.api.device(device_id)
    marks: list[Component] = [html.Span(domain_name(device["domain"])), freshness_chip(device["freshness"])]
    if device["worst_severity"]:
        marks.insert(0, severity_chip(device["worst_severity"]))
    readings: list[Component] = []
    for row in by_importance(device):
        readings += [html.Dt(property_name(row["property"])), html.Dd(live_value(row))]
    return [
        html.Div(
            [
                html.Header(
                    [
                        html.H3(device["name"] or device["device_id"]),
                        dcc.Link(
                            icon("close", size=16, label=text("Close")),
                            href=href(view.path, source=view.source, domain=view.query.get("domain")),
                            className="icon-button",
                        ),
                    ]
                ),
                html.Div([part("marks", marks), device_age(device)], className="facts"),
                html.Dl(readings, className="facts-list"),
                dcc.Link(
                    [text("Open device"), icon("chevron", size=14)],
                    href=href(f"/devices/{device_id}", source=view.source),
                    className="button",
                ),
            ],
            className="device-card",
        )
    ]
