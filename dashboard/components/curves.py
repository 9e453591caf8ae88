"""The curves of one device: one chart per observed property, with the limits of its rules."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.components.charts import Curve, chart, curve_figure
from dashboard.components.parts import state
from dashboard.components.readings import usable
from dashboard.limits import RuleLimit, lowest_limit
from dashboard.pages.view import View
from dashboard.query import SPANS
from dashboard.shapes import Device, Latest
from dashboard.texts import property_name, text
from dashboard.units import quantity


def limit_words(limit: RuleLimit | None, unit: str) -> str:
    """Return what stands on the line of a limit."""
    if limit is None:
        return ""
    return f"{text(limit.title)}: {limit_quantity(limit, unit)}"


def limit_quantity(limit: RuleLimit, unit: str) -> str:
    """Return a limit with its unit."""
    return quantity(limit.limit, unit, 0 if limit.limit.is_integer() else 1)


def tip_of(row: Latest) -> tuple[str, float] | None:
    """Return the newest reading as the tip of a curve; none that failed its checks, as curves have none."""
    result = usable(row)
    return None if row["phenomenon_time"] is None or result is None else (row["phenomenon_time"], result)


async def device_curves(
    view: View,
    device: Device,
    names: Sequence[str],
    *,
    default_span: str,
    height: int = 190,
    limits: Sequence[RuleLimit] = (),
    ranges: dict[str, tuple[float, float]] | None = None,
) -> list[Component]:
    """Return a chart for each of `names` that the device reports, over the span in the address."""
    rows = {row["property"]: row for row in device["latest"]}
    wanted = [rows[name] for name in names if name in rows]
    length, resolution = SPANS[view.query.span(default_span)]
    span = view.clock.now - length, view.clock.now
    found = await view.api.observations([row["datastream_id"] for row in wanted], *span, resolution)
    by_property = {series["property"]: series for series in found}
    parts: list[Component] = []
    for row in wanted:
        name, series = row["property"], by_property.get(row["property"])
        if series is None or not series["points"]:
            continue
        limit = lowest_limit(limits, name, device)
        figure = curve_figure(
            [Curve(series, property_name(name), tip_of(row), device["expected_interval_seconds"])],
            row["unit"],
            view.zone,
            height=height,
            limit=limit.limit if limit else None,
            limit_words=limit_words(limit, row["unit"]),
            y_range=(ranges or {}).get(name),
            span=span,
        )
        label = text("{property} of {device} over time", property=property_name(name), device=device["name"])
        parts += [html.H3(property_name(name)), chart(figure, key=f"curve-{name}", label=label)]
    if parts:
        return parts
    return [state(text("No reading in this span"), text("Choose a longer one, or see when the device was last heard."))]
