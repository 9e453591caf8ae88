"""Every page in light, dark, on a phone and in Chinese: nothing fails, nothing leaves, the picture is kept."""

from fnmatch import fnmatch
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SHOTS, City, Visitor
from tests.browser.look import PAGES, settle, violations
from tests.browser.numbers import NUMBERS, differing
from tests.messages import translated

FIRST_LOAD = 2_000_000  # bytes over the wire
TRANSLATED = translated("zh_Hans")


# look, language, whether axe checks it: each language is checked once, each look in English
SWEEPS = [("light", "en", True), ("dark", "en", True), ("phone", "en", True), ("light", "zh_Hans", False)]


def left_in_english(page: Page) -> list[str]:
    """Return the words on the page that the catalogue has other words for."""
    shown = page.evaluate(
        """() => {
            const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walk.nextNode()) {
                const parent = walk.currentNode.parentElement;
                if (!parent.closest('script, style, noscript, code')) found.push(walk.currentNode.textContent.trim());
            }
            for (const one of document.querySelectorAll('[aria-label]')) found.push(one.getAttribute('aria-label'));
            return found;
        }"""
    )
    return sorted({words for words in shown if words in TRANSLATED})


@pytest.mark.browser
@pytest.mark.parametrize(("look", "code", "checked"), SWEEPS, ids=["-".join(sweep[:2]) for sweep in SWEEPS])
def test_every_page(visitor: Visitor, axe: str, look: str, code: str, checked: bool) -> None:
    page = visitor.open(f"/?lang={code}", look)
    SHOTS.mkdir(parents=True, exist_ok=True)
    faults = {}
    for name, (path, heading) in PAGES.items():
        page.goto(visitor.city.url + path)
        settle(page)
        h1 = page.locator("#page h1, main h1")
        if code == "en":
            expect(h1).to_have_text(heading)
            expect(page).to_have_title(f"{heading} · Citywatch")
        else:
            assert page.locator("html").get_attribute("lang") == "zh-Hans"
            if words := left_in_english(page):
                faults[f"{name}: not translated"] = words
        # A page wider than the screen cannot be read on a phone.
        if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            faults[f"{name}: too wide"] = page.evaluate("document.documentElement.scrollWidth")
        page.screenshot(path=SHOTS / f"{name}-{look}-{code}.png", full_page=True)
        if (look, code) == ("light", "en") and (wrong := differing(page, name, visitor.city.get)):
            faults[f"{name}: numbers"] = wrong
        if checked and (found := violations(page, axe)):
            faults[name] = found
    assert faults == {}


def test_numbers_of_every_page_are_compared() -> None:
    assert set(NUMBERS) == set(PAGES)
    assert all(NUMBERS.values())


@pytest.mark.browser
def test_a_page_that_is_not_there_says_so(visitor: Visitor) -> None:
    page = visitor.open("/nowhere")
    expect(page.locator("#page h1")).to_have_text("No such page")


@pytest.mark.browser
def test_an_unknown_device_is_a_sentence_and_not_a_blank_page(visitor: Visitor) -> None:
    page = visitor.open("/devices/bin-999")
    expect(page.locator("#page")).to_contain_text("there is no device 'bin-999'")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("path", "link", "file", "begins"),
    [
        ("/trends?property=pm2_5&devices=air-000", "CSV", "observations.csv", b"device_id,"),
        ("/waste/plan?level=50", "Plan as GeoJSON", "collection-plan.geojson", b'{"type":"Fea'),
        ("/waste/plan?level=50", "CSV: Truck", "truck-*.csv", b"order,bin_id"),
        ("/add-device", "The list as it is now", "devices.csv", b"device_id,"),
    ],
    ids=["curves", "plan", "truck", "devices"],
)
def test_a_file_is_downloaded_by_a_click(visitor: Visitor, path: str, link: str, file: str, begins: bytes) -> None:
    page = visitor.open(path)
    settle(page)
    with page.expect_download() as download:
        page.locator("#page").get_by_role("link", name=link).first.click()
    assert fnmatch(download.value.suggested_filename, file)
    assert Path(download.value.path()).read_bytes().startswith(begins)
    expect(page.locator("#page h1")).not_to_have_text("No such page")


@pytest.mark.browser
def test_overview_is_small_on_the_wire(visitor: Visitor) -> None:
    page = visitor.open("/devices/bin-001")
    protocol = page.context.new_cdp_session(page)
    protocol.send("Network.enable")
    protocol.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes: list[float] = []
    protocol.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(visitor.city.url + "/")
    page.wait_for_selector("#page h1")
    page.wait_for_load_state("networkidle")
    assert sum(sizes) < FIRST_LOAD, f"{sum(sizes):,.0f} bytes"


@pytest.mark.browser
def test_changing_pages_loads_nothing_again(visitor: Visitor) -> None:
    """How long it takes is measured in docs/proof/dashboard.py: a test machine may be busy with something else."""
    page = visitor.open("/")
    loads: list[str] = []
    page.on("request", lambda asked: loads.append(asked.url) if asked.resource_type in ("document", "script") else None)
    for name in ("Alerts", "Devices", "Overview"):
        page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()
        expect(page.locator("#page h1")).to_have_text("City overview" if name == "Overview" else name)
    assert [url for url in loads if "/assets/" in url or url.endswith("/")] == []


@pytest.mark.browser
def test_a_program_that_asks_for_an_unknown_address_gets_no_page(city: City) -> None:
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{city.url}/api/v1/nothing-here")
    with refused.value as answer:
        assert answer.code == 404


@pytest.mark.browser
def test_keyboard_reaches_content_and_theme(visitor: Visitor) -> None:
    page = visitor.open("/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.locator("#theme").focus()
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    page.reload()
    # The choice is kept, whatever the machine prefers.
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")


@pytest.mark.browser
def test_navigation_opens_on_a_phone(visitor: Visitor) -> None:
    page = visitor.open("/", "phone")
    page.get_by_role("button", name="Show navigation").click()
    page.get_by_role("link", name="Waste").click()
    expect(page.locator("#page h1")).to_have_text("Waste")
    expect(page.get_by_role("link", name="Air")).not_to_be_in_viewport()


@pytest.mark.browser
def test_pages_need_nothing_that_their_policy_forbids(visitor: Visitor) -> None:
    """Every page with its policy in force, in one browser: what it blocks is an error, which fails the visitor."""
    page = visitor.open("/", policy=True)
    for name, (path, heading) in PAGES.items():
        page.goto(f"{visitor.city.url}{path}")
        expect(page.locator("h1").first, name).to_have_text(heading)
        for chart in page.locator(".dash-graph").all():
            expect(chart.locator(".js-plotly-plot .main-svg").first).to_be_attached()
    # An injected script does not run.
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.injected = 1'}))"
    )
    assert page.evaluate("window.injected") is None
    (refused,) = visitor.watch.faults
    assert "Content Security Policy" in refused
    visitor.watch.faults.clear()
