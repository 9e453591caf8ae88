"""The first load of the overview, and changes of page: bytes over the wire, and time until it can be used."""

import time
from statistics import median

from docs.proof.dashboard_parts.browsing import chromium, open_page, simulated_city

FIRST_LOAD_BYTES, INTERACTIVE, CHANGE = 2_000_000, 3.0, 0.5  # bytes, s, s
# Every page of the navigation but the wall, which has none: its name there, and its heading. Gone through three times.
PAGES = {
    "Alerts": "Alerts",
    "Devices": "Devices",
    "Overview": "City overview",
    "Map": "Map",
    "Trends": "Trends",
    "Districts": "Districts",
    "Traffic": "Traffic",
    "Waste": "Waste",
    "Air": "Air",
    "Work orders": "Work orders",
    "Shift report": "Shift report",
    "Rules": "Rules",
    "Formulas": "Calculated datastreams",
    "Data account": "Data account",
    "Status": "Status",
    "Simulator": "Simulator",
}
ROUNDS = 3


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
        first_load = sum(sizes)
        taken: dict[str, list[float]] = {name: [] for name in PAGES}
        navigation = page.get_by_role("navigation", name="Main")
        for _ in range(ROUNDS):
            for name, heading in PAGES.items():
                begun = time.monotonic()
                navigation.get_by_role("link", name=name, exact=False).first.click()
                page.wait_for_function(
                    "heading => document.querySelector('#page h1')?.textContent === heading", arg=heading
                )
                taken[name].append(time.monotonic() - begun)
    changes = [seconds for each in taken.values() for seconds in each]
    slowest = max(taken, key=lambda name: max(taken[name]))
    figures: dict[str, object] = {
        "first load, bytes over the wire": round(first_load),
        "interactive after, s": round(interactive, 2),
        "change of page, median s": round(median(changes), 3),
        "change of page, worst s": round(max(changes), 3),
        "the page of the worst": slowest,
        "changes under 500 ms, %": round(100 * sum(each < CHANGE for each in changes) / len(changes), 1),
        "median of each page, s": {name: round(median(each), 2) for name, each in taken.items()},
    }
    if first_load >= FIRST_LOAD_BYTES or interactive >= INTERACTIVE or median(changes) >= CHANGE:
        raise AssertionError(figures)
    return figures
