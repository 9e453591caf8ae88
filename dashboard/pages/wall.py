"""The wall: what a room sees from afar, without anything to click. Best opened as `/wall?theme=wall`."""

import asyncio

from dash import html
from dash.development.base_component import Component

from dashboard.components.alerts import open_list
from dashboard.components.city_map import MOST_SINGLE, city_map
from dashboard.components.figures import key_figures
from dashboard.components.marks import unanswered
from dashboard.components.parts import page_head, panel, part
from dashboard.pages.overview import counted_words, many
from dashboard.pages.view import View
from dashboard.texts import plural, text


async def page(view: View) -> Component:
    """Return figures, map and the alerts that wait."""
    devices, counts, districts, summary, (alerts, more) = await asyncio.gather(
        view.devices(), view.counts(), view.api.districts(), view.api.summary(), view.open_alerts()
    )
    waiting = sum(unanswered(alert) for alert in alerts)
    city = city_map(devices, districts, alerts) if len(devices) <= MOST_SINGLE else await many(view, await view.whole())
    figures = summary["figures"] if summary["figures_source"] == view.source_id else []
    note = plural("{n} alert waits for an answer", "{n} alerts wait for an answer", waiting)
    if more and waiting == len(alerts):  # those that wait come first: where they fill the list there may be more
        note = text("{n} alerts or more wait for an answer", n=waiting)
    return html.Div(
        [
            page_head(
                text("City now"),
                part("note", f"{counted_words(counts['freshness'])}. {note}"),
                [html.Time(className="wall-clock")],
            ),
            *([part("figures", key_figures(figures))] if figures else []),
            html.Div(
                [
                    panel(text("Map"), city, flush=True),
                    panel(
                        text("Open alerts"),
                        open_list(alerts, source=view.source, more=more),
                        flush=True,
                        body_id="alert-list",
                        scroll="70vh",
                    ),
                ],
                className="grid wide-left overview-main",
            ),
        ],
        style={"display": "contents"},
    )
