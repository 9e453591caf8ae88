"""From a bin's own publication to an operator's click: broker, ingest, rules, API and screen, nothing seeded."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Browser, expect

from tests.browser.conftest import City, Visitor
from tests.installation import installation

BIN = {"device_id": "corner-bin", "profile": "citywatch/bin", "domain": "waste", "name": "Corner bin"}


@pytest.mark.browser
@pytest.mark.slow
def test_a_bin_over_mqtt_becomes_an_alert_that_is_acknowledged_by_a_click(browser: Browser, tmp_path: Path) -> None:
    for part in (tmp_path, *tmp_path.parents[:2]):
        part.chmod(0o755)  # embedded servers run as an account of their own where we are root
    with installation(tmp_path / "data", "--no-simulator") as running:
        document = tmp_path / "bin.json"
        document.write_text(json.dumps({"devices": [BIN | {"expected_interval": "5m"}]}), encoding="utf-8")
        running.command("devices", "import", str(document))
        visitor = Visitor(browser, City(running.url, running.running["dsn"], running.running["http_port"]))
        page = visitor.open("/")
        loads: list[str] = []
        page.on("framenavigated", lambda frame: loads.append(frame.url))

        client = mqtt.Client(CallbackAPIVersion.VERSION2, "corner-bin")
        client.connect("127.0.0.1", running.running["broker_port"])
        client.loop_start()
        now = datetime.now(UTC)
        for minutes, level in ((12, 91), (7, 93), (1, 94)):
            reading = {"fill_level": level, "time": (now - timedelta(minutes=minutes)).isoformat()}
            topic = f"city/v1/devices/{BIN['device_id']}/telemetry"
            client.publish(topic, json.dumps(reading), qos=1).wait_for_publish(10)
        client.disconnect()
        client.loop_stop()

        line = page.locator("[data-alert]", has_text="Corner bin")
        expect(line).to_be_visible(timeout=30_000)
        line.get_by_role("button", name="Acknowledge").click()
        page.get_by_label("Your name").last.fill("Ada Lovelace")
        page.get_by_role("button", name="Start shift").click()
        expect(line).to_contain_text("acknowledged by Ada Lovelace")
        assert loads == [], "the page was loaded again"
        assert visitor.watch.faults == []

        (alert,) = running.get("/api/v1/alerts", device_id=BIN["device_id"])["items"]
        assert alert["state"] == "acknowledged"
        events = running.get(f"/api/v1/alerts/{alert['alert_id']}")["events"]
        assert [(event["kind"], event["actor"]) for event in events][-1] == (
            "acknowledged", "Ada Lovelace (unverified)",
        )  # fmt: skip
        (row,) = running.get("/api/v1/account", device_id=BIN["device_id"])["items"]
        assert row["closes"]
        assert row["stored"] == 3
        for context in visitor.contexts:
            context.close()
