"""Districts: how each stands, and whether all are served alike; one page for each."""

import asyncio
from collections.abc import Mapping, Sequence
from statistics import median

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.districts import DistrictState, district_states
from dashboard.components.marks import FRESHNESS_NAMES, freshness_chip, replay_chip
from dashboard.components.parts import href, page_head, panel, part, right_cell, state, table
from dashboard.components.readings import device_age, find_latest, live_value
from dashboard.pages.overview import list_body
from dashboard.pages.view import View
from dashboard.shapes import Device, Equity, Response
from dashboard.texts import domain_name, plural, text
from dashboard.units import NOTHING, duration, number

SERVICE_DAYS = 30
# The main property of each domain, shown beside a device.
MAIN = {"traffic": "vehicle_speed", "waste": "fill_level", "air": "pm2_5", "noise": "sound_level"}


async def page(view: View) -> Component:
    """Return all districts, or the one that the address names."""
    chips = [] if view.clock.live else [replay_chip(view.clock.source)]
    name = view.below("districts")
    return await (_all(view, chips) if name is None else _one(view, name, chips))


async def _all(view: View, chips: list[Component]) -> Component:
    devices, counts, districts = await asyncio.gather(view.devices(), view.counts(), view.api.districts())
    states = district_states(districts, devices, counts)
    if not states:
        empty = state(
            text("No district holds a device"), text("Districts come with the city's outlines."), sign="district"
        )
        return html.Div([page_head(text("Districts"), "", chips), panel(text("State"), empty)])
    people = {district["district_id"]: district["population"] for district in districts}
    parts: list[Component] = [
        page_head(text("Districts"), text("how each stands, and whether all are served alike"), chips),
        panel(text("State"), part("states", _state_table(view, states, people)), flush=True),
    ]
    if view.clock.live:  # how a city of the past was served is no question
        equity = await view.api.equity(days=SERVICE_DAYS)
        served = panel(
            text("Service"),
            _service_table(equity),
            note=text("the last {n} days", n=SERVICE_DAYS),
            flush=True,
        )
        parts += [served, html.P(_evenness(equity), className="method")]
    return html.Div(parts, style={"display": "contents"})


def _state_table(view: View, states: Sequence[DistrictState], people: Mapping[str, int | None]) -> Component:
    rows = [
        html.Tr(
            [
                html.Th(
                    dcc.Link(one.name, href=href(f"/districts/{one.district_id}", source=view.source)), scope="row"
                ),
                right_cell(number(people[one.district_id], 0)),
                right_cell(f"{number(one.fresh, 0)} / {number(one.devices, 0)}"),
                right_cell(number(sum(one.alerts.values()), 0)),
            ]
        )
        for one in states
    ]
    headings = [
        (text("District"), False),
        (text("Inhabitants"), True),
        (text("Fresh devices"), True),
        (text("Open alerts"), True),
    ]
    return table(headings, rows, caption=text("Districts with their state"))


def _service_table(equity: Equity) -> Component:
    """Return how each district is served; one that waits more than twice as long as the usual one is marked."""
    districts = sorted(equity["districts"], key=lambda one: one["name"])
    answers = [one["to_acknowledge"]["median_s"] for one in districts]
    known = [answer for answer in answers if answer is not None]
    usual = median(known) if known else None
    rows = []
    for one, answer in zip(districts, answers, strict=True):
        slow = usual is not None and answer is not None and answer > 2 * usual
        waited = _waited(one["to_acknowledge"])
        rows.append(
            html.Tr(
                [
                    html.Th(one["name"], scope="row"),
                    right_cell(number(one["coverage"], 1)),
                    right_cell(html.Span([waited, " ", text("slow")], className="off-target") if slow else waited),
                    right_cell(number(one["to_acknowledge"]["n"], 0)),
                    right_cell(_waited(one["to_resolve"])),
                    right_cell(number(one["to_resolve"]["n"], 0)),
                    right_cell(number(one["overflow_hours_per_bin"], 1)),
                ]
            )
        )
    headings = [
        (text("District"), False),
        (text("Devices per 10,000"), True),
        (text("Until answered"), True),
        (text("Answered"), True),
        (text("Until over"), True),
        (text("Over"), True),
        (text("Hours full, each bin"), True),
    ]
    return table(headings, rows, caption=text("Districts with their service"))


def _waited(times: Response) -> str:
    return NOTHING if times["median_s"] is None else duration(times["median_s"])


def _evenness(equity: Equity) -> list[Component | str]:
    """Return how evenly devices are spread over the inhabitants, and how the columns are meant."""
    words: list[Component | str] = [
        text(
            "Times are medians: from an alert's record to its acknowledgement, and from its beginning to its end. A"
            " district that waits more than twice as long as the usual one is marked."
        )
    ]
    if equity["parity"] is not None:
        even = text(
            "Of devices per inhabitant the district with the fewest has {share} % of what the one with the most has"
            " (parity; below 80 % is uneven). Gini {gini}, Theil {theil}: 0 is even.",
            share=number(100 * equity["parity"], 0),
            gini=number(equity["gini"], 2),
            theil=number(equity["theil"], 2),
        )
        words += [" ", html.Span(even, className="off-target") if equity["flagged"] else even]
    return words


async def _one(view: View, name: str, chips: list[Component]) -> Component:
    devices, counts, districts, alerts = await asyncio.gather(
        view.devices(), view.counts(), view.api.districts(), list_body(view)
    )
    district = next((one for one in districts if one["district_id"] == name), None)
    if district is None:
        missing = state(text("No such district"), text("There is no district {name}.", name=name), sign="district")
        return html.Div([page_head(text("District")), panel(text("Address"), missing)], style={"display": "contents"})
    here = [device for device in devices if device["district_id"] == name]
    parts: list[Component] = [
        panel(
            domain_name(domain),
            part(domain, _domain_table(view, [device for device in here if device["domain"] == domain])),
            flush=True,
            scroll="420px",
        )
        for domain in sorted({device["domain"] for device in here})
    ]
    people = number(district["population"], 0)
    there = sum(one["devices"] for one in counts["districts"] if one["district_id"] == name)
    note = text("{n} inhabitants", n=people) + ", " + plural("{n} device", "{n} devices", there)
    return html.Div(
        [
            page_head(district["name"], note, chips),
            html.Div(
                [
                    panel(text("Open alerts"), alerts, flush=True, body_id="alert-list", scroll="900px"),
                    html.Div(parts, className="stack"),
                ],
                className="grid wide-right",
            ),
        ],
        style={"display": "contents"},
    )


def _domain_table(view: View, devices: Sequence[Device]) -> Component:
    rows = []
    for device in sorted(devices, key=lambda d: (list(FRESHNESS_NAMES).index(d["freshness"]) == 0, d["name"])):
        late = [] if device["freshness"] == "fresh" else [" ", freshness_chip(device["freshness"])]
        link = dcc.Link(
            device["name"] or device["device_id"], href=href(f"/devices/{device['device_id']}", source=view.source)
        )
        value = live_value(find_latest(device, MAIN.get(device["domain"], "")))
        rows.append(html.Tr([html.Td([link, *late]), right_cell(value), right_cell(device_age(device))]))
    headings = [(text("Device"), False), (text("Now"), True), (text("Heard"), True)]
    return table(headings, rows, caption=text("Devices of the district"))
