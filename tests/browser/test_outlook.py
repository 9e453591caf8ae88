"""Air's outlook on screen: the forecast's own score is the API's, and the guideline values are there."""

import json
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect

from dashboard.units import number
from tests.browser.conftest import City, Visitor

# How many days before today have 18 hours of values; how many of the history's do depends on the hour it is seeded in.
FULL_DAYS = """
SELECT count(*) FROM (
    SELECT (phenomenon_time AT TIME ZONE $2)::date AS day
      FROM observation WHERE datastream_id = $1 AND quality IN (1, 2)
     GROUP BY 1 HAVING count(DISTINCT date_trunc('hour', phenomenon_time)) >= 18) AS full_day
 WHERE day < (now() AT TIME ZONE $2)::date
"""


@pytest.mark.browser
def test_the_forecast_says_how_good_it_was_as_the_api_does(visitor: Visitor, city: City) -> None:
    stream = city.sql(
        lambda c: c.fetchval("SELECT datastream_id FROM datastream WHERE device_id = 'air-000' AND property = 'no2'")
    )
    page = visitor.open("/air/outlook?device=air-000&forecast=no2")
    with urlopen(f"{city.url}/api/v1/datastreams/{stream}/forecast") as answer:
        score = json.load(answer)["score"]
    region = page.get_by_role("region", name="Next 24 hours")
    expect(region).to_contain_text(f"{number(score['last_week_error'])}\u00a0µg/m³")
    expect(region).to_contain_text(f"{number(100 * score['coverage'], 0)} % of {score['n']}, promised 90 %")
    days = city.sql(lambda c: c.fetchval(FULL_DAYS, stream, "Europe/Zurich"))
    expect(page.get_by_role("region", name="WHO guidelines")).to_contain_text(f"of {days} days")
    expect(page.get_by_role("region", name="Index calendar").locator("tbody tr")).to_have_count(6)
    # A station without history says so instead.
    page.goto(f"{city.url}/air/outlook?device=air-003")
    expect(page.get_by_role("region", name="Next 24 hours")).to_contain_text("It needs three weeks of hourly values")
