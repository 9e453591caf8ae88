"""Static markup becomes text once, escaped, and everything interactive stays a component."""

import pytest
from dash import dcc, html

from dashboard.components.icons import severity_shape
from dashboard.components.parts import page_head, panel, part, parts_of
from dashboard.flat import flatten, is_static, to_html


@pytest.mark.parametrize(
    ("node", "markup"),
    [
        pytest.param(html.P("a < b & c"), "<p>a &lt; b &amp; c</p>", id="words are escaped"),
        pytest.param(html.A("x", href='/?q="1"&r=2'), '<a href="/?q=&quot;1&quot;&amp;r=2">x</a>', id="attributes too"),
        pytest.param(dcc.Link("go", href="/waste"), '<a href="/waste">go</a>', id="a page link is a link"),
        pytest.param(
            html.I(style={"maxWidth": "3px"}), '<i style="max-width:3px"></i>', id="styles are written as CSS"
        ),
        pytest.param(html.Td("1", className="right"), '<td class="right">1</td>', id="class by its HTML name"),
        pytest.param(
            html.Details(html.Summary("s"), open=True), "<details open><summary>s</summary></details>", id="flags"
        ),
        pytest.param(html.Time(**{"data-at": "t"}), '<time data-at="t"></time>', id="data attributes"),
        pytest.param(html.Br(), "<br>", id="void elements are not closed"),
    ],
)
def test_to_html_writes_static_markup(node: object, markup: str) -> None:
    assert to_html(node) == markup


def test_to_html_keeps_the_case_of_svg_and_dashes_its_strokes() -> None:
    markup = to_html(severity_shape("HIGH", label="High"))
    assert 'viewBox="-1 -1 26 26"' in markup
    assert 'stroke-width="2.5"' in markup
    assert 'aria-label="High"' in markup


@pytest.mark.parametrize(
    "node",
    [
        pytest.param(html.Div(id="alert-list"), id="a callback's target"),
        pytest.param(html.Div(html.Div(dcc.Graph(id="g"))), id="a chart inside"),
        pytest.param(dcc.Store(id="s"), id="a store"),
    ],
)
def test_what_is_interactive_is_not_static(node: object) -> None:
    assert not is_static(node)
    with pytest.raises(TypeError):
        to_html(node)


def test_flatten_takes_the_static_parts_and_leaves_the_rest() -> None:
    page = html.Div([html.Ul([html.Li("one"), html.Li("two")]), html.Div(dcc.Graph(id="g"), className="chart")])
    made = flatten(page)
    words, chart = made.children
    assert words.children is None
    assert getattr(words, "data-html") == "<li>one</li><li>two</li>"
    assert chart.children.id == "g"


def test_what_is_asked_for_again_is_found_by_its_name_wherever_it_stands() -> None:
    bins = part("bins", html.Table(html.Tr(html.Td("bin-1"))), device="bin-1")
    page = html.Div(
        flatten([page_head("Waste", part("note", "3 of 4")), panel("Bins", bins, body_id="list"), html.P("the rest")])
    )
    found = parts_of(page)
    assert set(found) == {"note", "bins"}
    assert found["note"] == "3 of 4"
    assert vars(found["bins"])["data-html"] == "<tr><td>bin-1</td></tr>"
    assert parts_of(html.Div(flatten(page_head("Waste")))) == {}
