"""Districts: how each stands, and whether all are served alike; one page for each."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.districts import DistrictState, district_states
from dashboard.components.marks import FRESHNESS_NAMES, freshness_chip, replay_chip
from dashboard.components.parts import href, page_head, panel, part, right_cell, state, table
from dashboard.components.readings import device_age, find_latest, live_value
from dashboard.pages.overview import list_body
from dashboard.pages.view import View
from dashboard.shapes import Alert, Device, DeviceCounts, District
from dashboard.texts import domain_name, plural, text
from dashboard.units import NOTHING, duration, number, parse_time

ALERTS_COUNTED = 2000
# The main property of each domain, shown beside a device.
MAIN = {"traffic": "vehicle_speed", "waste": "fill_level", "air": "pm2_5", "noise": "sound_level"}


@dataclass(frozen=True, slots=True)
class Service:
    """How a district is served: coverage with devices, how quickly its alerts are answered, how many come."""

    district: District
    devices_per_1000: float | None
    alerts_per_1000: float | None
    alerts: int
    answer_seconds: float | None


def service(districts: Sequence[District], counts: DeviceCounts, alerts: Sequence[Alert]) -> list[Service]:
    """Return the service of each district that holds devices, by name. Answers are medians over acknowledged alerts."""
    found = []
    counted = {one["district_id"]: one["devices"] for one in counts["districts"]}
    for district in districts:
        name, people = district["district_id"], district["population"]
        count = counted.get(name, 0)
        if not count:
            continue
        here = [alert for alert in alerts if alert["district_id"] == name]
        waits = [
            (acknowledged - recorded).total_seconds()
            for alert in here
            if (acknowledged := parse_time(alert["acknowledged_at"]))
            and (recorded := parse_time(alert["recorded_at"]))
            and acknowledged >= recorded
        ]
        found.append(
            Service(
                district,
                1000 * count / people if people else None,
                1000 * len(here) / people if people else None,
                len(here),
                median(waits) if waits else None,
            )
        )
    return found


async def page(view: View) -> Component:
    """Return all districts, or the one that the address names."""
    chips = [] if view.clock.live else [replay_chip(view.clock.source)]
    name = view.below("districts")
    return await (_all(view, chips) if name is None else _one(view, name, chips))


async def _all(view: View, chips: list[Component]) -> Component:
    devices, counts, districts, alerts = await asyncio.gather(
        view.devices(),
        view.counts(),
        view.api.districts(),
        view.api.alerts(source_id=view.source_id, most=ALERTS_COUNTED),
    )
    states = {s.district_id: s for s in district_states(districts, devices, counts)}
    rows = service(districts, counts, alerts)
    if not rows:
        empty = state(
            text("No district holds a device"), text("Districts come with the city's outlines."), sign="district"
        )
        return html.Div([page_head(text("Districts"), "", chips), panel(text("State and service"), empty)])
    return html.Div(
        [
            page_head(text("Districts"), text("how each stands, and whether all are served alike"), chips),
            panel(text("State and service"), part("service", _service_table(view, rows, states)), flush=True),
            html.P(
                text(
                    "Answer: median time from an alert's record to its acknowledgement, over the newest {n} alerts."
                    " A district that waits more than twice as long as the city's median is marked.",
                    n=number(ALERTS_COUNTED, 0),
                ),
                className="method",
            ),
        ],
        style={"display": "contents"},
    )


def _service_table(view: View, rows: Sequence[Service], states: dict[str, DistrictState]) -> Component:
    answers = [row.answer_seconds for row in rows if row.answer_seconds is not None]
    usual = median(answers) if answers else None
    lines = []
    for row in rows:
        state_of = states[row.district["district_id"]]
        slow = usual is not None and row.answer_seconds is not None and row.answer_seconds > 2 * usual
        answer = NOTHING if row.answer_seconds is None else duration(row.answer_seconds)
        lines.append(
            html.Tr(
                [
                    html.Th(
                        dcc.Link(
                            row.district["name"],
                            href=href(f"/districts/{row.district['district_id']}", source=view.source),
                        ),
                        scope="row",
                    ),
                    right_cell(number(row.district["population"], 0)),
                    right_cell(f"{number(state_of.fresh, 0)} / {number(state_of.devices, 0)}"),
                    right_cell(number(row.devices_per_1000, 1)),
                    right_cell(number(sum(state_of.alerts.values()), 0)),
                    right_cell(number(row.alerts_per_1000, 2)),
                    right_cell(html.Span([answer, " ", text("slow")], className="off-target") if slow else answer),
                ]
            )
        )
    headings = [
        (text("District"), False),
        (text("Inhabitants"), True),
        (text("Fresh devices"), True),
        (text("Devices per 1,000"), True),
        (text("Open alerts"), True),
        (text("Alerts per 1,000"), True),
        (text("Answer"), True),
    ]
    return table(headings, lines, caption=text("Districts with their state and service"))


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
