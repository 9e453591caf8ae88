"""Charts as pure functions from the API's JSON to plotly figures. Colours of text and lines come from the style sheet.

A trace says by `meta` which datastream it draws and how many points it keeps, so that the live feed can extend it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import cache
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.dates import axis_formats, conventions
from dashboard.shapes import JsonObject, Point, Series
from dashboard.texts import ENGLISH, language, separators, text
from dashboard.theme import CURVE_COLOURS, DASHES
from dashboard.units import digits_for, parse_time, present, unit_label

# Only readings and minutes grow by single readings; a coarser curve has a tip that moves instead.
GROWING = frozenset({"raw", "minute"})
STEP = {"minute": 60.0, "quarter": 900.0, "hour": 3600.0, "day": 86400.0}
KEEP = 3000


@dataclass(frozen=True, slots=True)
class Curve:
    """One series with the words for its legend, and the newest reading where the series is coarser than readings."""

    series: Series
    name: str
    tip: tuple[str, float] | None = None
    expected_seconds: float | None = None


def local_text(at: str | datetime, zone: tzinfo) -> str:
    """Return an instant as plotly takes it: without an offset, in the reader's zone."""
    instant = parse_time(at) if isinstance(at, str) else at
    assert instant is not None
    return instant.astimezone(zone).isoformat(timespec="milliseconds")[:23]


def base_layout(unit: str, *, height: int, y_range: tuple[float, float] | None = None) -> JsonObject:
    """Return the layout that all charts share."""
    y_axis: JsonObject = {
        "title": {"text": unit_label(unit), "standoff": 8, "font": {"size": 12}},
        "zeroline": False,
        "rangemode": "tozero",
        "fixedrange": True,
        "nticks": 6,
    }
    if y_range is not None:
        y_axis["range"] = list(y_range)
    return {
        "height": height,
        "margin": {"l": 54, "r": 14, "t": 10, "b": 40},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 12},
        "hovermode": "x unified",
        "dragmode": False,
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 12}},
        "xaxis": {
            "type": "date",
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            # As many as stand side by side, date and all, in a chart a third of the screen wide.
            "nticks": 4,
            "tickangle": 0,
        },
        "yaxis": y_axis,
    }


def gapped(points: Sequence[Point], zone: tzinfo, gap: timedelta | None) -> tuple[list[str], list[float | None]]:
    """Return x and y, broken where two points are further apart than `gap`: a hole is shown, never bridged."""
    xs: list[str] = []
    ys: list[float | None] = []
    before: datetime | None = None
    for point in points:
        at = parse_time(point["time"])
        assert at is not None
        shown = local_text(at, zone)
        if gap is not None and before is not None and at - before > gap:
            xs.append(shown)
            ys.append(None)
        xs.append(shown)
        ys.append(point["value"])
        before = at
    return xs, ys


def _gap(curve: Curve) -> timedelta | None:
    step = STEP.get(curve.series["resolution"], 0.0)
    expected = curve.expected_seconds or 0.0
    longest = max(2.5 * step, 3.0 * expected)
    return timedelta(seconds=longest) if longest else None


def curve_figure(
    curves: Sequence[Curve],
    unit: str,
    zone: tzinfo,
    *,
    height: int = 280,
    limit: float | None = None,
    limit_words: str = "",
    y_range: tuple[float, float] | None = None,
    span: tuple[datetime, datetime] | None = None,
    room_for: Sequence[float] = (),
) -> JsonObject:
    """Return a figure of curves in one unit, with a limit line where there is one, and room for other values."""
    traces: list[JsonObject] = []
    digits = digits_for(unit)
    for number, curve in enumerate(curves):
        colour = CURVE_COLOURS[number % len(CURVE_COLOURS)]
        dash = DASHES[number // len(CURVE_COLOURS) % len(DASHES)]
        xs, ys = gapped(curve.series["points"], zone, _gap(curve))
        grows = curve.series["resolution"] in GROWING
        stream = curve.series["datastream_id"]
        hover = f"%{{y:.{digits}f}} {unit_label(unit)}<extra>{curve.name}</extra>"
        trace: JsonObject = {
            "type": "scatter",
            "mode": "lines" if len(xs) > 1 else "lines+markers",
            "name": curve.name,
            "x": xs,
            "y": ys,
            "line": {"color": colour, "width": 1.8, "dash": dash},
            "connectgaps": False,
            "hovertemplate": hover,
            "showlegend": len(curves) > 1,
            "legendgroup": str(stream),
        }
        if grows:
            trace["meta"] = {"datastream": stream, "keep": KEEP, "raw": curve.series["resolution"] == "raw"}
        traces.append(trace)
        if curve.tip is not None and not grows:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": curve.name,
                    "x": [local_text(curve.tip[0], zone)],
                    "y": [curve.tip[1]],
                    "marker": {"color": colour, "size": 7},
                    "hovertemplate": hover,
                    "showlegend": False,
                    "legendgroup": str(stream),
                    "meta": {"datastream": stream, "keep": 1},
                }
            )
    layout = base_layout(unit, height=height, y_range=y_range)
    if span is not None:
        # A little room at the right for what arrives; the live feed moves the window on.
        layout["xaxis"]["range"] = [local_text(at, zone) for at in (span[0], span[1] + (span[1] - span[0]) / 50)]
    if len(curves) > 1:
        layout["margin"]["t"] = 34
    else:
        layout["showlegend"] = False
    if limit is not None:
        layout["shapes"] = [limit_line(limit)]
        layout["annotations"] = [limit_label(limit, limit_words)]
        if y_range is None:
            values = [limit, *room_for, *(v for c in curves for v in present(p["value"] for p in c.series["points"]))]
            # The words of the limit stand above its line.
            layout["yaxis"]["range"] = [min(0.0, *values) * 1.08, max(1.08 * max(values), limit * 1.16)]
    return {"data": traces, "layout": layout}


def context_trace(curves: Sequence[Curve], zone: tzinfo) -> JsonObject:
    """Return many curves as one grey trace, broken between them: one to draw instead of dozens.

    `meta` says whose the points are, in order, for the data table.
    """
    xs: list[str] = []
    ys: list[float | None] = []
    parts: list[tuple[str, int]] = []
    for curve in curves:
        x, y = gapped(curve.series["points"], zone, _gap(curve))
        if not x:
            continue
        xs += [*x, x[-1]]
        ys += [*y, None]
        parts.append((curve.name, len(x) + 1))
    return {
        "type": "scatter",
        "mode": "lines",
        "x": xs,
        "y": ys,
        "line": {"color": "#8b949e", "width": 0.8},
        "opacity": 0.4,
        "connectgaps": False,
        "hoverinfo": "skip",
        "showlegend": False,
        "meta": {"parts": parts},
    }


def flagged_trace(curve: Curve, zone: tzinfo, colour: str) -> JsonObject | None:
    """Return crosses where not all readings behind a point are good; None where all are."""
    doubtful = [p for p in curve.series["points"] if p["good_share"] is not None and p["good_share"] < 1]
    there = [point for point in doubtful if point["value"] is not None]
    if not there:
        return None
    name = text("{name}: in doubt", name=curve.name)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [local_text(point["time"], zone) for point in there],
        "y": [point["value"] for point in there],
        "marker": {"symbol": "x-thin", "size": 8, "line": {"width": 2, "color": colour}},
        "hovertemplate": f"%{{y}}<extra>{name}</extra>",
        "showlegend": False,
    }


def limit_line(limit: float) -> JsonObject:
    """Return the line of a limit over the whole width."""
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": limit,
        "y1": limit,
        "line": {"color": "#b54708", "width": 1.5, "dash": "dash"},
    }


def limit_label(limit: float, words: str) -> JsonObject:
    """Return the words that stand on a limit line."""
    return {
        "xref": "paper",
        "x": 0.005,
        "xanchor": "left",
        "y": limit,
        "yanchor": "bottom",
        "text": words,
        "showarrow": False,
        "font": {"size": 11},
    }


@cache
def _chart_locale(code: str) -> JsonObject:
    """Return the names of days and months for the axes, and in which order they stand."""
    # A name of our own: the charts know some languages themselves, English as it is written in America.
    name = f"citywatch-{code}"
    if code == ENGLISH:
        return {"locale": name, "locales": {name: {"dictionary": {}, "format": axis_formats(code)}}}
    locale = conventions(code)
    group, decimal = separators(code)
    days = locale.days["format"]
    months = locale.months["format"]
    week = (6, 0, 1, 2, 3, 4, 5)  # theirs begins on Sunday
    names = {
        "days": [days["wide"][day] for day in week],
        "shortDays": [days["abbreviated"][day] for day in week],
        "months": [months["wide"][month] for month in range(1, 13)],
        "shortMonths": [months["abbreviated"][month] for month in range(1, 13)],
        "date": "%Y-%m-%d",
        "decimal": decimal,
        "thousands": group,
        **axis_formats(code),
    }
    return {"locale": name, "locales": {name: {"dictionary": {}, "format": names}}}


def chart(figure: JsonObject, *, key: str | Mapping[str, Any], label: str) -> Component:
    """Return a figure on the page, with its data as a table below. `label` says in words what it shows."""
    picture = html.Div(
        dcc.Graph(
            id=key,
            figure=figure,
            config={"displayModeBar": False, "responsive": True, **_chart_locale(language.get())},
            style={"height": f"{figure['layout']['height']}px"},
        ),
        role="img",
        className="chart",
        **{"aria-label": label},
    )
    # Made by assets/g-tables.js when it is opened: the same numbers need not be sent twice.
    data = html.Details(
        [html.Summary(text("Data as a table")), html.Div(className="scroll short")],
        className="as-table",
        **{"data-chart-table": "1"},
    )
    return html.Div([picture, data], className="chart-with-table")
