"""Traffic: corridor speeds by hour, every detector with its level, and the curves of the one that is selected."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.bands import SERVICE_EDITION, percentile, service_level
from dashboard.components.charts import chart, local_text
from dashboard.components.curves import device_curves
from dashboard.components.districts import mean
from dashboard.components.heat import heat_figure
from dashboard.components.icons import icon
from dashboard.components.marks import freshness_chip, replay_chip
from dashboard.components.parts import choices, href, page_head, panel, part, right_cell, state, table
from dashboard.components.readings import device_age, find_latest, live_value, result_of
from dashboard.dates import instant_words
from dashboard.pages.spans import span_choices
from dashboard.pages.view import View
from dashboard.shapes import Device, Series
from dashboard.texts import plural, text
from dashboard.units import NOTHING, number, parse_time, present

HOURS = 24
HALF = timedelta(minutes=30)  # a cell of the heat map is centred on its hour
CURVES = ("vehicle_speed", "vehicle_flow", "occupancy")
UNUSUAL = 3.5  # robust deviations: Iglewicz and Hoaglin (1993)
LEVEL_STYLES = {"D": "level poor", "E": "level poor", "F": "level bad"}


@dataclass(frozen=True, slots=True)
class Detector:
    """One detector with its speed per hour, its free-flow speed of the day and its newest level of service."""

    device: Device
    corridor: str
    hours: tuple[float | None, ...]
    free_flow: float | None
    level: str | None


def corridor_of(device: Device) -> str:
    """Return the road and direction that a detector's name starts with, up to its place along the road."""
    name = device["name"] or device["device_id"]
    return name.rsplit(",", 1)[0]


def hour_starts(now: datetime) -> list[datetime]:
    """Return the starts of the last 24 hours, the running one last."""
    this = now.replace(minute=0, second=0, microsecond=0)
    return [this - timedelta(hours=back) for back in range(HOURS - 1, -1, -1)]


def detectors(devices: Sequence[Device], series: Sequence[Series], now: datetime) -> list[Detector]:
    """Return detectors with their hourly speeds and their level of service, the worst level first."""
    by_device = {one["device_id"]: {parse_time(p["time"]): p["value"] for p in one["points"]} for one in series}
    found = []
    for device in devices:
        hourly = by_device.get(device["device_id"], {})
        speeds = present(hourly.values())
        # For the heat map, the 85th percentile (FHWA); of hourly means, which needs a day with a quiet hour in it.
        free_flow = percentile(speeds, 0.85) if len(speeds) >= 3 else None
        hours = tuple(hourly.get(start) for start in hour_starts(now))
        level = service_level(result_of(device, "level_of_service"))
        found.append(Detector(device, corridor_of(device), hours, free_flow, level))
    return sorted(found, key=lambda d: ("FEDCBA".find(d.level) if d.level else 9, natural(d.device["name"])))


async def page(view: View) -> Component:
    """Return the traffic page."""
    now = view.clock.now
    every, series = await asyncio.gather(
        view.devices("traffic"),
        view.api.curves(
            ["vehicle_speed"], hour_starts(now)[0], now, "hour", source_id=view.source_id, domain="traffic"
        ),
    )
    devices = [d for d in every if d["latest"]]
    chips = [] if view.clock.live else [replay_chip(view.clock.source)]
    head = page_head(
        text("Traffic"), plural("{n} detector", "{n} detectors", len(devices)), [*chips, span_choices(view, "24h")]
    )
    if not devices:
        empty = state(text("No detector reports here"), text("Speeds and flows appear once one does."), sign="traffic")
        return html.Div([head, panel(text("Detectors"), empty)], style={"display": "contents"})
    found = detectors(devices, series, now)
    wanted = view.query.get("device")
    chosen = next((d for d in found if d.device["device_id"] == wanted), found[0])
    charts = await device_curves(view, chosen.device, CURVES, default_span="24h")
    parts = [head]
    if series:
        parts.append(_heat_panel(view, found))
    parts.append(
        html.Div(
            [
                panel(
                    text("Detectors"),
                    part("detectors", _table(view, found, chosen), device=chosen.device["device_id"]),
                    note=text("worst level first"),
                    flush=True,
                    scroll="640px",
                ),
                panel(chosen.device["name"] or chosen.device["device_id"], charts, right=[_open(view, chosen.device)]),
            ],
            className="grid list-left",
        )
    )
    return html.Div(parts, style={"display": "contents"})


def _open(view: View, device: Device) -> Component:
    return dcc.Link(
        text("Open device"), href=href(f"/devices/{device['device_id']}", source=view.source), className="button"
    )


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One row of the heat map: speed per hour, and the free-flow speed that it is held against."""

    name: str
    speeds: list[float | None]
    free_flow: float | None

    def shares(self) -> list[float | None]:
        """Return each hour's speed in percent of free flow, at most 100."""
        free = self.free_flow
        return [min(100.0, 100 * speed / free) if speed is not None and free else None for speed in self.speeds]


def heat_rows(found: Sequence[Detector], corridor: str | None) -> list[HeatRow]:
    """Return corridors by mean, or the detectors along one corridor in order of place."""
    if corridor is not None:
        along = sorted((d for d in found if d.corridor == corridor), key=lambda d: natural(d.device["name"]))
        return [HeatRow(d.device["name"] or d.device["device_id"], list(d.hours), d.free_flow) for d in along]
    rows = []
    for name in sorted({d.corridor for d in found}):
        here = [d for d in found if d.corridor == name]
        columns = zip(*(d.hours for d in here), strict=True)
        rows.append(
            HeatRow(name, [mean(present(column)) for column in columns], mean(present(d.free_flow for d in here)))
        )
    return rows


def natural(name: str) -> list[tuple[bool, float, str]]:
    """Return a sort key that puts km 2 before km 10."""
    parts = re.split(r"(\d+(?:\.\d+)?)", name)
    # What \d takes is decimal; "①" is a digit too, and no number.
    return [(part[:1].isdecimal(), float(part) if part[:1].isdecimal() else 0.0, part) for part in parts if part]


def _heat_panel(view: View, found: Sequence[Detector]) -> Component:
    corridors = sorted({d.corridor for d in found})
    corridor = view.query.get("corridor") if view.query.get("corridor") in corridors else None
    rows = heat_rows(found, corridor)
    figure = heat_figure(
        [row.name for row in rows],
        [local_text(start + HALF, view.zone) for start in hour_starts(view.clock.now)],
        [row.shares() for row in rows],
        "%",
        low=0,
        high=100,
        words=[[f"{number(speed, 0)} km/h" for speed in row.speeds] for row in rows],
    )
    kept = {"source": view.source, "span": view.query.get("span")}
    options = [(text("All corridors"), href("/traffic", **kept), corridor is None)]
    if corridor is not None:
        options.append((corridor, href("/traffic", **kept, corridor=corridor), True))
    links = html.Details(
        [
            html.Summary(text("One corridor")),
            html.Ul(
                [html.Li(dcc.Link(name, href=href("/traffic", **kept, corridor=name))) for name in corridors],
                className="plain-list",
            ),
        ],
        className="corridors",
    )
    label = text("Mean speed of each corridor in each of the last 24 hours")
    return panel(
        text("Speed by hour"),
        [
            part("heat", chart(figure, key="speed-heat", label=label)),
            links,
        ],
        note=text("share of free flow: grey is free, brown is slow, a gap is an hour without readings"),
        right=[choices(text("Corridor"), options)],
    )


def _level(detector: Detector) -> Component | str:
    if detector.level is None:
        return "–"
    row = find_latest(detector.device, "level_of_service")
    assert row is not None, "it has a level"
    words = text("quarter of an hour up to {at}", at=instant_words(row["phenomenon_time"]))
    return html.Span(detector.level, className=LEVEL_STYLES.get(detector.level, "level"), title=words)


def _usual_speed(device: Device) -> Component | str:
    """Return the speed that is usual at this hour of the week; it stands out where the last full hour was not usual."""
    usual, off = result_of(device, "vehicle_speed_usual"), result_of(device, "vehicle_speed_deviation")
    if usual is None:
        return NOTHING
    if off is None or abs(off) <= UNUSUAL:
        return number(usual, 0)
    words = text("the last full hour was {n} robust deviations off", n=number(off, 1))
    return html.Span([icon("error", size=13, label=words), number(usual, 0)], className="off-target", title=words)


def _table(view: View, found: Sequence[Detector], chosen: Detector) -> list[Component]:
    kept = {"source": view.source, "span": view.query.get("span"), "corridor": view.query.get("corridor")}
    rows = []
    for one in found:
        device = one.device
        late: list[Component | str] = []
        if device["freshness"] != "fresh":
            late = [" ", freshness_chip(device["freshness"])]
        if result_of(device, "incident_ahead"):
            late += [" ", html.Span([icon("error", size=13), text("incident ahead")], className="off-target")]
        rows.append(
            html.Tr(
                [
                    html.Td(
                        [
                            dcc.Link(
                                device["name"] or device["device_id"],
                                href=href("/traffic", **kept, device=device["device_id"]),
                            ),
                            *late,
                        ]
                    ),
                    html.Td(_level(one)),
                    right_cell(live_value(find_latest(device, "vehicle_speed"), with_unit=False)),
                    right_cell(_usual_speed(device)),
                    right_cell(live_value(find_latest(device, "vehicle_flow"), with_unit=False)),
                    right_cell(live_value(find_latest(device, "occupancy"), with_unit=False)),
                    right_cell(device_age(device)),
                ],
                **{"data-selected": "true" if one is chosen else "false"},
            )
        )
    headings = [
        (text("Detector"), False),
        (text("Level"), False),
        (text("Speed, km/h"), True),
        (text("Usual, km/h"), True),
        (text("Flow, veh/h"), True),
        (text("Occupancy, %"), True),
        (text("Heard"), True),
    ]
    return [
        table(headings, rows, caption=text("Detectors with their level of service")),
        html.P(
            text(SERVICE_EDITION) + ". " + text("A planning measure: rules, not levels, raise alerts."),
            className="method",
        ),
    ]
