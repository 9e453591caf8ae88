"""More alerts than a page lists: the worst is on it, however many came after it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from playwright.sync_api import expect

from dashboard.pages.alerts import MOST
from dashboard.pages.map import MOST_ALERTS
from dashboard.pages.view import MOST_OPEN
from tests.browser.conftest import City, Visitor
from tests.browser.seed import raise_alert, remove_alerts

MANY = max(MOST, MOST_OPEN, MOST_ALERTS) + 1
OPEN_IN_MILLS = "SELECT count(*) FROM alert JOIN device USING (device_id) WHERE open AND district_id = 'mills'"
BURNS = "Canal Walk bin 2: 93 °C in the bin"


@pytest.fixture
def flood(city: City) -> Iterator[None]:
    """A fire two days ago, and since then more alerts of no urgency than any page lists."""

    async def work(connection: asyncpg.Connection) -> None:
        began = datetime.now(UTC) - timedelta(days=2)
        fire = await raise_alert(connection, "bin-fire", "bin-009", None, began, BURNS, inputs={"value": 93.0})
        await connection.execute("UPDATE alert SET alert_key = 'flood/fire' WHERE alert_id = $1", fire)
        await connection.execute(
            "INSERT INTO alert (alert_key, rule_id, rule_version, device_id, severity, state, summary, inputs,"
            " raised_at) SELECT 'flood/' || n, 'bin-nearly-full', 1, 'bin-010',"
            " CASE WHEN n % 2 = 0 THEN 'LOW' ELSE 'MEDIUM' END,"
            " 'unacknowledged', '{\"text\": \"One of many\"}', '{}', now() - interval '1 h' - n * interval '1 s'"
            " FROM generate_series(1, $1::int) AS n",
            MANY,
        )

    city.sql(work)
    yield
    city.sql(lambda c: remove_alerts(c, "flood/%"))


@pytest.mark.browser
@pytest.mark.usefixtures("flood")
def test_an_old_fire_stands_on_every_list_in_a_flood(visitor: Visitor, city: City) -> None:
    page = visitor.open("/alerts")
    fires = page.locator("#alert-list .alert.severity-critical", has_text="93")
    expect(fires).to_be_visible()
    expect(page.locator("#alert-list .alert")).to_have_count(MOST)
    expect(page.locator("#alert-list")).to_contain_text(f"Only {MOST} alerts are shown, and there are more")
    expect(page.locator("#alert-list .alert-load")).to_contain_text("or more")
    for path in ("/alerts?show=all", "/"):
        page.goto(city.url + path)
        expect(fires, path).to_be_visible(timeout=60_000)
    expect(page.locator("#alert-list")).to_contain_text(f"The {MOST_OPEN} most urgent; there are more.")
    page.goto(f"{city.url}/districts/north-hill")
    expect(fires).to_be_visible(timeout=60_000)
    page.goto(f"{city.url}/districts")
    opened = city.sql(lambda c: c.fetchval(OPEN_IN_MILLS))
    state = page.get_by_role("region", name="State", exact=True)
    row = state.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Mills"))
    expect(row.get_by_role("cell").nth(2)).to_have_text(f"{opened:,}", timeout=60_000)
    page.goto(f"{city.url}/map")
    page.get_by_text("Data as a table").click(timeout=60_000)
    expect(page.locator("#page .page-head")).to_contain_text("or more alerts in 24 h")
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Canal Walk bin 2"))
    expect(row.get_by_role("cell").last).to_have_text("1")
    page.goto(f"{city.url}/report")
    expect(page.get_by_role("region", name="In numbers")).to_contain_text("or more (", timeout=60_000)
    page.goto(f"{city.url}/wall")
    expect(page.locator("#page")).to_contain_text(f"{MOST_OPEN} alerts or more wait for an answer", timeout=60_000)
