"""How many alerts come against what one operator can work off, and the row of steps that can be taken on them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dash import html
from dash.development.base_component import Component

from dashboard.components.icons import icon
from dashboard.texts import text
from dashboard.units import counted

# ISA-18.2 (2016) table 7: per operator, what is very likely to be manageable, and what makes a flood.
BUDGETS = ((timedelta(minutes=10), 10), (timedelta(hours=1), 12), (timedelta(days=1), 300))


def alert_load(recorded: Sequence[datetime], now: datetime, *, known_since: datetime | None = None) -> Component:
    """Return the counts over ten minutes, an hour and a day, each against its budget.

    In a flood not all are known, but those since `known_since`: what goes back further is that many or more.
    """
    words = (text("last 10 min"), text("last hour"), text("last day"))
    items = []
    for (span, budget), name in zip(BUDGETS, words, strict=True):
        count = sum(now - span <= at <= now for at in recorded)
        over = count > budget
        shown = counted(count, cut=known_since is not None and now - span < known_since)
        sign = [icon("error", size=13, label=text("more than one operator can work off"))] if over else []
        items.append(
            html.Li(
                [
                    *sign,
                    html.Strong(shown, className="number"),
                    html.Span(name),
                    html.Span(text("of {n} manageable", n=budget), className="soft"),
                ],
                className="off-target" if over else "",
            )
        )
    return html.Div(
        [html.Span(text("Alerts per operator")), html.Ul(items)],
        className="alert-load",
        title=text(
            "ISA-18.2, for one operator: 12 an hour and 300 a day are manageable at most, 6 and 144 are to be aimed at;"
            " more than 10 in 10 minutes is a flood"
        ),
    )


def _step(action: str, words: str, key: str) -> Component:
    return html.Button([words, html.Kbd(key)], className="button", **{"data-act": action})


def action_bar() -> Component:
    """Return the steps that can be taken on what is selected, each with its key."""
    return html.Div(
        [
            _step("acknowledge", text("Acknowledge"), "A"),
            _step("comment", text("Comment"), "C"),
            _step("assign", text("Assign"), "G"),
            _step("work", text("Work order"), "W"),
            _step("shelve", text("Shelve"), "S"),
            _step("unshelve", text("End shelving"), "U"),
            html.Span(id="selected-count", className="soft", role="status"),
            html.Button(
                [icon("keyboard", size=17), html.Span(text("Keys")), html.Kbd("?")],
                className="button help",
                **{"data-act": "help"},
            ),
        ],
        className="action-bar",
        role="toolbar",
        **{"aria-label": text("Steps on the selected alerts")},
    )
