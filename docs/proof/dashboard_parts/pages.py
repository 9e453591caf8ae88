"""Every page in three looks and two languages: no console error, no request off this machine, no violation of WCAG."""

from typing import Any

from docs.proof.dashboard_parts.browsing import addresses, chromium, open_page, simulated_city
from tests.browser.conftest import Watch
from tests.browser.look import axe_source, settle, violations

LOOKS = ("light", "dark", "phone")
LANGUAGES = ("en", "zh_Hans")


def prove() -> dict[str, Any]:
    """Open every page in every look and language."""
    axe, watch, found, seen = axe_source(), Watch(), {}, 0
    with simulated_city() as city, chromium() as browser:
        pages = addresses(city).values()
        for look in LOOKS:
            page = open_page(browser, look)
            watch.on(page, city.url)
            for code in LANGUAGES:
                page.goto(f"{city.url}/?lang={code}")
                for path in pages:
                    page.goto(city.url + path)
                    settle(page)
                    seen += 1
                    if wrong := violations(page, axe):
                        found[f"{path} {look} {code}"] = wrong
            page.context.close()
    figures = {"pages looked at": seen, "violations": found, "console errors and foreign requests": watch.faults}
    if found or watch.faults:
        raise AssertionError(figures)
    return figures
