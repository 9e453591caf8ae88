"""axe-core finds no violation of WCAG 2.2 A or AA on any page, light or dark."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.browser.conftest import Visitor
from tests.browser.test_pages import PAGES, settle

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="session")
def axe() -> str:
    """The checker's source, from the package that carries it."""
    found = find_spec("axe_playwright_python")
    origin = found.origin if found is not None else None
    if origin is None:
        message = "axe-playwright-python is not installed: make setup-dev"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return Path(origin).with_name("axe.min.js").read_text(encoding="utf-8")


@pytest.mark.browser
@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_no_page_has_a_violation(visitor: Visitor, axe: str, look: str) -> None:
    page = visitor.open("/", look)
    found = {}
    for name, (path, _) in PAGES.items():
        page.goto(visitor.city.url + path)
        page.wait_for_selector("#page h1")
        settle(page)
        page.evaluate(axe)
        result = page.evaluate("tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", TAGS)
        if result["violations"]:
            found[name] = [(v["id"], [n["target"] for n in v["nodes"]]) for v in result["violations"]]
    assert found == {}


@pytest.mark.browser
def test_an_open_menu_and_the_shift_question_have_none_either(visitor: Visitor, axe: str) -> None:
    page = visitor.open("/")
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Acknowledge: Library Court").click()
    page.get_by_role("dialog").wait_for()
    page.evaluate(axe)
    result = page.evaluate("tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", TAGS)
    assert [(v["id"], [n["target"] for n in v["nodes"]]) for v in result["violations"]] == []
