"""axe-core finds no violation of WCAG 2.2 A or AA in what opens over a page; pages themselves are in test_pages."""

import pytest

from tests.browser.conftest import Visitor
from tests.browser.look import settle, violations


@pytest.mark.browser
def test_menus_dialogs_and_opened_tables_have_none_either(visitor: Visitor, axe: str) -> None:
    page = visitor.open("/")
    page.locator("details.menu.language-menu summary").click()
    page.get_by_role("button", name="Acknowledge: Library Court").click()
    page.get_by_role("dialog").wait_for()
    settle(page)
    assert violations(page, axe) == []

    page = visitor.open("/alerts?alert=1", operator="Ada Lovelace")
    for key, name in (("?", "help"), ("s", "shelve"), ("c", "comment"), ("g", "assign")):
        page.locator("body").press(key)
        page.locator(f"#dialog-{name}").wait_for()
        assert violations(page, axe) == [], name
        page.keyboard.press("Escape")
    page.locator("details[data-chart-table] summary").first.click()
    page.locator("details[data-chart-table] td").first.wait_for()
    assert violations(page, axe) == []
