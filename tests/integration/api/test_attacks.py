"""Requests made to break out, to fill memory or to wear the server down."""

import asyncio
import gzip
import io
import re
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from api.app import create_app
from api.gate import MAX_BODY
from citywatch.settings import Settings
from dashboard.app import mount
from sql.connection import Pool
from tests.integration.api.conftest import asking
from tests.integration.api.signed_in import closed

ACK = "/api/v1/alerts/1/acknowledge"
HOST = (b"host", b"localhost")


@pytest.fixture
async def served(settings: Settings, city: Pool) -> AsyncIterator[FastAPI]:
    """The application with the dashboard's files, which are what a path could lead out of."""
    application = create_app(settings)
    mount(application, settings)
    async with application.router.lifespan_context(application):
        yield application


async def raw(application: FastAPI, path: str) -> tuple[int, bytes]:
    """Send a path as it is: clients would tidy it up first."""
    said: list[Message] = []
    told: list[Message] = [{"type": "http.request", "body": b""}]

    async def receive() -> Message:
        return told.pop() if told else await asyncio.Future()  # a client that stays and says nothing more

    async def send(message: Message) -> None:
        said.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "headers": [HOST], "state": {},
             "query_string": b"", "client": ("127.0.0.1", 1), "server": ("localhost", 80), "scheme": "http",
             "http_version": "1.1", "root_path": ""}  # fmt: skip
    await application(scope, receive, send)
    return said[0]["status"], b"".join(message.get("body", b"") for message in said[1:])


PATHS = [
    "/assets/../app.py",
    "/assets/../../pyproject.toml",
    "/assets//etc/passwd",
    "/assets/..\\..\\pyproject.toml",
    "/assets/fonts/../../../pyproject.toml",
    "/assets/\0/pyproject.toml",
    "/_dash-component-suites/dash/../../../pyproject.toml",
    "/_dash-component-suites/dash_leaflet/../dash/version.py",
    "/api/v1/export/../../../pyproject.toml",
    "/api/v1/export/observations.csv/../../../etc/passwd",
    "/api/v1/export/%2e%2e/%2e%2e/etc/passwd",
]


async def test_no_path_leads_to_a_file_that_is_not_served(served: FastAPI) -> None:
    """The server has decoded percent signs already when a path gets here: these are the decoded ones, and one that
    was encoded twice."""
    for path in PATHS:
        status, body = await raw(served, path)
        assert status in (400, 404, 500), (path, status, body[:100])
        for secret in (b"[project]", b"root:", b"def mount", b"__version__"):
            assert secret not in body, path
    assert (await raw(served, "/assets/1-tokens.css"))[0] == 200


async def test_an_export_is_named_by_us(client: httpx.AsyncClient) -> None:
    """Nothing a caller sends becomes part of a file name or of a header."""
    answer = await client.get("/api/v1/export/observations.csv", params={"device_id": '../../x"\r\nX-Evil: 1'})
    assert answer.headers["content-disposition"] == 'attachment; filename="observations.csv"'
    assert "x-evil" not in answer.headers
    assert answer.text.count("\n") == 1


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.json", b"0" * 50_000_000)
    return file.getvalue()


async def test_nothing_packed_is_unpacked(client: httpx.AsyncClient) -> None:
    """Zip bombs: fifty megabytes in fifty kilobytes stay fifty kilobytes."""
    packed = gzip.compress(b"0" * 50_000_000)
    assert len(packed) < MAX_BODY
    for encoding in ("gzip", "deflate", "br", "zstd", "gzip, gzip"):
        answer = await client.post(ACK, content=packed, headers={"Content-Encoding": encoding})
        assert (answer.status_code, answer.json()["type"]) == (415, "/problems/compressed")
    for kind in ("application/zip", "application/json"):
        answer = await client.post(ACK, content=zipped(), headers={"Content-Type": kind})
        assert answer.status_code in (400, 422)


BOMBS = {
    "deep arrays, never closed": b"[" * 1_000_000,
    "deep arrays": b"[" * 500_000 + b"]" * 500_000,
    "deep objects": b'{"comment":' * 100_000 + b"1" + b"}" * 100_000,
    "a number of a million digits": b'{"comment":' + b"9" * 1_000_000 + b"}",
    "a long text": b'{"comment":"' + b"x" * 1_900_000 + b'"}',
    "a hundred thousand keys": b"{" + b",".join(b'"k%d":1' % n for n in range(100_000)) + b"}",
}


async def test_json_made_to_exhaust_is_refused(client: httpx.AsyncClient) -> None:
    for name, body in BOMBS.items():
        answer = await client.post(ACK, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), (name, answer.text[:200])
        assert len(answer.content) < 20_000_000, name
    assert (await client.get("/health/live")).status_code == 200


ALIASES = "a0: &a0 {at_least: 1}\n" + "".join(f"a{n}: &a{n} {{any: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 35))
YAML_BOMBS = {
    "aliases, a kilobyte for 2**34 conditions": f"{ALIASES}when: *a34\n",
    "brackets, never closed": "[" * 65_000,
    "brackets": "[" * 1_500 + "]" * 1_500,
    "a number of 60,000 digits": "id: " + "9" * 60_000,
    "a number in sixties": "id: 1" + ":59" * 20_000,
    "a list for a key": "? [a, b]\n: 1",
}


async def test_yaml_made_to_exhaust_is_refused(settings: Settings, city: Pool, tmp_path: Path) -> None:
    settings = settings.model_copy(update={"devices": settings.devices.model_copy(update={"folders": [tmp_path]})})
    span = {"since": "2026-03-02T00:00:00Z", "until": "2026-03-03T00:00:00Z"}
    reason = {"tests": "", "reason": "x"}
    async for client in asking(settings):
        for name, text in YAML_BOMBS.items():
            for method, path, body in (
                ("PUT", "rules/x", reason),
                ("POST", "backtests", {"rule_id": "x", **span}),
                ("PUT", "device-profiles/acme/bin", {}),
            ):
                answer = await client.request(method, f"/api/v1/{path}", json={"text": text, **body})
                assert answer.status_code == 409, (name, path)
                assert re.search(r"\b(rule:\d|line \d)", answer.json()["detail"]), (name, answer.text)
            answer = await client.post("/api/v1/rules/check", json={"text": text})
            assert (answer.status_code, answer.json()["rule"]) == (200, None), name


async def test_who_asks_too_much_waits(settings: Settings, city: Pool) -> None:
    slow = closed(settings)
    slow = slow.model_copy(update={"serve": slow.serve.model_copy(update={"rate": 0.001, "burst": 5})})
    application = create_app(slow)
    async with application.router.lifespan_context(application):

        def at(address: str) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(application, client=(address, 1))
            return httpx.AsyncClient(transport=transport, base_url="http://city.example")

        async with at("192.0.2.1") as one, at("192.0.2.2") as other:
            wrong = {"Authorization": "Bearer cw_000000000000_guess"}
            assert [(await one.get("/api/v1/me", headers=wrong)).status_code for _ in range(5)] == [401] * 5
            answer = await one.get("/health/live")
            assert (answer.status_code, int(answer.headers["retry-after"])) == (429, 1000)
            assert (await other.get("/health/live")).status_code == 200
