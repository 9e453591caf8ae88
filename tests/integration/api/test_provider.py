"""Sign-in at a real OpenID provider, running beside the test."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.app import create_app
from citywatch.local.process import free_port
from citywatch.settings import Settings
from sql.connection import Pool
from tests.integration.api.signed_in import HERE, add, browser, closed

ADA = {"sub": "17", "preferred_username": "Ada", "roles": ["control-room"]}
EVE = {"sub": "18", "preferred_username": "eve", "roles": ["somewhere-else"]}


@pytest.fixture
async def issuer() -> AsyncIterator[str]:
    """The address of a provider that knows Ada and Eve."""
    port = free_port(19400, "127.0.0.1")
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true"]
    for person in (ADA, EVE):
        command += ["--user-claims", json.dumps(person)]
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet)
    address = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient() as http, asyncio.timeout(60):
            while True:
                assert process.returncode is None, "the provider did not start"
                try:
                    await http.get(f"{address}/.well-known/openid-configuration")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        yield address
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture
async def application(settings: Settings, city: Pool, issuer: str) -> AsyncIterator[FastAPI]:
    with_provider = closed(settings)
    identity = with_provider.identity.model_copy(
        update={
            "oidc_issuer": issuer,
            "oidc_client_id": "citywatch",
            "oidc_client_secret": SecretStr("ours"),
            "oidc_roles": {"control-room": "operator"},
        }
    )
    serve = with_provider.serve.model_copy(update={"public_url": HERE})
    application = create_app(with_provider.model_copy(update={"identity": identity, "serve": serve}))
    async with application.router.lifespan_context(application):
        yield application


async def there(client: httpx.AsyncClient, who: str) -> str:
    """Go to the provider, say who one is, and return the path it sends one back to."""
    away = await client.get("/sign-in/provider?next=/alerts")
    assert away.status_code == 303, away.text
    asked = parse_qs(urlsplit(away.headers["location"]).query)
    assert (asked["code_challenge_method"], asked["response_type"]) == (["S256"], ["code"])
    async with httpx.AsyncClient() as http:
        back = await http.post(away.headers["location"], data={"sub": who})
    assert back.headers["location"].startswith(f"{HERE}/sign-in/provider/answer?")
    return str(back.headers["location"]).removeprefix(HERE)


async def test_people_sign_in_at_their_organisation(application: FastAPI, city: Pool) -> None:
    await add(city, "ada", "admin")  # of this name there is a local account: it must not be taken over
    async with browser(application) as client:
        assert "organisation" in (await client.get("/sign-in")).text
        path = await there(client, "17")
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/alerts"), answer.text
        me = (await client.get("/api/v1/me")).json()
        assert me["name"].startswith("ada-")
        assert me["roles"] == ["operator"]
        # The answer is good once, and only once.
        assert (await client.get(path)).status_code == 403

    async with browser(application) as victim:
        # An answer that somebody else began does not sign its visitor in.
        async with browser(application) as stranger:
            foreign = await there(stranger, "17")
        await there(victim, "17")
        assert (await victim.get(foreign)).status_code == 403
        assert (await victim.get("/api/v1/me")).status_code == 401
        for path in ("/sign-in/provider/answer", "/sign-in/provider/answer?code=x&state=y"):
            assert (await victim.get(path)).status_code == 403

    async with browser(application) as eve:
        answer = await eve.get(await there(eve, "18"))
        assert (answer.status_code, "gives you a role" in answer.text) == (403, True)
        assert await city.fetchval("SELECT count(*) FROM account_user WHERE subject = '18'") == 0

    async with browser(application) as client:
        await city.execute("UPDATE account_user SET role = 'admin' WHERE subject = '17'")
        await client.get(await there(client, "17"))
        assert (await client.get("/api/v1/me")).json()["roles"] == ["operator"]
        # Over there she has no role any more: here her sessions and keys end.
        mapped = application.state.provider._identity
        application.state.provider._identity = mapped.model_copy(update={"oidc_roles": {}})
        async with browser(application) as again:
            assert "gives you a role" in (await again.get(await there(again, "17"))).text
        assert (await client.get("/api/v1/me")).status_code == 401
        application.state.provider._identity = mapped
        await city.execute("UPDATE account_user SET disabled_at = now() WHERE subject = '17'")
        assert "disabled" in (await client.get(await there(client, "17"))).text
        assert (await client.get("/api/v1/me")).status_code == 401
    actions = [row["action"] for row in await city.fetch("SELECT action FROM audit_event ORDER BY event_id")]
    assert actions == ["account.add", "account.add", "sign_in", "account.role", "sign_in", "account.disable"]


async def test_a_provider_that_is_away_is_said_so(application: FastAPI, settings: Settings) -> None:
    application.state.provider._issuer = "http://127.0.0.1:9"
    async with browser(application) as client:
        answer = await client.get("/sign-in/provider")
        assert (answer.status_code, "cannot be reached" in answer.text) == (503, True)
