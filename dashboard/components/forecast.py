"""The next day of one datastream: what is expected, the band around it, and how such forecasts did lately."""

from datetime import timedelta, tzinfo

from dash import html
from dash.development.base_component import Component

from dashboard.air_days import Hours
from dashboard.components.charts import base_layout, local_text
from dashboard.shapes import Forecast, ForecastScore, JsonObject
from dashboard.texts import text
from dashboard.theme import CURVE_COLOURS
from dashboard.units import digits_for, number, parse_time, quantity, unit_label

SHOWN_BEFORE = timedelta(hours=48)
WEEK = timedelta(days=7)
BAND_FILL = "rgba(42, 138, 160, 0.2)"


def _trace(name: str, xs: list[str], ys: list[float | None], unit: str, **more: object) -> JsonObject:
    hover = f"%{{y:.{digits_for(unit)}f}} {unit_label(unit)}<extra>{name}</extra>"
    return {"type": "scatter", "mode": "lines", "name": name, "x": xs, "y": ys, "hovertemplate": hover, **more}


def forecast_figure(forecast: Forecast, hours: Hours, zone: tzinfo) -> JsonObject:
    """Return measured hours, the forecast with its band, and the same hours of the week before as what it must beat."""
    unit, colour = forecast["unit"], CURVE_COLOURS[0]
    instants = [at for point in forecast["points"] if (at := parse_time(point["time"])) is not None]
    ahead = [local_text(at, zone) for at in instants]
    known = sorted(at for at in hours if at >= instants[0] - SHOWN_BEFORE)
    points = forecast["points"]
    traces = [
        _trace(
            text("Measured"),
            [local_text(at, zone) for at in known],
            [hours[at] for at in known],
            unit,
            line={"color": colour, "width": 2},
        ),
        _trace(text("Band, lower end"), ahead, [p["low"] for p in points], unit, line={"width": 0}, showlegend=False),
        _trace(
            text("Band, upper end"),
            ahead,
            [p["high"] for p in points],
            unit,
            line={"width": 0},
            fill="tonexty",
            fillcolor=BAND_FILL,
            showlegend=False,
        ),
        _trace(text("Expected"), ahead, [p["expected"] for p in points], unit, line={"color": colour, "dash": "dash"}),
        _trace(
            text("Same hour last week"),
            ahead,
            [hours.get(at - WEEK) for at in instants],
            unit,
            line={"color": CURVE_COLOURS[4], "dash": "dot", "width": 1.5},
        ),
    ]
    layout = base_layout(unit, height=270)
    layout["margin"]["t"] = 34
    return {"data": traces, "layout": layout}


def score_facts(score: ForecastScore, unit: str, share: float) -> Component:
    """Return how forecasts of the last two weeks did beside simply taking the same hour of the week before."""
    gain = score["gain"]
    words = (
        text("{n} % less error than the same hour last week", n=number(100 * gain, 0))
        if gain > 0
        else text("no better than the same hour last week")
    )
    facts: list[tuple[str, str]] = [
        (text("Mean error of the forecast"), quantity(score["error"], unit)),
        (text("Mean error of the same hour last week"), quantity(score["last_week_error"], unit)),
        (text("Judgement"), words),
        (
            text("Hours inside the band"),
            text("{n} % of {hours}, promised {share} %", n=number(100 * score["coverage"], 0), hours=score["n"],
                 share=number(100 * share, 0)),
        ),
    ]  # fmt: skip
    rows: list[Component] = []
    for label, value in facts:
        rows += [html.Dt(label), html.Dd(value, className="number")]
    return html.Dl(rows, className="facts-list")
