"""A whole shift by keyboard alone: nothing here moves or presses a mouse."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.request import Request, urlopen

import asyncpg
import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import City, Visitor
from tests.browser.seed import raise_alert


async def _incident(connection: asyncpg.Connection) -> list[int]:
    """Let two bins of one street catch fire, as the rules would write it, with one incident for both."""
    now = datetime.now(UTC)
    made = []
    for number, (device_id, words) in enumerate(
        {"bin-001": "Station Road bin 1", "bin-013": "Station Road bin 3"}.items()
    ):
        stream = await connection.fetchval(
            "SELECT datastream_id FROM datastream WHERE device_id = $1 AND property = 'bin_temperature'", device_id
        )
        at = now - timedelta(seconds=2 - number)
        text = f"{words} is at 64.0 °C: probable fire"
        made.append(await raise_alert(connection, "bin-fire", device_id, stream, at, text, inputs={"value": 64.0}))
    incident = await connection.fetchval(
        "INSERT INTO incident (cause, title, severity, began_at, newest_at)"
        " VALUES ('place:bin-fire', 'Fire in bins of Station Road', 'CRITICAL', $1, $1) RETURNING incident_id",
        now,
    )
    await connection.execute("UPDATE alert SET incident_id = $1 WHERE alert_id = ANY ($2::bigint[])", incident, made)
    await connection.execute("SELECT pg_notify('citywatch_alert', $1)", str(made[-1]))
    return made


DIALOG_AFTER_TWO_FRAMES = """() => new Promise((done) => {
  const look = () => done(document.querySelector("[role=dialog]") !== null);
  requestAnimationFrame(() => requestAnimationFrame(look));
})"""


def press(page: Page, *keys: str) -> None:
    """Press keys one after the other, on whatever has the focus."""
    for key in keys:
        page.keyboard.press(key)


def fill(page: Page, words: str) -> None:
    """Write into the field that has the focus, go to the button after it, and press that."""
    page.keyboard.type(words)
    press(page, "Tab", "Tab", "Enter")


def state_of(city: City, alert_id: int) -> str:
    async def read(connection: asyncpg.Connection) -> str:
        return str(await connection.fetchval("SELECT state FROM alert WHERE alert_id = $1", alert_id))

    return str(city.sql(read))


@pytest.mark.browser
def test_a_whole_shift_by_keyboard_alone(visitor: Visitor, city: City) -> None:
    page = visitor.open("/alerts")
    page.evaluate("() => { window.printed = 0; window.print = () => { window.printed += 1; }; }")
    first, second = city.sql(_incident)
    expect(page.locator(".incident-head", has_text="Fire in bins of Station Road")).to_be_visible()
    expect(page.locator("#announce-urgent")).to_contain_text("probable fire")

    # The help says which keys there are, and closes again.
    press(page, "?")
    expect(page.get_by_role("dialog")).to_contain_text("Next alert that waits for an answer")
    press(page, "Escape")

    # To the new incident, whose alerts stand first; the panel says why.
    press(page, "n", "n")
    while page.url.rpartition("=")[2] != str(second) and page.url.rpartition("=")[2] != str(first):
        press(page, "n")
    here = int(page.url.rpartition("=")[2])
    other = first if here == second else second
    panel = page.locator("#alert-panel")
    expect(panel).to_contain_text("Send the reserve vehicle".lower(), ignore_case=True)
    expect(panel.locator(".js-plotly-plot .main-svg").first).to_be_visible()

    # Both are selected, acknowledged, and the key taken back within its time of grace.
    press(page, "x")
    expect(page.locator("#selected-count")).to_have_text("1 selected")
    press(page, "a")
    # Nobody is on shift yet: the name is asked for, and then the alert is acknowledged.
    page.wait_for_function("document.activeElement.id === 'operator-answer'")
    page.keyboard.type("Grace Hopper")
    press(page, "Enter")
    # The answered dialog is gone at once: what fades out would swallow the next key.
    page.wait_for_function("document.getElementById('operator').value === 'Grace Hopper'")
    assert page.evaluate(DIALOG_AFTER_TWO_FRAMES) is False
    line = page.locator(f'[data-alert="{here}"]')
    expect(line).to_contain_text("acknowledged by Grace Hopper")
    page.locator(f'[data-alert="{other}"] .what').focus()
    press(page, "a")
    expect(page.locator("#toast")).to_contain_text("Undo")
    press(page, "z")
    expect(page.locator("#toast")).to_have_text("Undone")
    assert state_of(city, other) == "unacknowledged"

    # A remark for the journal.
    page.locator(f'[data-alert="{here}"] .what').focus()
    press(page, "Enter", "c")
    expect(page.locator("#dialog-comment")).to_be_visible()
    fill(page, "Fire brigade called at once")
    expect(panel.locator(".journal")).to_contain_text("Fire brigade called at once")

    # The other is somebody else's work, and then kept quiet for half an hour.
    page.locator(f'[data-alert="{other}"] .what').focus()
    press(page, "g")
    expect(page.locator("#dialog-assign")).to_be_visible()
    fill(page, "Crew North")
    expect(page.locator(f'[data-alert="{other}"]')).to_contain_text("with Crew North")
    page.locator(f'[data-alert="{other}"] .what').focus()
    press(page, "s")
    expect(page.locator("#dialog-shelve")).to_be_visible()
    press(page, "Shift+Tab", "ArrowUp", "Tab")
    page.keyboard.type("Same fire as its neighbour")
    press(page, "Control+Enter")
    expect(page.locator(f'[data-alert="{other}"]')).to_contain_text("shelved until")
    assert state_of(city, other) == "shelved"

    # The fire itself goes to a crew as a work order, whose page says when it is due.
    page.locator(f'[data-alert="{here}"] .what').focus()
    press(page, "w")
    expect(page.locator("#dialog-work")).to_be_visible()
    page.keyboard.type("Waste operations")
    press(page, "Tab")
    fill(page, "Wet the ash before you load it")
    expect(panel).to_contain_text("at Waste operations")

    # The shift ends with its report, printed.
    press(page, "p")
    expect(page.locator("#page h1")).to_have_text("Shift report")
    expect(page.locator("#page")).to_contain_text("Grace Hopper")
    for _ in range(80):
        if page.evaluate("document.activeElement.matches('[data-print]')"):
            break
        press(page, "Tab")
    press(page, "Enter")
    assert page.evaluate("window.printed") == 1
    assert page.pdf().startswith(b"%PDF")


@pytest.mark.browser
def test_single_keys_can_be_switched_off(visitor: Visitor) -> None:
    page = visitor.open("/alerts", operator="Ada Lovelace")
    page.locator("body").press("?")
    page.get_by_label("Single keys act").uncheck()
    page.keyboard.press("Escape")
    before = page.url
    page.keyboard.press("j")
    assert page.url == before
    page.keyboard.press("?")
    page.get_by_label("Single keys act").check()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.wait_for_url("**alert=*")


@pytest.fixture
def three(city: City) -> Iterator[list[int]]:
    """Three bins that are full, newest last."""
    devices = ("bin-006", "bin-007", "bin-008")

    async def work(connection: asyncpg.Connection) -> list[int]:
        now = datetime.now(UTC)
        return [
            await raise_alert(connection, "bin-overflowing", one, None, now, f"{one} overflows", inputs={"value": 100})
            for one in devices
        ]

    made = city.sql(work)
    yield made
    # Over, so that the tests after this one find the city as it was.
    city.sql(lambda c: c.execute("DELETE FROM shelving WHERE alert_key LIKE 'bin-overflowing/%'"))
    city.sql(lambda c: c.execute("DELETE FROM alert_event WHERE alert_id = ANY ($1::bigint[])", made))
    city.sql(lambda c: c.execute("DELETE FROM alert WHERE alert_id = ANY ($1::bigint[])", made))


def shelve(city: City, alert_id: int) -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    request = Request(
        f"{city.url}/api/v1/alerts/{alert_id}/shelve",
        json.dumps({"until": until, "comment": "Tried by hand"}).encode(),
        {"Content-Type": "application/json"},
    )
    with urlopen(request) as answer:
        assert answer.status == 200


async def _silent(device_id: str, connection: asyncpg.Connection) -> int:
    return await raise_alert(connection, "device-silent", device_id, None, datetime.now(UTC), f"{device_id} is silent")


def focus(page: Page, alert_id: int) -> None:
    page.locator(f'[data-alert="{alert_id}"] .what').focus()


@pytest.mark.browser
def test_a_step_right_after_another_loses_neither(visitor: Visitor, city: City, three: list[int]) -> None:
    first, second, third = three
    shelve(city, second)
    page = visitor.open("/alerts", operator="Ada Lovelace")
    expect(page.locator(f'[data-alert="{second}"]')).to_contain_text("shelved until")
    # What waits in its time of grace goes out with the next step; that and a third follow at once.
    focus(page, first)
    press(page, "a")
    focus(page, second)
    press(page, "u")
    page.evaluate(f"""document.querySelector('[data-acknowledge="{third}"]').click()""")
    for alert_id in (first, third):
        expect(page.locator(f'[data-alert="{alert_id}"]')).to_contain_text("acknowledged by Ada Lovelace")
    expect(page.locator(f'[data-alert="{second}"]')).not_to_contain_text("shelved until")
    assert [state_of(city, one) for one in three] == ["acknowledged", "unacknowledged", "acknowledged"]


@pytest.mark.browser
def test_a_step_that_fails_does_not_hold_up_the_next(visitor: Visitor, city: City, three: list[int]) -> None:
    page = visitor.open("/alerts", operator="Ada Lovelace")
    failed: list[str] = []

    def fail_once(route: Route) -> None:
        if "act-request" in (route.request.post_data or "") and not failed:
            failed.append(route.request.url)
            route.fulfill(status=500)
        else:
            route.fallback()

    page.route("**/_dash-update-component**", fail_once)
    visitor.watch.away = True  # the browser itself complains about the answer
    for alert_id in three[:2]:
        page.evaluate(f"""document.querySelector('[data-acknowledge="{alert_id}"]').click()""")
    expect(page.locator(f'[data-alert="{three[1]}"]')).to_contain_text("acknowledged by Ada Lovelace", timeout=15_000)
    assert [state_of(city, one) for one in three[:2]] == ["unacknowledged", "acknowledged"]
    assert len(failed) == 1
    visitor.watch.faults.clear()


@pytest.mark.browser
def test_a_key_held_down_or_pressed_twice_is_one_step(visitor: Visitor, city: City, three: list[int]) -> None:
    page = visitor.open("/alerts", operator="Ada Lovelace")
    focus(page, three[0])
    page.keyboard.down("a")
    page.keyboard.down("a")  # as the keyboard repeats it
    page.keyboard.up("a")
    press(page, "a")
    press(page, "z")
    expect(page.locator("#toast")).to_have_text("Undone")
    # Longer than the time of grace: nothing was sent, and nothing is.
    page.wait_for_timeout(4_500)
    assert state_of(city, three[0]) == "unacknowledged"


@pytest.mark.browser
def test_the_keyboard_stays_where_it_is_when_an_alert_comes(visitor: Visitor, city: City, three: list[int]) -> None:
    page = visitor.open("/alerts", operator="Ada Lovelace")
    for number, mark in enumerate(("acknowledge", "select")):
        page.locator(f'#alert-list [data-{mark}="{three[0]}"]').focus()
        come = city.sql(partial(_silent, f"air-00{number}"))
        three.append(come)
        expect(page.locator(f'#alert-list [data-alert="{come}"]')).to_be_visible()
        assert page.evaluate(f"document.activeElement.dataset.{mark}") == str(three[0])
    # The button is gone with what it did: the keyboard stays on its alert.
    page.locator(f'#alert-list [data-acknowledge="{three[0]}"]').focus()
    press(page, "Enter")
    expect(page.locator(f'[data-alert="{three[0]}"]')).to_contain_text("acknowledged by Ada Lovelace")
    assert page.evaluate("document.activeElement.closest('[data-alert]').dataset.alert") == str(three[0])
