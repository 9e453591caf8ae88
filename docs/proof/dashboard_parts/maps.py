"""Maps of many devices: those drawn one by one, and 10,000 and 100,000 gathered by the server.

On a store filled by plain SQL and `citywatch serve` alone. The time of each frame and of each answer is taken in the
page itself.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median, quantiles
from typing import Any

import asyncpg
from playwright.sync_api import Page

from citywatch.local.process import free_port
from dashboard.components.city_map import MOST_SINGLE
from docs.proof.dashboard_parts.browsing import chromium, open_page
from docs.proof.own_store import own_store
from sql.pool import set_up
from tests.browser.conftest import City
from tests.browser.look import settle

LIMITS = {
    "first paint after a click, s": 2.0,
    "pan, p95 of a frame, ms": 50.0,
    "answer in the browser, p95 ms": 200.0,
}
STEPS = 60  # of the pointer in one pan

# Nine in ten are fresh, the others stale, silent or never heard; one in fifty has an open alert.
FILL = """
INSERT INTO device (device_id, profile, domain, name, latitude, longitude, expected_interval)
SELECT 'many-' || n, 'citywatch/bin', (ARRAY['waste', 'traffic', 'air'])[1 + n % 3], 'Device ' || n,
       46.9 + 0.06 * (n::bigint * 7919 % 99991) / 99991, 7.4 + 0.1 * (n::bigint * 104729 % 99989) / 99989, '1 hour'
  FROM generate_series(1, $1::int) AS n;
INSERT INTO datastream (device_id, property, unit)
SELECT device_id, property, '%' FROM device, unnest(ARRAY['fill_level', 'battery']) AS property;
INSERT INTO latest_observation (datastream_id, phenomenon_time, received_at, result, quality)
SELECT t.datastream_id, now() - CASE WHEN n % 20 = 0 THEN interval '5 h' WHEN n % 25 = 1 THEN interval '20 h'
                                ELSE n % 60 * interval '1 min' END, now(), n % 100, 1
  FROM datastream AS t CROSS JOIN LATERAL (SELECT substring(t.device_id FROM 6)::int AS n) AS number
 WHERE n % 100 <> 2;
INSERT INTO rule (rule_id, version) VALUES ('bin-full', 1);
INSERT INTO rule_version (rule_id, version, text, text_hash, definition, author)
VALUES ('bin-full', 1, '', '', '{"title": "Bin is full", "operator_action": "Send a crew", "when": 80}', 'proof');
INSERT INTO alert (alert_key, rule_id, rule_version, device_id, severity, state, open, summary, inputs, raised_at)
SELECT 'proof/' || device_id, 'bin-full', 1, device_id, (ARRAY['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'])[1 + n % 4],
       'unacknowledged', true, '{"message": "bin_full", "parameters": {}, "text": "Bin is full"}', '{}',
       now() - n % 1440 * interval '1 min'
  FROM device CROSS JOIN LATERAL (SELECT substring(device_id FROM 6)::int AS n) AS number
 WHERE n % 50 = 7 AND n < 20000;
"""
FRAMES = """() => {
    window.frames_taken = [];
    let last = performance.now();
    const each = now => { frames_taken.push(now - last); last = now; requestAnimationFrame(each); };
    requestAnimationFrame(each);
}"""
ANSWERS = """() => performance.getEntriesByType('resource')
    .filter(one => one.name.includes('/device-clusters?')).map(one => one.duration)"""


@contextmanager
def served(devices: int) -> Iterator[City]:
    """Yield `citywatch serve` on a store of so many devices."""

    async def fill(connection: asyncpg.Connection) -> None:
        await set_up(connection)
        for statement in FILL.split(";\n"):
            if statement.strip():
                await connection.execute(statement, *([devices] if "$1" in statement else []))
        await connection.execute("VACUUM ANALYZE")

    with own_store() as (dsn, _folder):
        port = free_port()
        city = City(f"http://127.0.0.1:{port}", dsn, port)
        city.sql(fill)
        city.start()
        try:
            yield city
        finally:
            city.stop()


def to_the_map(page: Page, city: City, drawn: str) -> float:
    """Go from another page to the map by a click; return the seconds until `drawn` holds in the page."""
    page.goto(city.url + "/status")
    settle(page)
    begun = time.monotonic()
    page.get_by_role("link", name="Map", exact=True).click()
    page.wait_for_function(drawn, polling=50)
    return time.monotonic() - begun


def pan(page: Page, across: int, up: int) -> list[float]:
    """Drag the map; return how long each frame took (ms)."""
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.evaluate(FRAMES)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(STEPS):
        page.mouse.move(x + across * step, y + up * step)
    page.mouse.up()
    return [taken for taken in page.evaluate("frames_taken") if taken > 0]


def p95(values: list[float]) -> float:
    """Return the value that 95 of 100 stay below."""
    return round(quantiles(values, n=20)[18], 1)


def one_by_one() -> dict[str, Any]:
    """Draw as many devices as are drawn one by one, each a mark of its own, and pan."""
    with served(MOST_SINGLE) as city, chromium() as browser:
        page = open_page(browser)
        drawn = f"""() => {{
            const canvas = document.querySelector('#map .leaflet-overlay-pane canvas');
            return canvas && window.citywatch.map.devices.size === {MOST_SINGLE}
                && canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(v => v)
                && document.querySelectorAll('#map .marker').length > 0;
        }}"""
        painted = to_the_map(page, city, drawn)
        settle(page)
        frames = pan(page, 3, 2) + pan(page, -3, -2)
    return judged(
        {
            "devices": MOST_SINGLE,
            "first paint after a click, s": round(painted, 2),
            "pan, p95 of a frame, ms": p95(frames),
        }
    )


def judged(figures: dict[str, Any]) -> dict[str, Any]:
    """Return the figures; raise AssertionError with them where one is above its limit."""
    for name, limit in LIMITS.items():
        if figures.get(name, 0) >= limit:
            raise AssertionError(figures)
    return figures


def ten_thousand() -> dict[str, Any]:
    """Draw 10,000 devices."""
    return gathered(10_000)


def hundred_thousand() -> dict[str, Any]:
    """Draw 100,000 devices."""
    return gathered(100_000)


def gathered(devices: int) -> dict[str, Any]:
    """Draw devices as clusters, zoom in and out and pan; each answer is timed by the browser."""
    with served(devices) as city, chromium() as browser:
        page = open_page(browser)
        cold = to_the_map(page, city, "() => document.querySelectorAll('#map .marker').length > 0")
        painted = to_the_map(page, city, "() => document.querySelectorAll('#map .marker').length > 0")
        settle(page)
        frames: list[float] = []
        page.evaluate("performance.clearResourceTimings()")
        box = page.locator("#map").bounding_box()
        assert box is not None
        for step in range(24):
            before = len(page.evaluate(ANSWERS))
            if step % 3 == 0:
                frames += pan(page, 3 if step % 2 else -3, 2)
            else:
                page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
                page.mouse.wheel(0, -400 if step < 12 else 400)
            page.wait_for_function(f"() => ({ANSWERS})().length > {before}")
            settle(page)
        answers = page.evaluate(ANSWERS)
        total = page.evaluate("fetch('/api/v1/device-clusters?zoom=0').then(answer => answer.json())")
    assert total["devices"] == devices, total["devices"]
    return judged(
        {
            "devices": devices,
            "first paint after a click, the server's first, s": round(cold, 2),
            "first paint after a click, s": round(painted, 2),
            "pans and zooms answered": len(answers),
            "answer in the browser, median ms": round(median(answers), 1),
            "answer in the browser, p95 ms": p95(answers),
            "pan, p95 of a frame, ms": p95(frames),
        }
    )
