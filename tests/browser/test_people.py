"""Looking after accounts on screen, with sign-in on: a city served beside the demo, out of the same store."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import pytest
from playwright.sync_api import Browser, Page, expect

from api.identity.accounts import add_account
from citywatch.local.process import free_port
from tests.browser.conftest import SHOTS, City, Visitor, renewals_of
from tests.browser.look import settle, violations
from tests.integration.api.signed_in import PASSWORD, set_password


@pytest.fixture
def closed(city: City) -> Iterator[City]:
    port = free_port()
    made = City(f"http://127.0.0.1:{port}", city.dsn, port, {"CITYWATCH_SERVE__DEMO": "false"})

    async def administrator(connection: asyncpg.Connection) -> None:
        await add_account(connection, "test", "root", "admin")
        await set_password(connection, "root")

    made.sql(administrator)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        made.sql(lambda c: c.execute("DELETE FROM account_user"))


@contextmanager
def signed_in(browser: Browser, closed: City, name: str, path: str) -> Iterator[Page]:
    """Open `path` and sign in as `name`; on no page may anything go wrong."""
    visitor = Visitor(browser, closed)
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce", bypass_csp=True)
    context.set_default_timeout(30_000)
    page = context.new_page()
    visitor.watch.on(page, closed.url)
    try:
        page.goto(f"{closed.url}{path}")
        page.fill('[name="name"]', name)
        page.fill('[name="password"]', PASSWORD)
        page.locator("button", has_text="Sign in").first.click()
        yield page
        assert visitor.watch.faults == []
    finally:
        context.close()


@pytest.mark.browser
def test_whoever_only_reads_finds_every_page_of_the_menu(browser: Browser, closed: City) -> None:
    async def reader(connection: asyncpg.Connection) -> None:
        await add_account(connection, "test", "eve", "viewer")
        await set_password(connection, "eve")

    closed.sql(reader)
    with signed_in(browser, closed, "eve", "/account") as page:
        expect(page.locator("#page h1")).to_have_text("Data account")
        expect(page.get_by_role("region", name="Sums by device")).to_be_visible()
        expect(page.get_by_text("Messages turned away")).to_have_count(0)
        addresses = [link.get_attribute("href") for link in page.locator("nav.navigation a").all()]
        assert len(addresses) > 15
        for address in addresses:
            page.goto(f"{closed.url}{address}")
            expect(page.locator("#page h1")).not_to_have_text("This page could not be loaded")


@pytest.mark.browser
def test_an_administrator_adds_somebody_and_makes_a_key(browser: Browser, closed: City, axe: str) -> None:
    with signed_in(browser, closed, "root", "/people") as page:
        expect(page.locator("#page h1")).to_have_text("Accounts and keys")
        settle(page)
        assert violations(page, axe) == []
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / "people.png", full_page=True)
        accounts = page.get_by_role("region", name="Accounts", exact=True)
        accounts.get_by_label("Name").fill("Ada")
        accounts.get_by_label("Role").select_option("engineer")
        accounts.get_by_label("Harbour").check()
        accounts.get_by_role("button", name="Add", exact=True).click()
        secret = page.get_by_role("dialog", name="One-time password of ada")
        assert len(secret.get_by_label("Password").input_value()) >= 12
        assert violations(page, axe) == []
        page.screenshot(path=SHOTS / "people-secret.png")
        secret.get_by_role("button", name="Done").click()
        row = accounts.get_by_role("row").filter(has=page.get_by_role("rowheader", name="ada"))
        expect(row).to_contain_text("Engineer")
        expect(row).to_contain_text("Harbour")
        page.once("dialog", lambda question: question.accept())
        row.get_by_role("button", name="Shut out: ada").click()
        expect(row).to_contain_text("Shut out since")
        row.get_by_role("link", name="Change").click()
        change = page.get_by_role("region", name="Change ada")
        expect(change.get_by_label("Harbour")).to_be_checked()
        change.get_by_label("Harbour").uncheck()
        settle(page)
        renewals = renewals_of(page)
        change.get_by_role("button", name="Change").click()
        expect(row).to_contain_text("The whole city")
        expect(change).to_have_count(0)
        settle(page)
        assert len(renewals) == 1  # a second one would empty what somebody types after the first

        keys = page.get_by_role("region", name="API keys")
        keys.get_by_label("What for").fill("prometheus")
        keys.get_by_role("button", name="Make").click()
        shown = page.get_by_role("dialog", name="API key")
        text = shown.get_by_label("Key").input_value()
        assert text.startswith("cw_")
        shown.get_by_role("button", name="Done").click()
        expect(keys).to_contain_text("prometheus")
        assert text not in page.content()
        page.once("dialog", lambda question: question.accept())
        keys.get_by_role("button", name="Revoke: prometheus").click()
        expect(keys).to_contain_text("No key yet")

        page.get_by_role("link", name="root").click()
        expect(page.locator("#page h1")).to_have_text("Your account")
        expect(page.locator("#page .facts-list")).to_contain_text("Look after accounts and keys")
        settle(page)
        own = page.get_by_role("region", name="API keys")
        own.get_by_label("What for").fill("my script")
        own.get_by_label("Role").select_option("viewer")
        own.get_by_role("button", name="Make").click()
        page.get_by_role("dialog", name="API key").get_by_role("button", name="Done").click()
        expect(own.get_by_role("row").filter(has_text="my script")).to_contain_text("Viewer")
        assert violations(page, axe) == []
        page.screenshot(path=SHOTS / "me-keys.png", full_page=True)
        page.once("dialog", lambda question: question.accept())
        own.get_by_role("button", name="Revoke: my script").click()
        expect(own).to_contain_text("No key yet")

        page.get_by_role("link", name="Change password").click()
        expect(page).to_have_url(f"{closed.url}/password")
        expect(page.get_by_label("New password, 12 characters or more")).to_be_visible()
