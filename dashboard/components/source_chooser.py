"""Which source of time is shown: the city as it runs, or one of the recorded days beside it."""

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.icons import icon
from dashboard.components.parts import href
from dashboard.query import LIVE
from dashboard.shapes import Source
from dashboard.texts import plural, text


def source_name(source: Source) -> str:
    """Return the words for a source."""
    if source["source_id"] == LIVE:
        return text("Live city")
    return text("Replay: {name}", name=source["source_id"].removeprefix("replay:"))


def source_chooser(sources: list[Source], chosen: Source, path: str) -> list[Component]:
    """Return the menu of sources; nothing where there is only the live city."""
    if len(sources) < 2:
        return []
    # A device's or an alert's own page belongs to one source: choosing another leads to the list.
    base = "/devices" if path.startswith("/devices") else path
    items = [
        html.Li(
            dcc.Link(
                [
                    icon("check", size=14)
                    if source["source_id"] == chosen["source_id"]
                    else html.Span(className="no-check"),
                    source_name(source),
                    html.Span(plural("{n} device", "{n} devices", source["devices"]), className="soft menu-note"),
                ],
                href=href(base, source=None if source["source_id"] == LIVE else source["source_id"]),
            )
        )
        for source in sorted(sources, key=lambda s: (s["kind"] != LIVE, s["source_id"]))
    ]
    replay = chosen["source_id"] != LIVE
    name = source_name(chosen)
    button = html.Summary(
        [icon("replay" if replay else "pin", size=15), html.Span(name)],
        className="button source-button replay" if replay else "button source-button",
        title=text("Source of what is shown: {name}", name=name),
    )
    return [html.Details([button, html.Ul(items)], className="menu")]
