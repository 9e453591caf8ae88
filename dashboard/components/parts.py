"""Panels, page heads and the designed states: empty, error, nothing selected."""

from collections.abc import Sequence
from typing import Any, TypeAlias
from urllib.parse import urlencode

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.icons import icon
from dashboard.texts import text

Children: TypeAlias = Any  # a component, words, or a sequence of both: what Dash takes as children

RENEWAL = 60  # s


def part(name: str, body: Children, *, device: str = "") -> Component:
    """Return what the page asks for again every minute: what readings and alerts that come live do not tell.

    `device` is the one that the page has selected: it stays so where another would come first by then.
    """
    place = html.Span if isinstance(body, str) else html.Div
    return place(
        body, id={"part": name, "device": device}, style={"display": "contents"}, **{"data-renew": str(RENEWAL)}
    )


def parts_of(page: Component) -> dict[str, Children]:
    """Return what stands in each part of a page, by name."""
    return {each["part"]: page[each].children for each in page if isinstance(each, dict) and "part" in each}


def page_head(title: str, note: Children = "", actions: Sequence[Component] = ()) -> Component:
    """Return a page's heading; the browser's title follows its h1."""
    parts: list[Component] = [html.H1(title, tabIndex="-1")]
    if note != "":
        parts.append(html.P(note))
    return html.Div([*parts, html.Div(list(actions), className="actions")], className="page-head")


def panel(
    title: str,
    body: Children,
    *,
    note: str = "",
    right: Sequence[Component] = (),
    flush: bool = False,
    body_id: str | None = None,
    scroll: str | None = None,
) -> Component:
    """Return a titled region. `flush` lets the body touch the edges; `scroll` is the height from which it scrolls."""
    head: list[Component] = [html.H2(title)]
    if note:
        head.append(html.P(note))
    head.append(html.Div(list(right), className="right"))
    more: dict[str, Any] = {"id": body_id} if body_id else {}
    if scroll:
        more |= {"style": {"maxHeight": scroll}}
    classes = " ".join(["body", *(["flush"] if flush else []), *(["scroll"] if scroll else [])])
    return html.Section(
        [html.Header(head), html.Div(body, className=classes, **more)], className="panel", **{"aria-label": title}
    )


def state(title: str, sentence: str, action: Component | None = None, *, sign: str | None = None) -> Component:
    """Return what stands in a panel that has nothing else to show."""
    parts: list[Component] = [icon(sign, size=26)] if sign else []
    parts += [html.Strong(title), html.P(sentence)]
    return html.Div([*parts, *([action] if action else [])], className="state")


def failure(sentence: str) -> Component:
    """Return what stands on a page whose data could not be had."""
    return html.Div(
        [
            page_head(text("This page could not be loaded")),
            panel(
                text("What happened"),
                state(
                    text("The data did not arrive"),
                    sentence,
                    html.Button(text("Try again"), className="button", **{"data-action": "reload"}),
                    sign="error",
                ),
            ),
        ],
        role="alert",
        style={"display": "contents"},
    )


def href(path: str, **query: str | int | None) -> str:
    """Return a link target with the query parameters that are set."""
    kept = urlencode({key: value for key, value in query.items() if value not in (None, "")})
    return f"{path}?{kept}" if kept else path


def choices(label: str, options: Sequence[tuple[str, str, bool]]) -> Component:
    """Return a row of links of which one is current: (words, target, current)."""
    return html.Nav(
        [
            dcc.Link(words, href=target, **({"className": "current"} if current else {}))
            for words, target, current in options
        ],
        className="choices",
        **{"aria-label": label},
    )


def table(headings: Sequence[tuple[str, bool]], rows: Sequence[Component], *, caption: str) -> Component:
    """Return a data table: (heading, is a number) per column."""
    head = html.Thead(
        html.Tr([html.Th(words, scope="col", className="right" if right else "") for words, right in headings])
    )
    return html.Table([html.Caption(caption, className="unseen"), head, html.Tbody(list(rows))], className="data")


def right_cell(content: Children, **more: Any) -> Component:
    """Return a cell of numbers."""
    return html.Td(content, className="right", **more)
