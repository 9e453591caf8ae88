"""Key figures: value, trend, how it was before, and its target, neutral until the target is missed."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.components.icons import icon
from dashboard.components.spark import spark
from dashboard.status_shapes import KeyFigure
from dashboard.texts import text
from dashboard.units import NOTHING, digits_for, number, present, quantity, unit_label


def change_words(value: float | None, before: float | None, unit: str) -> str:
    """Return how a figure moved against the same hour of the day before; nothing where either is unknown."""
    if value is None or before is None:
        return ""
    digits = digits_for(unit)
    change = round(value - before, digits)
    if change == 0:
        return text("as 24 h ago")
    return f"{'+' if change > 0 else ''}{number(change, digits)} {text('against 24 h ago')}"


def key_figure(figure: KeyFigure) -> Component:
    """Return one figure as a card; the live feed rewrites its value in place."""
    unit, value, target = figure["unit"], figure["value"], figure["target"]
    notes: list[Component] = []
    if words := change_words(value, figure["before"], unit):
        notes.append(html.Span(words, className="number"))
    if target is not None and value is not None:
        missed = value > target
        goal = text("target at most {target}", target=quantity(target, unit))
        notes.append(
            html.Span(
                [icon("error", size=13), goal] if missed else goal,
                className="off-target" if missed else "",
            )
        )
    trend: list[Component] = []
    if len(present(figure["trend"])) > 1:
        trend.append(spark(figure["trend"], text("Trend of the last 24 hours")))
    label = unit_label(unit)
    shown: list[Component | str] = [
        html.Span(
            number(value, digits_for(unit)) if value is not None else NOTHING,
            **{"data-figure": figure["name"], "data-digits": str(digits_for(unit))},
        )
    ]
    if label:
        shown.append(html.Small(label))
    return html.Li(
        [
            html.Span(text(figure["label"]), className="label"),
            html.Span(shown, className="value number"),
            html.Span(trend),
            html.Div(notes, className="note"),
        ],
        className="figure",
    )


def key_figures(figures: Sequence[KeyFigure]) -> Component:
    """Return the row of key figures."""
    return html.Ul(
        [key_figure(figure) for figure in figures], className="figures", **{"aria-label": text("Key figures")}
    )
