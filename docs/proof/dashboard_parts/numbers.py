"""A sample of the numbers on every page of a living city against the API's: the same sample as the tests take."""

from docs.proof.dashboard_parts.browsing import addresses, chromium, open_page, simulated_city
from tests.browser.look import settle
from tests.browser.numbers import NUMBERS, differing


def prove() -> dict[str, object]:
    """Compare page by page."""
    wrong: dict[str, list[str]] = {}
    with simulated_city() as city, chromium() as browser:
        page, compared = open_page(browser), 0
        for name, path in addresses(city).items():
            page.goto(city.url + path)
            settle(page)
            compared += len(NUMBERS[name])
            if found := differing(page, name, city.get):
                wrong[name] = found
    figures: dict[str, object] = {"numbers compared": compared, "that differ from the API's": wrong}
    if wrong:
        raise AssertionError(figures)
    return figures
