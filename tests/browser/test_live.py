"""What happens while somebody looks: readings, alerts, acknowledging, and a server that goes away and comes back."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

import asyncpg
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import City, Visitor, renewals_of
from tests.browser.seed import LIMIT, publish, raise_alert, remove_alerts

Raise = Callable[[str, str], int]  # rule and device -> alert_id


async def overfill(connection: asyncpg.Connection) -> int:
    """Let a bin pass its limit, as ingest, fold and rules would write it."""
    now = datetime.now(UTC)
    await publish(connection, "bin-007", "fill_level", LIMIT + 4, now)
    stream = await connection.fetchval(
        "SELECT datastream_id FROM datastream WHERE device_id = 'bin-007' AND property = 'fill_level'"
    )
    words = "Station Road bin 2 is 94 % full"
    return await raise_alert(
        connection, "bin-nearly-full", "bin-007", stream, now, words, inputs={"value": 94.0, "limit": LIMIT}
    )


@pytest.fixture
def passing(city: City) -> Iterator[Raise]:
    """Raises alerts that are gone after the test."""
    made: list[str] = []

    def work(rule_id: str, device_id: str) -> int:
        words = f"{device_id}: {rule_id}"
        made.append(f"{rule_id}/{device_id}")
        return int(city.sql(lambda c: raise_alert(c, rule_id, device_id, None, datetime.now(UTC), words)))

    yield work
    for key in made:
        city.sql(partial(remove_alerts, keys=key))


@pytest.mark.browser
def test_a_bin_passes_its_limit_and_is_acknowledged_by_a_click(visitor: Visitor, city: City) -> None:
    page = visitor.open("/")
    loads: list[str] = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))
    alert_id = city.sql(overfill)

    line = page.locator(f'[data-alert="{alert_id}"]')
    expect(line).to_contain_text("Station Road bin 2 is 94 % full")
    expect(page.locator("#announce")).to_have_text("Station Road bin 2 is 94 % full")
    line.get_by_role("button", name="Acknowledge").click()
    # Nobody is on shift yet: the name is asked for first, and then the alert is acknowledged.
    page.get_by_label("Your name").last.fill("Ada Lovelace")
    page.get_by_role("button", name="Start shift").click()
    expect(line).to_contain_text("acknowledged by Ada Lovelace")
    expect(line.get_by_role("button")).to_have_count(0)
    expect(page.locator("#operator")).to_have_value("Ada Lovelace")
    assert loads == [], "the page was loaded again"

    line.get_by_role("link").click()
    expect(page.locator(".journal")).to_contain_text("Acknowledged")
    expect(page.locator(".journal")).to_contain_text("Ada Lovelace")
    expect(page.locator("#alert-panel")).to_contain_text("Add the bin to today's next round")


@pytest.mark.browser
def test_the_wall_s_list_stays_without_anything_to_choose_when_an_alert_comes(
    visitor: Visitor, city: City, passing: Raise
) -> None:
    page = visitor.open("/")  # the wall does not say that it is live
    page.goto(f"{city.url}/wall?theme=wall")
    expect(page.locator("#alert-list .alert").first).to_be_visible()
    alert_id = passing("bin-fire", "bin-022")
    expect(page.locator(f'[data-alert="{alert_id}"]')).to_contain_text("bin-022: bin-fire")
    expect(page.locator("#alert-list .alert-load, #alert-list [data-select]")).to_have_count(0)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("path", "device_id", "other"),
    [
        ("/districts/north-hill", "bin-015", "bin-018"),
        ("/devices/bin-016", "bin-016", "bin-019"),
        ("/rules/bin-fire", "bin-017", "bin-024"),
    ],
)
def test_the_alerts_of_a_district_a_device_and_a_rule_are_live(
    visitor: Visitor, passing: Raise, path: str, device_id: str, other: str
) -> None:
    page = visitor.open(path, operator="Ada Lovelace")
    elsewhere, alert_id = passing("device-silent", other), passing("bin-fire", device_id)
    line = page.locator(f'[data-alert="{alert_id}"]')
    expect(line).to_contain_text(f"{device_id}: bin-fire")
    expect(page.locator(f'[data-alert="{elsewhere}"]')).to_have_count(0)
    line.get_by_role("button", name="Acknowledge").click()
    expect(line).to_contain_text("acknowledged by Ada Lovelace")
    expect(line.get_by_role("button")).to_have_count(0)
    expect(page.locator("#alert-list .alert-load, #alert-list [data-select]")).to_have_count(0)


@pytest.mark.browser
def test_a_reading_comes_to_the_screen_by_itself(visitor: Visitor, city: City) -> None:
    page = visitor.open("/waste?device=bin-020&span=1h")
    page.wait_for_selector(".js-plotly-plot .main-svg")
    points = "document.querySelector('.js-plotly-plot').data[0].x.length"
    before = page.evaluate(points)

    async def read(connection: asyncpg.Connection) -> None:
        await publish(connection, "bin-020", "fill_level", 77.0, datetime.now(UTC))

    city.sql(read)
    row = page.locator("tr", has=page.get_by_role("link", name="Mill Lane bin 4"))
    expect(row).to_contain_text("77")
    page.wait_for_function(f"{points} === {before + 1}")


@pytest.mark.browser
def test_a_reading_that_failed_its_checks_says_so_and_breaks_the_curve(visitor: Visitor, city: City) -> None:
    page = visitor.open("/waste?device=bin-021&span=1h")
    page.wait_for_selector(".js-plotly-plot .main-svg")
    points = "document.querySelector('.js-plotly-plot').data[0].y"
    before = page.evaluate(f"{points}.length")
    row = page.locator("tr[data-selected=true]")
    expect(row.locator(".live-quality").first).to_be_hidden()

    def read(value: float, quality: int) -> None:
        city.sql(lambda c: publish(c, "bin-021", "fill_level", value, datetime.now(UTC), quality))

    read(143.0, 4)
    expect(row).to_contain_text("failed a check")
    expect(row.locator(".live-bar")).to_have_attribute("style", "width: 0%;")
    page.wait_for_function(f"{points}.length === {before + 1}")
    assert page.evaluate(f"{points}.at(-1)") is None
    read(44.0, 1)
    expect(row).to_contain_text("44")
    expect(row).not_to_contain_text("failed a check")
    page.wait_for_function(f"{points}.at(-1) === 44")


@pytest.mark.browser
def test_a_device_is_heard_by_what_it_measures_and_not_by_what_is_derived(visitor: Visitor, city: City) -> None:
    page = visitor.open("/traffic")
    silent = page.locator("tr", has=page.get_by_role("link", name="Ring Road anticlockwise, km 1.1"))
    expect(silent).to_contain_text("2 h ago")

    async def read(connection: asyncpg.Connection) -> None:
        await publish(connection, "road-005", "level_of_service", 3, datetime.now(UTC))
        await publish(connection, "road-000", "vehicle_speed", 17, datetime.now(UTC))

    city.sql(read)
    # What was published last is there, so that what was published first has come.
    row = page.locator("tr", has=page.get_by_role("link", name="Ring Road clockwise, km 0.4"))
    expect(row.locator(".live-value").first).to_have_text("17")
    expect(silent).to_contain_text("2 h ago")


def hurry(page: Page) -> None:
    """Let a page ask every second for what it asks for every minute."""
    page.evaluate("document.querySelectorAll('[data-renew]').forEach((part) => { part.dataset.renew = '1'; })")


@pytest.mark.browser
def test_order_and_sums_are_renewed_and_what_is_selected_stays(visitor: Visitor, city: City) -> None:
    page = visitor.open("/waste")
    renewals = renewals_of(page)
    rows = page.locator("#page tbody tr")
    selected = page.locator("tr[data-selected=true]")
    name = selected.get_by_role("link").inner_text()
    expect(rows.first).to_contain_text(name)

    async def fill(connection: asyncpg.Connection) -> None:
        await publish(connection, "bin-025", "fill_level", 100.0, datetime.now(UTC))

    city.sql(fill)
    hurry(page)
    expect(rows.first).to_contain_text("Station Road bin 5")
    expect(selected.get_by_role("link")).to_have_text(name)
    assert renewals == [], "the whole page was asked for"


@pytest.mark.browser
def test_a_district_s_alerts_are_counted_anew(visitor: Visitor, passing: Raise) -> None:
    page = visitor.open("/")
    campus = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Campus"))
    before = campus.get_by_role("cell").first.inner_text()
    passing("bin-fire", "bin-026")
    hurry(page)
    expect(campus.get_by_role("cell").first).not_to_have_text(before)


@pytest.mark.browser
def test_rows_of_a_long_table_are_renewed_and_their_order_stays(visitor: Visitor, passing: Raise) -> None:
    page = visitor.open("/devices")
    renewals = renewals_of(page)
    devices = page.get_by_role("region", name="All devices")
    heading = devices.get_by_role("columnheader", name="Id", exact=True)
    for order in ("ascending", "descending"):
        heading.click()
        expect(heading).to_have_attribute("aria-sort", order)
    first = devices.locator('.ag-center-cols-container .ag-row[row-index="0"]')
    device = first.get_attribute("row-id")
    assert device is not None
    assert device.startswith("road-")
    expect(first).not_to_contain_text("Critical")
    passing("bin-fire", device)
    hurry(page)
    expect(first).to_contain_text("Critical")
    expect(first).to_have_attribute("row-id", device)
    expect(heading).to_have_attribute("aria-sort", "descending")
    assert renewals == [], "the whole page was asked for"


@pytest.mark.browser
def test_what_was_turned_away_is_counted_and_each_reason_leads_to_its_messages(visitor: Visitor, city: City) -> None:
    page = visitor.open("/account")
    reasons = page.get_by_role("region", name="Turned away, by reason")
    messages = page.get_by_role("region", name="Messages turned away").get_by_role("listitem")
    expect(reasons.locator("dt", has_text="bad JSON").locator("+ dd")).to_have_text("1")

    async def send(connection: asyncpg.Connection) -> None:
        await connection.execute(
            "INSERT INTO rejected_message (received_at, fate, reason, detail, device_id, topic, payload, payload_size)"
            " SELECT now(), 'rejected', 'bad_json', 'no JSON', 'bin-003', 'many/' || n, '', 0"
            " FROM generate_series(1, 120) AS n"
        )

    city.sql(send)
    try:
        hurry(page)
        expect(reasons.locator("dt", has_text="bad JSON").locator("+ dd")).to_have_text("121")
        expect(messages).to_have_count(100)
        reasons.get_by_role("link", name="cannot be decoded").click()
        expect(messages).to_have_count(1)
        expect(messages).to_contain_text("bin-003")
        page.get_by_role("link", name="All reasons").click()
        expect(messages).to_have_count(100)
    finally:
        city.sql(lambda c: c.execute("DELETE FROM rejected_message WHERE topic LIKE 'many/%'"))


@pytest.mark.browser
def test_map_list_and_card_are_one_selection(visitor: Visitor) -> None:
    page = visitor.open("/")
    mark = page.get_by_title("Library Court bin 1: critical alert")
    # What lies too near is gathered, worst state first; a click draws nearer until the mark stands alone.
    gathered = page.locator(".marker.cluster.severity-critical")
    expect(mark.or_(gathered)).to_be_visible()
    while not mark.count():
        gathered.evaluate_all("found => found.forEach((one) => one.click())")
        page.wait_for_timeout(250)
    mark.click()
    card = page.locator(".device-card")
    expect(card).to_contain_text("Library Court bin 1")
    assert page.url.endswith("?device=bin-004")
    card.get_by_label("Close").click()
    expect(card).to_have_count(0)


@pytest.mark.browser
@pytest.mark.parametrize("name", ["nameDevice", "nameStop", "nameDistrict"])
def test_a_name_on_the_map_is_text_and_not_markup(visitor: Visitor, name: str) -> None:
    page = visitor.open("/map")
    page.wait_for_function("window.L && window.citywatch.map")
    page.evaluate(
        """(name) => {
            const place = document.body.appendChild(document.createElement("div"));
            place.style.height = "200px";
            const layer = L.circleMarker([47, 7]);
            const feature = { properties: { name: "Quay <b>east</b><style>body { display: none }</style>" } };
            citywatch.map[name](feature, layer);
            layer.addTo(L.map(place).setView([47, 7], 12)).openTooltip();
            place.id = "named";
        }""",
        name,
    )
    shown = page.locator("#named .leaflet-tooltip")
    expect(shown).to_have_text("Quay <b>east</b><style>body { display: none }</style>")
    expect(page.locator("#named .leaflet-tooltip b")).to_have_count(0)


@pytest.mark.browser
def test_the_page_says_that_it_is_not_live_and_finds_back(visitor: Visitor, city: City) -> None:
    page = visitor.open("/")
    visitor.watch.away = True
    city.stop()
    expect(page.locator("#connection")).to_contain_text("Reconnecting, data as of")
    city.start()
    expect(page.locator("#connection")).to_have_text("Live", timeout=20_000)
    # What was written while the page was blind is on it.
    alert_id = city.sql(silence)
    expect(page.locator(f'[data-alert="{alert_id}"]')).to_be_visible()


async def silence(connection: asyncpg.Connection) -> int:
    """Raise an alert about a device as a whole."""
    return await raise_alert(
        connection, "device-silent", "bin-022", None, datetime.now(UTC), "Library Court bin 4 is silent"
    )


@pytest.mark.browser
def test_charts_are_fetched_before_a_page_asks_for_them(visitor: Visitor) -> None:
    page = visitor.open("/alerts")
    assert page.locator(".dash-graph").count() == 0
    page.wait_for_function("window.Plotly !== undefined")
