"""A browser on the real thing: a seeded database, `citywatch serve` as its own process, Chromium without a network."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, expect, sync_playwright

from citywatch.local.process import free_port
from sql.pool import set_up
from tests.browser.look import axe_source
from tests.browser.seed import seed
from tests.conftest import ROOT

SHOTS = ROOT / "build" / "screenshots"
CHROMIUM = os.environ.get("CITYWATCH_CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
]
# A test machine may be busy with something else: nothing here measures speed by giving up early.
expect.set_options(timeout=20_000)
Work = Callable[[asyncpg.Connection], Awaitable[Any]]


@dataclass
class City:
    """The served city: its address, and its database for what only SQL can see or do."""

    url: str
    dsn: str
    port: int
    settings: dict[str, str] = field(default_factory=dict)  # besides store and port
    process: subprocess.Popen[bytes] | None = None

    def sql(self, work: Work) -> Any:
        """Run `work` on a connection of its own; in a thread, as Playwright holds this one's event loop."""

        async def on_connection() -> Any:
            connection = await asyncpg.connect(self.dsn)
            try:
                await set_up(connection)
                return await work(connection)
            finally:
                await connection.close()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, on_connection()).result()

    def get(self, path: str, **query: object) -> Any:
        """Return one answer of the API."""
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(query)}", timeout=60) as answer:
            return json.load(answer)

    def start(self) -> None:
        """Start `citywatch serve` and wait until it is ready."""
        environment = {
            **os.environ,
            "CITYWATCH_STORE__DSN": self.dsn,
            "CITYWATCH_SERVE__PORT": str(self.port),
            "CITYWATCH_BROKER__ACCOUNTS": "store",  # a device may be given one without a broker
            "CITYWATCH_LOG_LEVEL": "warning",
            **self.settings,
        }
        self.process = subprocess.Popen([sys.executable, "-m", "citywatch", "serve"], cwd=ROOT, env=environment)
        deadline = time.monotonic() + 60
        while not self._ready():
            assert self.process.poll() is None, "citywatch serve ended"
            assert time.monotonic() < deadline, "citywatch serve is not ready"
            time.sleep(0.1)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def stop(self) -> None:
        """Stop the process and wait until it is gone."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
            self.process = None


@pytest.fixture(scope="session")
def city(server_dsn: Callable[[str], str], template: str) -> Iterator[City]:
    """One seeded city for all browser tests."""
    name = f"citywatch_browser_{os.getpid()}"
    dsn, port = server_dsn(name), free_port()
    admin = City("", server_dsn("postgres"), 0)
    admin.sql(lambda c: c.execute(f"CREATE DATABASE {name} TEMPLATE {template}"))
    made = City(f"http://127.0.0.1:{port}", dsn, port)
    made.sql(lambda c: seed(c, datetime.now(UTC)))
    made.start()
    try:
        yield made
    finally:
        made.stop()
        admin.sql(lambda c: c.execute(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def browser(city: City) -> Iterator[Browser]:
    """Chromium, as the machine has it. After the city: what that starts needs this thread's event loop to be free."""
    if not Path(CHROMIUM).exists():
        message = f"no Chromium at {CHROMIUM}; name one by CITYWATCH_CHROMIUM"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield made
        made.close()


@dataclass
class Watch:
    """What must not happen while a page is open."""

    faults: list[str] = field(default_factory=list)
    # While the server is away the browser itself complains about each attempt to reach it.
    away: bool = False

    def on(self, page: Page, url: str) -> None:
        """Listen to `page`."""

        def console(message: Any) -> None:
            if message.type == "error" and not self.away:
                self.faults.append(f"console: {message.text}")

        def request(asked: Request) -> None:
            if not asked.url.startswith((url, "data:", "blob:", url.replace("http", "ws"))):
                self.faults.append(f"request off this machine: {asked.url}")

        def response(answer: Response) -> None:
            if answer.status >= 400 and not self.away:
                self.faults.append(f"{answer.status}: {answer.url}")

        page.on("console", console)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", request)
        page.on("response", response)


def renewals_of(page: Page) -> list[str]:
    """Return a list that grows by one whenever `page` asks the server for all of itself."""
    found: list[str] = []
    page.on(
        "request", lambda one: found.append(one.url) if '"output":"page.children"' in (one.post_data or "") else None
    )
    return found


@dataclass
class Visitor:
    """Opens pages and notes what went wrong on any of them."""

    browser: Browser
    city: City
    watch: Watch = field(default_factory=Watch)
    contexts: list[BrowserContext] = field(default_factory=list)

    def open(self, path: str, look: str = "light", operator: str | None = None, *, policy: bool = False) -> Page:
        """Open `path` in a browser profile of its own: `light`, `dark` or `phone`.

        With `policy` the page's Content Security Policy holds; Playwright's own waiting needs to evaluate text.
        """
        context = self.browser.new_context(
            viewport={"width": 390, "height": 844} if look == "phone" else {"width": 1440, "height": 900},
            color_scheme="dark" if look == "dark" else "light",
            reduced_motion="reduce",
            timezone_id="Europe/Zurich",
            bypass_csp=not policy,
        )
        context.set_default_timeout(30_000)
        self.contexts.append(context)
        page = context.new_page()
        self.watch.on(page, self.city.url)
        page.goto(self.city.url + path)
        page.wait_for_selector("#page h1")
        page.wait_for_selector('#connection[data-state="live"]')
        if operator is not None:
            page.fill("#operator", operator)
            page.keyboard.press("Tab")
        return page


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility checker's source."""
    try:
        return axe_source()
    except LookupError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture
def visitor(browser: Browser, city: City) -> Iterator[Visitor]:
    """A visitor whose every page must be free of errors and of requests off this machine."""
    made = Visitor(browser, city)
    yield made
    for context in made.contexts:
        context.close()
    assert made.watch.faults == []
