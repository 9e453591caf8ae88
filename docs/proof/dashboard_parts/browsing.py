"""A browser on a simulated city of the proof's own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.look import PAGES
from tests.installation import Installation, installation

DEVICES = 120


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield the machine's own browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def simulated_city() -> Iterator[Installation]:
    """Yield a city as `citywatch up` starts it."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with installation(folder / "data", "--devices", str(DEVICES)) as city:
            yield city


def open_page(browser: Browser, look: str = "light") -> Page:
    """Return a page of a browser profile of its own: `light`, `dark` or `phone`."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844} if look == "phone" else {"width": 1440, "height": 900},
        color_scheme="dark" if look == "dark" else "light",
        bypass_csp=True,  # what is evaluated to wait by is not part of the page
        reduced_motion="reduce",
    )
    context.set_default_timeout(60_000)
    return context.new_page()


def addresses(city: Installation) -> dict[str, str]:
    """Return the pages of tests/browser/look.py by name, with devices and districts of this city; it has no replay."""

    def one(domain: str) -> str:
        return str(city.get("/api/v1/devices", domain=domain, source_id="live", limit=1)["items"][0]["device_id"])

    road, bin_, station = one("traffic"), one("waste"), one("air")
    district = city.get("/api/v1/districts")["items"][0]["district_id"]
    alerts = city.get("/api/v1/alerts", limit=1)["items"]
    own = {
        "overview-device": f"/?device={bin_}",
        "alerts": f"/alerts?alert={alerts[0]['alert_id']}" if alerts else "/alerts",
        "district": f"/districts/{district}",
        "air-outlook": f"/air/outlook?device={station}&forecast=no2",
        "device": f"/devices/{road}",
    }
    return {name: own.get(name, path) for name, (path, _heading) in PAGES.items() if name != "replay"}
