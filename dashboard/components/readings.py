"""Readings on screen: a number that the live feed rewrites, its unit, its age, and its bar where it is a share.

These are leaves that the scripts write to, found by `data-` attributes: a component with an id of its own for each
of a thousand numbers makes the page library slow, as it looks through all ids for each.
"""

from dash import html
from dash.development.base_component import Component

from dashboard.shapes import Device, Latest
from dashboard.texts import PROPERTY_NAMES
from dashboard.units import digits_for, unit_label


def find_latest(device: Device, name: str) -> Latest | None:
    """Return the newest observation of one property of a device."""
    return next((row for row in device["latest"] if row["property"] == name), None)


def by_importance(device: Device) -> list[Latest]:
    """Return a device's newest observations: what its domain is about first, its own health last."""
    known = list(PROPERTY_NAMES)
    return sorted(device["latest"], key=lambda r: known.index(r["property"]) if r["property"] in known else len(known))


def usable(row: Latest | None) -> float | None:
    """Return the value of an observation that may be used: not one that failed its checks."""
    return row["result"] if row is not None and row["quality"] in (1, 2, 3) else None


def result_of(device: Device, name: str) -> float | None:
    """Return the newest value of one property that may be used."""
    return usable(find_latest(device, name))


def live_value(row: Latest | None, *, with_unit: bool = True) -> list[Component]:
    """Return a value that follows the live feed; the browser writes the number, and words where it is not good."""
    if row is None:
        return [html.Span("–", className="soft")]
    value = "" if row["result"] is None else repr(row["result"])
    marks = {"data-stream": str(row["datastream_id"]), "data-digits": str(digits_for(row["unit"])), "data-value": value}
    parts: list[Component] = [html.Span(className="live-value number", **marks)]
    if with_unit and (label := unit_label(row["unit"])):
        parts.append(html.Span(f"\u00a0{label}", className="soft"))
    quality = {"data-stream": str(row["datastream_id"]), "data-quality": str(row["quality"] or "")}
    return [*parts, html.Span(className="live-quality chip", **quality)]


def device_age(device: Device) -> Component:
    """Return how long ago a device was heard; follows the live feed."""
    return html.Time(className="age", **{"data-device": device["device_id"], "data-at": device["last_time"] or ""})


def share_bar(row: Latest | None, limit: float | None) -> Component:
    """Return a 0 to 100 bar that follows the live feed, with a line at `limit`."""
    value = usable(row)
    parts: list[Component] = []
    if row is not None:
        parts.append(
            html.I(
                className="live-bar",
                **{"data-stream": str(row["datastream_id"])},
                style={"width": f"{min(100.0, max(0.0, value or 0.0)):.1f}%"},
            )
        )
    if limit is not None:
        parts.append(html.B(style={"left": f"{limit:g}%"}))
    over = limit is not None and value is not None and value >= limit
    return html.Span(parts, className="bar over" if over else "bar", **{"aria-hidden": "true"})
