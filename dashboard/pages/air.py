"""Air: each station's level now, its pollutants over time against all others, and small multiples on one scale."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.bands import EAQI_BOUNDS, EAQI_EDITION, Band, air_band
from dashboard.components.charts import Curve, chart, context_trace, curve_figure
from dashboard.components.curves import limit_quantity, tip_of
from dashboard.components.index_calendar import level_class
from dashboard.components.marks import freshness_chip, replay_chip
from dashboard.components.parts import href, page_head, panel, part, right_cell, state, table
from dashboard.components.readings import device_age, find_latest, live_value
from dashboard.components.spark import spark
from dashboard.limits import RuleLimit, lowest_limit, rule_limits
from dashboard.pages.spans import span_choices
from dashboard.pages.view import View
from dashboard.query import MANY, SPANS
from dashboard.shapes import Device, JsonObject, Series
from dashboard.texts import plural, property_name, text
from dashboard.theme import CURVE_COLOURS
from dashboard.units import number, present, quantity, unit_label

POLLUTANTS = ("pm2_5", "no2", "o3")
INDICES = ("us_aqi",)  # derived observations, from the indicators
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Station:
    """One station with its series and the band of its last hour."""

    device: Device
    series: Mapping[str, Series]
    band: Band | None


def stations(devices: Sequence[Device], found: Sequence[Series], now_hour: Mapping[int, float | None]) -> list[Station]:
    """Return stations, worst band first. `now_hour` is each datastream's mean over the last hour."""
    made = []
    for device in devices:
        series = {one["property"]: one for one in found if one["device_id"] == device["device_id"]}
        means = {row["property"]: now_hour.get(row["datastream_id"]) for row in device["latest"]}
        made.append(Station(device, series, air_band(means)))
    return sorted(made, key=lambda s: (-(s.band.level if s.band else 0), s.device["name"]))


def last_hour_means(found: Sequence[Series]) -> dict[int, float | None]:
    """Return the mean of the readings of each series: asked for the quarters of the last hour, that is the hour's."""
    means: dict[int, float | None] = {}
    for one in found:
        there = [(p["value"], p["n"]) for p in one["points"] if p["value"] is not None and p["n"]]
        readings = sum(n for _, n in there)
        means[one["datastream_id"]] = sum(value * n for value, n in there) / readings if readings else None
    return means


async def page(view: View) -> Component:
    """Return the air page."""
    now = view.clock.now
    span, resolution = SPANS[view.query.span("24h")]
    resolution = MANY.get(resolution, resolution)
    every, found, hour, rules = await asyncio.gather(
        view.devices("air"),
        view.api.curves(POLLUTANTS, now - span, now, resolution, source_id=view.source_id, domain="air"),
        view.api.curves(tuple(EAQI_BOUNDS), now - HOUR, now, "quarter", source_id=view.source_id, domain="air"),
        view.api.rules(),
    )
    devices = [d for d in every if d["latest"]]
    chips = [] if view.clock.live else [replay_chip(view.clock.source)]
    if not devices:
        empty = state(text("No air station reports here"), text("Values appear once one does."), sign="air")
        head = page_head(text("Air"), "", chips)
        return html.Div([head, panel(text("Stations"), empty)], style={"display": "contents"})
    here = stations(devices, found, last_hour_means(hour))
    wanted = view.query.get("device")
    chosen = next((s for s in here if s.device["device_id"] == wanted), here[0])
    limits = rule_limits(rules)
    outlook_link = dcc.Link(
        text("Outlook"),
        href=href("/air/outlook", source=view.source, device=chosen.device["device_id"]),
        className="button",
    )
    head = page_head(
        text("Air"),
        plural("{n} station, indicative values", "{n} stations, indicative values", len(here)),
        [*chips, outlook_link, span_choices(view, "24h")],
    )
    return html.Div(
        [
            head,
            html.Div(
                [_pollutant(view, name, here, chosen, limits) for name in POLLUTANTS if _any(here, name)],
                className="grid three",
            ),
            html.Div(
                [
                    panel(
                        text("Stations"),
                        part("stations", _table(view, here, chosen), device=chosen.device["device_id"]),
                        note=f"{text('worst level first')}, {unit_label('ug/m3')}",
                        flush=True,
                        scroll="560px",
                    ),
                    panel(
                        text("PM2.5 by station"),
                        part("multiples", _multiples(view, here)),
                        note=text("one scale for all, so that heights compare"),
                        scroll="560px",
                    ),
                ],
                className="grid two",
            ),
        ],
        style={"display": "contents"},
    )


def _any(here: Sequence[Station], name: str) -> bool:
    return any(name in station.series for station in here)


def context_figure(
    here: Sequence[Station],
    chosen: Station,
    name: str,
    zone: tzinfo,
    limit: RuleLimit | None,
    span: tuple[datetime, datetime],
) -> JsonObject:
    """Return the chosen station's curve over those of all others, which are grey: context, not data to act on."""
    one = chosen.series.get(name)
    row = find_latest(chosen.device, name)
    others = [Curve(s.series[name], s.device["name"]) for s in here if s is not chosen and name in s.series]
    behind = [context_trace(others, zone)] if others else []
    unit = next(s.series[name]["unit"] for s in here if name in s.series)
    mine = []
    if one is not None:
        tip = tip_of(row) if row else None
        mine = [Curve(one, chosen.device["name"], tip, chosen.device["expected_interval_seconds"])]
    figure = curve_figure(
        mine,
        unit,
        zone,
        height=250,
        limit=limit.limit if limit else None,
        # Three beside each other: the rule's title would be cut.
        limit_words=text("limit {n}", n=limit_quantity(limit, unit)) if limit else "",
        span=span,
        room_for=present(point["value"] for curve in others for point in curve.series["points"]),
    )
    for trace in figure["data"]:
        trace["showlegend"] = False
        if trace["mode"] == "markers":
            trace["marker"]["color"] = CURVE_COLOURS[0]
        else:
            trace["line"] = {"color": CURVE_COLOURS[0], "width": 2.4}
    figure["data"] = [*behind, *figure["data"]]
    figure["layout"]["margin"]["t"] = 10
    return figure


def _pollutant(
    view: View, name: str, here: Sequence[Station], chosen: Station, limits: Sequence[RuleLimit]
) -> Component:
    length, _ = SPANS[view.query.span("24h")]
    span = view.clock.now - length, view.clock.now
    figure = context_figure(here, chosen, name, view.zone, lowest_limit(limits, name), span)
    value = live_value(find_latest(chosen.device, name))
    label = text(
        "{property} at {station} over the span, other stations in grey",
        property=property_name(name),
        station=chosen.device["name"],
    )
    return panel(
        property_name(name, short=True),
        chart(figure, key=f"air-{name}", label=label),
        note=chosen.device["name"],
        right=[html.Span(value, className="head-value")],
    )


def _band(station: Station) -> Component | str:
    band = station.band
    if band is None:
        return "–"
    words = text(band.name)
    return html.Span(
        [html.Span(str(band.level), className=level_class(band)), f" {words}"], title=property_name(band.responsible)
    )


def _table(view: View, here: Sequence[Station], chosen: Station) -> list[Component]:
    kept = {"source": view.source, "span": view.query.get("span")}
    rows = []
    for station in here:
        device = station.device
        late = [] if device["freshness"] == "fresh" else [" ", freshness_chip(device["freshness"])]
        link = dcc.Link(device["name"] or device["device_id"], href=href("/air", **kept, device=device["device_id"]))
        values = [right_cell(live_value(find_latest(device, name), with_unit=False)) for name in POLLUTANTS]
        rows.append(
            html.Tr(
                [
                    html.Td([link, *late]),
                    html.Td(_band(station), className="one-line"),
                    *values,
                    *(right_cell(live_value(find_latest(device, name), with_unit=False)) for name in INDICES),
                    right_cell(device_age(device)),
                ],
                **{"data-selected": "true" if station is chosen else "false"},
            )
        )
    headings = [
        (text("Station"), False),
        (text("Level"), False),
        *((property_name(name, short=True), True) for name in POLLUTANTS),
        *((property_name(name, short=True), True) for name in INDICES),
        (text("Heard"), True),
    ]
    return [
        table(headings, rows, caption=text("Stations with their level")),
        html.P(text(EAQI_EDITION) + ". " + text("Sensors are indicative, never regulatory."), className="method"),
    ]


def _highest(station: Station, name: str) -> float:
    series = station.series.get(name)
    return max(present(p["value"] for p in series["points"]), default=0.0) if series else 0.0


def _multiples(view: View, here: Sequence[Station]) -> Component:
    name = "pm2_5"
    values = [v for s in here if name in s.series for v in present(p["value"] for p in s.series[name]["points"])]
    top = max([10.0, *values])
    kept = {"source": view.source, "span": view.query.get("span")}
    items = []
    for station in sorted(here, key=lambda s: (-_highest(s, name), s.device["name"])):
        series = station.series.get(name)
        points = [p["value"] for p in series["points"]] if series else []
        highest = max(present(points), default=None)
        device = station.device
        items.append(
            html.Li(
                [
                    dcc.Link(
                        device["name"] or device["device_id"], href=href("/air", **kept, device=device["device_id"])
                    ),
                    spark(points, text("PM2.5 over the span, highest {n}", n=number(highest, 0)), low=0.0, high=top),
                    html.Span(text("max {n}", n=quantity(highest, "ug/m3", 0)), className="soft number"),
                ]
            )
        )
    return html.Ul(items, className="multiples")
