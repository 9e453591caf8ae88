"""The choice of span that charts share."""

from dash.development.base_component import Component

from dashboard.components.parts import choices, href
from dashboard.pages.view import View
from dashboard.query import SPANS
from dashboard.texts import mark, text

SPAN_NAMES = {"1h": mark("1 hour"), "6h": mark("6 hours"), "24h": mark("24 hours"), "7d": mark("7 days")}


def span_choices(view: View, default: str) -> Component:
    """Return links that change the span and keep the rest of the address."""
    kept = {key: value for key, value in view.query.values.items() if key != "span"}
    chosen = view.query.span(default)
    options = [
        (text(SPAN_NAMES[name]), href(view.path, **kept, span=None if name == default else name), name == chosen)
        for name in SPANS
    ]
    return choices(text("Span"), options)
