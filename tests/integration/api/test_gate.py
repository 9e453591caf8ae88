from collections.abc import AsyncIterator
from datetime import datetime

import httpx
import pytest
from fastapi import FastAPI

from api import gate
from api.app import create_app
from api.gate import MAX_BODY, is_loopback
from api.schemas import Problem
from citywatch.errors import SettingsError
from citywatch.settings import Settings
from citywatch.telemetry import configure_logging, get_logger
from sql.connection import Pool

ACK = "/api/v1/alerts/1/acknowledge"


def problem(answer: httpx.Response) -> Problem:
    assert answer.headers["content-type"] == "application/problem+json"
    body = Problem.model_validate_json(answer.content)
    assert body.status == answer.status_code
    assert body.request_id == answer.headers["x-request-id"]
    return body


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/api/v1/devices/none-such", 404, "not-found"),
        ("GET", "/api/v1/alerts/999", 404, "not-found"),
        ("GET", "/api/v1/rules/none", 404, "not-found"),
        ("GET", "/api/v1/nowhere", 404, "not-found"),
        ("DELETE", "/api/v1/alerts/1", 405, "method-not-allowed"),
        ("GET", "/api/v1/devices?limit=0", 422, "invalid"),
        ("GET", "/api/v1/devices?bbox=1,2,3", 422, "invalid"),
        ("GET", "/api/v1/devices?bbox=nan,0,1,1", 422, "invalid"),
        ("GET", "/api/v1/devices?freshness=ripe", 422, "invalid"),
        ("GET", "/api/v1/devices?profile=a%00b", 422, "invalid"),
        ("GET", "/api/v1/devices?cursor=rubbish", 404, "no-such-page"),
        ("GET", "/api/v1/alerts?cursor=WyJhIl0", 404, "no-such-page"),
        # [{"at": "0001-01-01T00:00:00+14:00"}, 1]: before the first day that there is.
        ("GET", "/api/v1/alerts?cursor=W3siYXQiOiAiMDAwMS0wMS0wMVQwMDowMDowMCsxNDowMCJ9LCAxXQ", 404, "no-such-page"),
        ("GET", "/api/v1/alerts/0", 422, "invalid"),
        ("GET", "/api/v1/account?since=yesterday", 422, "invalid"),
        ("GET", "/api/v1/account?since=2026-01-01T00:00:00", 422, "invalid"),
        ("GET", "/api/v1/account?since=0", 422, "invalid"),
        ("GET", "/api/v1/alerts?opne=true", 422, "invalid"),
        ("GET", "/api/v1/alerts?domain=air&domain=waste", 422, "invalid"),
        ("GET", "/api/v1/account?since=0001-01-01T00:00:00%2B23:00", 422, "invalid"),
    ],
)
async def test_every_error_is_a_problem(
    client: httpx.AsyncClient, method: str, path: str, status: int, kind: str
) -> None:
    body = problem(await client.request(method, path))
    assert (body.status, body.type) == (status, f"/problems/{kind}")


async def test_an_unforeseen_fault_is_a_problem_without_its_insides(
    client: httpx.AsyncClient, city: Pool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure_logging("test", style="json")  # again, since what is captured here was not there before
    monkeypatch.setattr(gate, "log", get_logger())
    await city.execute("ALTER TABLE rule RENAME TO rule_gone")
    answer = await client.get("/api/v1/rules", headers={"X-Request-Id": "find-me-by-this"})
    assert (problem(answer).status, answer.headers["x-request-id"]) == (500, "find-me-by-this")
    assert "rule" not in problem(answer).detail
    assert "find-me-by-this" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({}, True),
        ({"Origin": "http://localhost"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://["}, False),
        ({"Origin": "http://[::1"}, False),
        ({"Host": "["}, False),
        ({"Origin": "http://localhost:81"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, False),
    ],
)
async def test_only_our_own_pages_and_programs_may_act(
    client: httpx.AsyncClient, headers: dict[str, str], passes: bool
) -> None:
    answer = await client.post(ACK, headers=headers)
    if passes:
        assert answer.status_code == 200
    else:
        assert problem(answer).type == "/problems/foreign-origin"


async def test_reading_under_a_foreign_name_is_refused(client: httpx.AsyncClient) -> None:
    assert problem(await client.get("/api/v1/devices", headers={"Host": "evil.example"})).status == 403


async def test_addresses_that_are_none_are_refused_by_name(client: httpx.AsyncClient) -> None:
    foreign = problem(await client.post(ACK, headers={"Origin": "http://["}))
    assert (foreign.status, foreign.detail) == (403, "the origin 'http://[' is not an address")
    nowhere = problem(await client.get("/api/v1/devices", headers={"Host": "["}))
    assert (nowhere.status, nowhere.detail) == (403, "the host '[' is not an address")


async def test_a_body_has_a_limit_stated_or_not(client: httpx.AsyncClient) -> None:
    big = b" " * (MAX_BODY + 1)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield big[: MAX_BODY // 2]

    for content in (big, pieces()):
        assert problem(await client.post(ACK, content=content)).status == 413


async def test_names_must_be_printable(client: httpx.AsyncClient) -> None:
    assert problem(await client.post(ACK, headers={"X-Citywatch-Operator": "a\tb"})).status == 422


async def test_answers_carry_security_headers_and_compress(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/devices")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["content-encoding"] == "gzip"
    at = answer.json()["items"][0]["last_time"]
    assert at.endswith("Z")
    assert datetime.fromisoformat(at).tzinfo is not None


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "city.example"])
def test_the_demo_refuses_to_be_open_to_others(settings: Settings, host: str) -> None:
    open_to_others = settings.model_copy(update={"serve": settings.serve.model_copy(update={"host": host})})
    with pytest.raises(SettingsError, match="demo mode"):
        create_app(open_to_others)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("[::1]", True), ("", False),
     ("localhost.evil.example", False), ("127.0.0.1.evil.example", False)],
)  # fmt: skip
def test_loopback_is_an_address_not_a_prefix(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


async def test_a_store_that_goes_away_is_a_503(application: FastAPI, client: httpx.AsyncClient) -> None:
    await application.state.pool.close()
    assert problem(await client.get("/api/v1/devices")).status == 503
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")


async def test_what_the_store_cannot_hold_is_the_callers_fault(client: httpx.AsyncClient) -> None:
    body = {"name": "reboot", "arguments": {"text": "a\0b"}}
    refused = await client.post("/api/v1/devices/air-1/commands", json=body)
    assert refused.status_code in (409, 422), refused.text
