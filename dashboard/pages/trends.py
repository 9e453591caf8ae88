"""Trends: any property of any devices over time, with limits, gaps and doubtful readings visible, and as a table."""

import asyncio
from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.charts import Curve, chart, curve_figure, flagged_trace
from dashboard.components.curves import limit_words
from dashboard.components.marks import instant, replay_chip
from dashboard.components.parts import choices, href, page_head, panel, right_cell, state, table
from dashboard.components.readings import find_latest, live_value
from dashboard.limits import lowest_limit, rule_limits
from dashboard.pages.spans import span_choices
from dashboard.pages.view import View
from dashboard.query import SPANS
from dashboard.shapes import Device, Series
from dashboard.texts import PROPERTY_NAMES, property_name, text
from dashboard.theme import CURVE_COLOURS
from dashboard.units import digits_for, number, unit_label

MOST_CURVES = 8
FIRST = 3  # curves drawn where the address names none
ROWS_SHOWN = 200


async def page(view: View) -> Component:
    """Return the trends page."""
    devices, rules = await asyncio.gather(view.devices(), view.api.rules())
    chips = [] if view.clock.live else [replay_chip(view.clock.source)]
    names = _properties(devices)
    if not names:
        empty = state(text("No reading yet"), text("Curves appear once a device reports."), sign="trends")
        return html.Div([page_head(text("Trends"), "", chips), panel(text("Curves"), empty)], className="contents")
    wanted = view.query.get("property")
    name = wanted if wanted in names else names[0]
    having = sorted((d for d in devices if _reports(d, name)), key=lambda d: d["name"] or d["device_id"])
    chosen = _chosen(view, having)
    length, resolution = SPANS[view.query.span("24h")]
    span = view.clock.now - length, view.clock.now
    streams = [row["datastream_id"] for d in chosen if (row := find_latest(d, name))]
    found = await view.api.observations(streams, *span, resolution)
    unit = found[0]["unit"] if found else ""
    limit = lowest_limit(rule_limits(rules), name)
    by_device = {series["device_id"]: series for series in found}
    curves = [
        Curve(by_device[d["device_id"]], d["name"] or d["device_id"], None, d["expected_interval_seconds"])
        for d in chosen
        if d["device_id"] in by_device
    ]
    figure = curve_figure(
        curves,
        unit,
        view.zone,
        height=420,
        limit=limit.limit if limit else None,
        limit_words=limit_words(limit, unit),
        span=span,
    )
    for position, curve in enumerate(curves):
        if trace := flagged_trace(curve, view.zone, CURVE_COLOURS[position % len(CURVE_COLOURS)]):
            figure["data"].append(trace)
    label = text("{property} of {n} devices over time", property=property_name(name), n=len(curves))
    body = chart(figure, key="trends", label=label) if any(s["points"] for s in found) else _nothing()
    return html.Div(
        [
            page_head(text("Trends"), property_name(name), [*chips, span_choices(view, "24h")]),
            _property_choice(view, names, name),
            html.Div(
                [
                    panel(text("Devices"), _devices(view, having, chosen, name), flush=True, scroll="640px"),
                    panel(
                        property_name(name),
                        [body, _values(curves, unit)],
                        note=text("a gap is a gap in the data; a cross marks readings that failed or are in doubt"),
                        right=[_export(view, chosen, name, length.total_seconds())],
                    ),
                ],
                className="grid list-left narrow",
            ),
        ],
        style={"display": "contents"},
    )


def _nothing() -> Component:
    return state(text("No reading in this span"), text("Choose a longer one, or other devices."), sign="trends")


def _reports(device: Device, name: str) -> bool:
    """Return whether there ever was a reading: a profile may promise properties that a device never sends."""
    row = find_latest(device, name)
    return row is not None and row["phenomenon_time"] is not None


def _properties(devices: Sequence[Device]) -> list[str]:
    found = {row["property"] for device in devices for row in device["latest"] if row["phenomenon_time"]}
    order = list(PROPERTY_NAMES)
    return sorted(found, key=lambda one: (order.index(one) if one in order else len(order), one))


def _chosen(view: View, having: Sequence[Device]) -> list[Device]:
    """Return the devices that the address names, or the first few; in the order of the list."""
    wanted = set((view.query.get("devices") or "").split(","))
    named = [device for device in having if device["device_id"] in wanted]
    return named[:MOST_CURVES] or list(having[:FIRST])


def _kept(view: View) -> dict[str, str | None]:
    return {"source": view.source, "span": view.query.get("span")}


def _property_choice(view: View, names: Sequence[str], now: str) -> Component:
    options = [(property_name(one), href("/trends", **_kept(view), property=one), one == now) for one in names]
    return html.Div(choices(text("Property"), options), className="filters wrap")


def _devices(view: View, having: Sequence[Device], chosen: Sequence[Device], name: str) -> Component:
    """Return the devices that report the property; a click takes one in or out."""
    ids = [device["device_id"] for device in chosen]
    rows = []
    for device in having:
        one = device["device_id"]
        shown = one in ids
        others = [each for each in ids if each != one] if shown else [*ids, one][-MOST_CURVES:]
        target = href("/trends", **_kept(view), property=name, devices=",".join(others))
        words = text("Take {name} out", name=device["name"]) if shown else text("Add {name}", name=device["name"])
        rows.append(
            html.Tr(
                [
                    html.Td(
                        dcc.Link(
                            [html.Span("☑ " if shown else "☐ ", **{"aria-hidden": "true"}), device["name"] or one],
                            href=target,
                            title=words,
                        )
                    ),
                    right_cell(live_value(find_latest(device, name), with_unit=False)),
                ],
                **{"data-selected": "true" if shown else "false"},
            )
        )
    return table([(text("Device"), False), (text("Now"), True)], rows, caption=text("Devices with this property"))


def _values(curves: Sequence[Curve], unit: str) -> Component:
    """Return the newest points of the first curve as a table, with what their quality is."""
    rows: list[Component] = []
    for curve in curves:
        series: Series = curve.series
        for point in series["points"][-ROWS_SHOWN // max(1, len(curves)) :]:
            share = point["good_share"]
            doubt = "" if share is None or share >= 1 else text("{n} % good", n=number(100 * share, 0))
            rows.append(
                html.Tr(
                    [
                        html.Td(instant(point["time"], seconds=series["resolution"] == "raw")),
                        html.Td(curve.name),
                        right_cell(number(point["value"], digits_for(unit))),
                        html.Td(doubt),
                    ]
                )
            )
    headings = [
        (text("Time"), False),
        (text("Device"), False),
        (f"{text('Value')}, {unit_label(unit)}".rstrip(", "), True),
        (text("Quality"), False),
    ]
    data = html.Div(table(headings, rows, caption=text("Values of the curves")), className="scroll short")
    return html.Details([html.Summary(text("Values with their quality")), data], className="as-table")


def _export(view: View, chosen: Sequence[Device], name: str, seconds: float) -> Component:
    if len(chosen) != 1:
        return html.Span()
    since = (view.clock.now.timestamp() - seconds) // 1
    at = view.clock.now.fromtimestamp(since, tz=view.clock.now.tzinfo).isoformat()
    target = href("/api/v1/export/observations.csv", device_id=chosen[0]["device_id"], property=name, since=at)
    return html.A("CSV", href=target, className="button", download="observations.csv")
