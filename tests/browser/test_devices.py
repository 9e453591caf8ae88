"""Looking after devices on screen: a command to one, a stranger taken in, a formula over what they measure."""

import asyncpg
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import City, Visitor


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
