"""The first load of the overview, and changes of page: bytes over the wire, and time until it can be used."""

import time
from statistics import median

from docs.proof.dashboard_parts.browsing import chromium, open_page, simulated_city

FIRST_LOAD_BYTES, INTERACTIVE, CHANGE = 2_000_000, 3.0, 0.5  # bytes, s, s
WAY = (("Alerts", "Alerts"), ("Devices", "Devices"), ("Overview", "City overview"), ("Map", "Map")) * 3


def prove() -> dict[str, object]:
    """Load the overview with nothing kept, then go from page to page."""
    with simulated_city() as city, chromium() as browser:
        page = open_page(browser)
        protocol = page.context.new_cdp_session(page)
        protocol.send("Network.enable")
        sizes: list[float] = []
        protocol.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        began = time.monotonic()
        page.goto(city.url + "/")
        page.wait_for_selector("#page h1")
        page.wait_for_selector('#connection[data-state="live"]')
        interactive = time.monotonic() - began
        page.wait_for_load_state("networkidle")
        first_load, changes = sum(sizes), []
        for name, heading in WAY:
            begun = time.monotonic()
            page.get_by_role("link", name=name, exact=False).first.click()
            page.wait_for_function(
                "heading => document.querySelector('#page h1')?.textContent === heading", arg=heading
            )
            changes.append(time.monotonic() - begun)
    figures: dict[str, object] = {
        "first load, bytes over the wire": round(first_load),
        "interactive after, s": round(interactive, 2),
        "change of page, median s": round(median(changes), 3),
        "change of page, worst s": round(max(changes), 3),
    }
    if first_load >= FIRST_LOAD_BYTES or interactive >= INTERACTIVE or median(changes) >= CHANGE:
        raise AssertionError(figures)
    return figures
