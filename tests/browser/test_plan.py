"""The collection plan on screen: its numbers are the API's, other trucks make another plan, its files are there."""

import json
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import City, Visitor


@pytest.mark.browser
def test_the_plan_says_what_the_api_says_and_follows_the_trucks(visitor: Visitor, city: City) -> None:
    page = visitor.open("/waste/plan?trucks=2&level=50")
    with urlopen(f"{city.url}/api/v1/routes?trucks=2&least_level=50") as answer:
        plan = json.load(answer)
    stops = sum(len(route["visits"]) for route in plan["routes"])
    what_if = page.get_by_role("region", name="What if")
    expect(what_if.get_by_role("row").filter(has_text="2 trucks")).to_contain_text(f"{stops} / {plan['bins']}")
    expect(page.get_by_role("region", name="Stops").locator("tbody tr")).to_have_count(stops)
    what_if.get_by_role("link", name="3 trucks").click()
    expect(what_if.locator("[data-selected=true]")).to_contain_text("3 trucks")
    for link in page.get_by_role("region", name="Trucks").get_by_role("link").all():
        with urlopen(city.url + str(link.get_attribute("href"))) as file:
            assert file.read(12) in (b"order,bin_id", b'{"type":"Fea')
