"""The charts' library is that of the version Dash comes with, knows our kinds of chart, and is sent once."""

import ast
import re

import httpx
from fastapi import FastAPI
from plotly.offline import get_plotlyjs_version

from dashboard.charts_library import ADDRESS, FILE, add_charts_library
from tests.conftest import ROOT

# What the bundle of flat charts draws and we might use.
KNOWN = {"scatter", "bar", "heatmap", "histogram", "box", "violin", "contour", "pie"}
NO_TRACE = {"date", "category", "linear", "log", "line", "rect", "circle", "nav", "Feature", "FeatureCollection"}


def test_it_is_of_the_version_that_dash_comes_with() -> None:
    head = FILE.read_text(encoding="utf-8")[:200]
    found = re.search(r"plotly\.js \(cartesian - minified\) v([\d.]+)", head)
    assert found is not None and found[1] == get_plotlyjs_version(), (
        "fetch plotly.js-cartesian-dist-min of that version"
    )
    assert (FILE.parent / "LICENSE.plotly.txt").read_text(encoding="utf-8").startswith("MIT License")


def test_every_chart_is_of_a_kind_that_it_draws() -> None:
    kinds = set()
    for file in (ROOT / "dashboard").rglob("*.py"):
        dicts = [node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Dict)]
        for key, value in (pair for each in dicts for pair in zip(each.keys, each.values, strict=True)):
            if isinstance(key, ast.Constant) and key.value == "type" and isinstance(value, ast.Constant):
                kinds.add(str(value.value))
    kinds -= NO_TRACE
    assert {"scatter", "heatmap"} <= kinds <= KNOWN


async def test_it_is_sent_packed_and_once() -> None:
    app = FastAPI()
    add_charts_library(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as client:
        first = await client.get(ADDRESS)
        assert (first.status_code, first.headers["content-encoding"]) == (200, "gzip")
        assert first.content == FILE.read_bytes()
        assert int(first.headers["content-length"]) < 600_000
        again = await client.get(ADDRESS, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        plain = await client.get(ADDRESS, headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers and plain.content == first.content
