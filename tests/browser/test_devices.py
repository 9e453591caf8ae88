"""Looking after devices on screen: a command to one, a stranger taken in, a formula over what they measure."""

import asyncpg
import pytest
from playwright.sync_api import FilePayload, expect

from tests.browser.conftest import City, Visitor
from tests.browser.look import settle, violations


@pytest.mark.browser
def test_a_command_is_sent_and_its_state_shown(visitor: Visitor, city: City) -> None:
    page = visitor.open("/devices/road-003", operator="R. Meier")
    form = page.locator("[data-request-form]")
    form.get_by_label("Command").fill("interval")
    form.get_by_label("Arguments (JSON)").fill("[60]")
    form.get_by_role("button", name="Send").click()
    expect(page.locator("#toast")).to_contain_text("the arguments must be a JSON object")
    form.get_by_label("Arguments (JSON)").fill('{"seconds": 60}')
    form.get_by_role("button", name="Send").click()
    expect(page.get_by_role("region", name="Commands")).to_contain_text("Queued")
    kept = city.sql(
        lambda c: c.fetchrow("SELECT name, arguments, created_by FROM command WHERE device_id = 'road-003'")
    )
    assert (kept["name"], kept["created_by"]) == ("interval", "R. Meier (unverified)")


@pytest.mark.browser
def test_a_stranger_is_adopted_by_one_action(visitor: Visitor, city: City) -> None:
    async def stranger(connection: asyncpg.Connection) -> None:
        await connection.execute(
            "INSERT INTO rejected_message (received_at, fate, reason, detail, device_id, topic, payload, payload_size)"
            " VALUES (now(), 'rejected', 'unknown_device', '', 'road-9998',"
            " 'city/v1/devices/road-9998/telemetry', $1, $2)",
            payload := b'{"vehicle_speed": 41.5, "vehicle_flow": 300}',
            len(payload),
        )

    city.sql(stranger)
    page = visitor.open("/devices", operator="R. Meier")
    row = page.get_by_role("region", name="Quarantine").get_by_role("row").filter(has_text="road-9998")
    expect(row).to_contain_text("vehicle_speed")
    row.get_by_role("button", name="Adopt: road-9998").click()
    expect(page.locator("#page h1")).to_have_text("road-9998")
    profile = city.sql(lambda c: c.fetchval("SELECT domain FROM device WHERE device_id = 'road-9998'"))
    assert profile == "traffic"
    page.goto(f"{city.url}/devices")
    quarantine = page.get_by_role("region", name="Quarantine")
    expect(quarantine).to_contain_text("bin-9999")
    expect(quarantine).not_to_contain_text("road-9998")


@pytest.mark.browser
def test_a_device_is_added_by_a_click_on_the_map_and_its_password_seen_once(visitor: Visitor, city: City) -> None:
    page = visitor.open("/devices", operator="R. Meier")
    page.get_by_role("link", name="Add a device").click()
    expect(page.locator("#page h1")).to_have_text("Add a device")
    form = page.locator("#device-form")
    form.get_by_label("Type").select_option("citywatch/bin")
    form.get_by_label("Id", exact=True).fill("new-bin")
    form.get_by_label("Name", exact=True).fill("Market square")
    page.locator("#place-map").click()
    expect(form.get_by_label("Latitude")).not_to_have_value("")
    expect(page.locator("#place-map")).to_be_visible()
    form.get_by_role("button", name="Add device").click()
    dialog = page.get_by_role("dialog", name="Account at the broker")
    expect(dialog.get_by_label("User name")).to_have_value("new-bin")
    password = dialog.get_by_label("Password").input_value()
    assert len(password) >= 20
    dialog.get_by_role("button", name="Done").click()
    expect(page.locator("#page h1")).to_have_text("Market square")
    assert password not in page.content()
    kept = city.sql(lambda c: c.fetchrow("SELECT latitude, longitude, profile FROM device WHERE device_id = 'new-bin'"))
    assert kept["profile"] == "citywatch/bin"
    assert None not in (kept["latitude"], kept["longitude"])
    # The same page takes the account away again, after a second thought.
    account = page.get_by_role("region", name="Account at the broker")
    account.get_by_text("Revoke", exact=True).click()
    account.get_by_role("button", name="Revoke now").click()
    expect(account).to_contain_text("Revoked")
    city.sql(lambda c: c.execute("DELETE FROM device WHERE device_id = 'new-bin'"))


@pytest.mark.browser
def test_a_list_is_tried_before_it_is_imported(visitor: Visitor, city: City, axe: str) -> None:
    page = visitor.open("/add-device", operator="R. Meier")
    settle(page)
    assert violations(page, axe) == []
    form = page.locator("[data-list-form]")

    def choose(content: str) -> None:
        file: FilePayload = {"name": "devices.csv", "mimeType": "text/csv", "buffer": content.encode()}
        form.get_by_label("List (CSV)").set_input_files(file)

    choose("device_id,profile,latitude\nlist-1,citywatch/bin,\nlist-2,nobody/nothing,95\n")
    form.get_by_role("button", name="Try it").click()
    report = page.locator("#list-report")
    expect(report).to_contain_text("nothing is changed")
    expect(report).to_contain_text("nobody/nothing")
    choose("device_id,profile\nlist-1,citywatch/bin\nlist-2,citywatch/bin\n")
    form.get_by_role("button", name="Import").click()
    expect(report).to_contain_text("Added: 2, changed: 0")
    assert city.sql(lambda c: c.fetchval("SELECT count(*) FROM device WHERE device_id LIKE 'list-_'")) == 2
    city.sql(lambda c: c.execute("DELETE FROM device WHERE device_id LIKE 'list-_'"))


@pytest.mark.browser
def test_a_formula_is_checked_set_and_ended(visitor: Visitor, city: City) -> None:
    page = visitor.open("/calculations", operator="R. Meier")
    form, listed, toast = page.locator("[data-request-form]"), page.locator("#page tbody tr"), page.locator("#toast")
    form.get_by_label("Formula").fill('100 "%" * fine / all')
    form.get_by_label("Unit").fill("ug/m3")
    form.get_by_label("Inputs").fill("fine = air-000 pm2_5\nall: air-000 pm10")
    form.get_by_label("Device that").fill("air-000")
    form.get_by_label("Name of the property").fill("fine_share")
    form.get_by_label("Reason").fill("smoke or dust?")
    form.get_by_role("button", name="Check").click()
    expect(toast).to_contain_text("an input is written as name = device property")
    form.get_by_label("Inputs").fill("fine = air-000 pm2_5\nall = air-000 no2")
    form.get_by_role("button", name="Check").click()
    expect(toast).to_contain_text("the formula gives %, not ug/m3")
    form.get_by_label("Unit").fill("%")
    form.get_by_role("button", name="Check").click()
    expect(toast).to_contain_text("Nothing is set yet")
    assert city.get("/api/v1/calculations")["items"] == []
    form.get_by_role("button", name="Set").click()
    expect(listed).to_contain_text("fine share")
    (one,) = city.get("/api/v1/calculations")["items"]
    assert (one["unit"], one["version"], one["author"]) == ("%", 1, "R. Meier (unverified)")
    page.get_by_role("button", name="End: fine share, air-000").click()
    expect(page.locator("#page")).to_contain_text("Nothing is calculated yet")
