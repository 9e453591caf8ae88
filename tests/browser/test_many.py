"""The map of a city of more devices than are drawn one by one: the server gathers, the browser asks as it moves."""

from collections.abc import Iterator
from datetime import UTC, datetime

import asyncpg
import pytest
from playwright.sync_api import expect

from dashboard.components.city_map import MOST_SINGLE
from tests.browser.conftest import City, Visitor
from tests.browser.seed import raise_alert, remove_alerts
from tests.installation import wait_for

SOURCE, DEVICES, SICK = "many", MOST_SINGLE + 1, "many-7"


async def _add(connection: asyncpg.Connection) -> None:
    # A source of its own: the figures of the live city are left alone.
    await connection.execute(
        "INSERT INTO source (source_id, kind, clock) VALUES ($1, 'replay', '2020-01-01T00:00:00Z')", SOURCE
    )
    await connection.execute(
        "INSERT INTO device (device_id, profile, domain, name, latitude, longitude, source_id)"
        " SELECT 'many-' || n, 'citywatch/bin', 'waste', 'Bin ' || n, 46.9 + n % 45 * 0.001, 7.4 + n / 45 * 0.001, $2"
        "   FROM generate_series(1, $1::int) AS n",
        DEVICES,
        SOURCE,
    )
    await raise_alert(connection, "bin-fire", SICK, None, datetime.now(UTC), "Fire in bin 7")


async def _remove(connection: asyncpg.Connection) -> None:
    await remove_alerts(connection, f"bin-fire/{SICK}")
    await connection.execute("DELETE FROM device WHERE source_id = $1", SOURCE)
    await connection.execute("DELETE FROM source WHERE source_id = $1", SOURCE)


@pytest.fixture
def many(city: City) -> Iterator[None]:
    """A large city beside the small one, for one test."""
    city.sql(_add)
    try:
        # Where devices stand may be known from some seconds ago.
        wait_for(lambda: city.get("/api/v1/device-clusters", source_id=SOURCE)["devices"] == DEVICES, "the large city")
        yield
    finally:
        city.sql(_remove)


@pytest.mark.browser
@pytest.mark.usefixtures("many")
def test_a_large_city_is_gathered_and_opens_as_one_draws_nearer(visitor: Visitor) -> None:
    page = visitor.open(f"/map?source={SOURCE}")
    expect(page.locator(".page-head")).to_contain_text(f"of {DEVICES:,} devices fresh")
    worst = page.locator("#map .marker.cluster.severity-critical")
    expect(worst).to_be_visible()
    counted = """least => [...document.querySelectorAll('#map .marker b')]
        .reduce((sum, one) => sum + Number(one.textContent.replace(/\\D/g, '')), 0) >= least"""
    page.wait_for_function(counted, arg=0.9 * DEVICES)  # one that stands alone is a dot without a number
    # The worst is always on top, and a click on it leads to the device itself.
    sick = page.get_by_title("Bin 7: critical alert")
    while not sick.count():
        worst.or_(sick).first.wait_for()
        worst.evaluate_all("found => found.forEach((one) => one.click())")
        page.wait_for_timeout(250)
    sick.click()
    expect(page.locator(".device-card")).to_contain_text("Bin 7")
    expect(page.locator("#map .marker.severity-critical")).to_be_visible()
