"""Waste: every bin, fullest first, against the limit that a rule sets, and the course of the one selected."""

import asyncio
from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.curves import device_curves
from dashboard.components.districts import DUE
from dashboard.components.fullness import full_in, full_words
from dashboard.components.icons import icon
from dashboard.components.marks import freshness_chip, replay_chip, severity_chip
from dashboard.components.parts import href, page_head, panel, part, right_cell, state, table
from dashboard.components.readings import device_age, find_latest, live_value, result_of, share_bar
from dashboard.limits import lowest_limit, rule_limits
from dashboard.pages.spans import span_choices
from dashboard.pages.view import View
from dashboard.shapes import Device
from dashboard.texts import text
from dashboard.units import NOTHING, duration, number, parse_time, present

CURVES = ("fill_level", "time_to_full", "bin_temperature", "battery")
CLASSES = ((0, 25), (25, 50), (50, 75), (75, 90), (90, 101))


def fullest_first(devices: Sequence[Device]) -> list[Device]:
    """Return bins by fill level, those without a usable one last."""
    return sorted(
        devices, key=lambda d: (-(fill if (fill := result_of(d, "fill_level")) is not None else -1), d["name"])
    )


def fill_classes(devices: Sequence[Device]) -> list[tuple[str, int]]:
    """Return how many bins are in each class of fill: the classes are what such sensors can be trusted with."""
    fills = present(result_of(device, "fill_level") for device in devices)
    return [
        (text("{low} to {high} %", low=low, high=min(high, 100)), sum(low <= fill < high for fill in fills))
        for low, high in CLASSES
    ]


async def page(view: View) -> Component:
    """Return the waste page."""
    every, rules = await asyncio.gather(view.devices("waste"), view.api.rules())
    devices = [d for d in every if d["latest"]]
    chips = [] if view.clock.live else [replay_chip(view.clock.source)]
    if not devices:
        empty = state(text("No bin reports here"), text("Fill levels appear once one does."), sign="waste")
        head = page_head(text("Waste"), "", chips)
        return html.Div([head, panel(text("Bins"), empty)], style={"display": "contents"})
    limits = rule_limits(rules)
    ordered = fullest_first(devices)
    wanted = view.query.get("device")
    chosen = next((d for d in ordered if d["device_id"] == wanted), ordered[0])
    rising = lowest_limit(limits, "fill_level")
    limit = rising.limit if rising else DUE
    due = sum((result_of(d, "fill_level") or 0) >= limit for d in ordered)
    note = text("{due} of {all} bins at {limit} % or more", due=due, all=len(ordered), limit=f"{limit:g}")
    curves = await device_curves(
        view,
        chosen,
        CURVES,
        default_span="24h",
        limits=limits,
        height=210,
        ranges={"fill_level": (0, 104), "battery": (0, 104)},
    )
    open_link = dcc.Link(
        text("Open device"), href=href(f"/devices/{chosen['device_id']}", source=view.source), className="button"
    )
    plan_link = dcc.Link(text("Collection plan"), href=href("/waste/plan", source=view.source), className="button")
    return html.Div(
        [
            page_head(text("Waste"), part("note", note), [*chips, plan_link, span_choices(view, "24h")]),
            part("classes", _classes(ordered)),
            html.Div(
                [
                    panel(
                        text("Bins"),
                        part("bins", _table(view, ordered, chosen, limit), device=chosen["device_id"]),
                        note=text("fullest first"),
                        flush=True,
                        scroll="760px",
                    ),
                    panel(
                        chosen["name"] or chosen["device_id"],
                        [part("full", full_words(chosen), device=chosen["device_id"]), *curves],
                        right=[part("marks", _marks(chosen), device=chosen["device_id"]), open_link],
                    ),
                ],
                className="grid list-left",
            ),
        ],
        style={"display": "contents"},
    )


def _marks(device: Device) -> list[Component]:
    marks = [] if device["worst_severity"] is None else [severity_chip(device["worst_severity"])]
    return [*marks, freshness_chip(device["freshness"])]


def _classes(devices: Sequence[Device]) -> Component:
    counts = fill_classes(devices)
    most = max(count for _, count in counts) or 1
    items = [
        html.Li(
            [
                html.Span(words, className="label"),
                html.Span(str(count), className="value number"),
                html.Span(
                    html.Span(html.I(style={"width": f"{100 * count / most:.0f}%"}), className="bar"), className="wide"
                ),
            ],
            className="figure",
        )
        for words, count in counts
    ]
    return html.Ul(items, className="figures", **{"aria-label": text("Bins by fill level")})


def _emptied(view: View, device: Device) -> Component | str:
    """Return how long ago a bin was last seen to be emptied, and, where one points at it, at which level."""
    row = find_latest(device, "emptied_from")
    if row is None or row["result"] is None or (at := parse_time(row["phenomenon_time"])) is None:
        return NOTHING
    words = text("{span} ago", span=duration(max(0.0, (view.clock.now - at).total_seconds())))
    return html.Span(words, title=text("at {level} %", level=number(row["result"], 0)))


def _table(view: View, devices: Sequence[Device], chosen: Device, limit: float) -> Component:
    kept = {"source": view.source, "span": view.query.get("span")}
    rows = []
    for device in devices:
        fill = find_latest(device, "fill_level")
        over = (result_of(device, "fill_level") or 0) >= limit
        marks: list[Component | str] = []
        if device["freshness"] != "fresh":
            marks += [" ", freshness_chip(device["freshness"])]
        rows.append(
            html.Tr(
                [
                    html.Td(
                        [
                            dcc.Link(
                                device["name"] or device["device_id"],
                                href=href("/waste", **kept, device=device["device_id"]),
                            ),
                            *marks,
                        ],
                        className="name-cell",
                    ),
                    html.Td(share_bar(fill, limit), className="bar-cell"),
                    right_cell(
                        [
                            *(
                                [icon("error", size=13, label=text("over the limit"), class_name="over-sign")]
                                if over
                                else []
                            ),
                            *live_value(fill),
                        ]
                    ),
                    right_cell(full_in(device)),
                    right_cell(_emptied(view, device)),
                    right_cell(live_value(find_latest(device, "bin_temperature"))),
                    right_cell(device_age(device)),
                ],
                **{"data-selected": "true" if device is chosen else "false"},
            )
        )
    headings = [
        (text("Bin"), False),
        (text("Fill"), False),
        ("%", True),
        (text("Full in"), True),
        (text("Emptied"), True),
        (text("Temperature"), True),
        (text("Heard"), True),
    ]
    return table(headings, rows, caption=text("Bins by fill level, fullest first"))
