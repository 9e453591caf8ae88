"""The README's pictures, taken from a running city.

`python -m tests.browser.screenshots --url http://127.0.0.1:8050 --out docs/screenshots`
What is pictured is what runs: nothing is prepared, so the city should have run for some minutes.
"""

import argparse
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS

# name, path, look
PICTURES = (
    ("overview", "/", "light"),
    ("overview-dark", "/", "dark"),
    ("alerts", "/alerts", "light"),
    ("map", "/map", "light"),
    ("trends", "/trends?property=pm2_5", "light"),
    ("waste", "/waste", "light"),
    ("air", "/air", "dark"),
    ("rules", "/rules", "light"),
    ("report", "/report", "light"),
    ("chinese", "/?lang=zh_Hans", "light"),
    ("phone", "/", "phone"),
)


def _open(browser: Browser, url: str, look: str) -> Page:
    context = browser.new_context(
        viewport={"width": 390, "height": 844} if look == "phone" else {"width": 1180, "height": 740},
        device_scale_factor=1.5 if look == "phone" else 1,
        color_scheme="dark" if look == "dark" else "light",
        bypass_csp=True,  # what is evaluated to wait by is not part of the page
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("#page h1")
    page.wait_for_selector('#connection[data-state="live"]')
    return page


def _settle(page: Page) -> None:
    page.wait_for_function(
        "[...document.querySelectorAll('.dash-graph')].every(g => g.querySelector('.js-plotly-plot .main-svg'))"
    )
    page.wait_for_load_state("networkidle")


def take(url: str, out: Path) -> list[Path]:
    """Take every picture of the city at `url` into the folder `out`; return the files."""
    out.mkdir(parents=True, exist_ok=True)
    taken = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, path, look in PICTURES:
            page = _open(browser, url.rstrip("/") + path, look)
            first = page.locator(".alert .what").first
            if name == "alerts" and first.count():
                first.click()
                page.wait_for_selector("#alert-panel .journal")
            _settle(page)
            file = out / f"{name}.png"
            page.screenshot(path=file)
            taken.append(file)
            page.context.close()
        browser.close()
    return taken


def main(arguments: list[str]) -> int:
    """Read the command line and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8050", help="a running city")
    parser.add_argument("--out", type=Path, default=Path("docs/screenshots"), help="folder for the pictures")
    options = parser.parse_args(arguments)
    for file in take(options.url, options.out):
        sys.stdout.write(f"{file}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
