"""Signing in with sign-in on: who gets in, who does not, and what a stolen or foreign request can do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message
from structlog.testing import capture_logs

from api.app import create_app
from api.identity import accounts
from api.identity.sessions import cookie_name
from api.routes.identity import local_path
from citywatch.cli.serve import greet
from citywatch.errors import AccountError
from citywatch.setting_groups import ServeSettings
from citywatch.settings import Settings
from sql.audit import verify
from sql.connection import Pool
from tests.integration.api.signed_in import HERE, ORIGIN, PASSWORD, add, browser, closed, set_password, sign_in
from tests.integration.ingest_run import until

ACK = "/api/v1/alerts/1/acknowledge"
COOKIE = "citywatch_session"


@pytest.fixture
async def application(settings: Settings, city: Pool) -> AsyncIterator[FastAPI]:
    application = create_app(closed(settings))
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture
async def client(application: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(application) as client:
        yield client


async def actions(city: Pool) -> list[str]:
    return [row["action"] for row in await city.fetch("SELECT action FROM audit_event ORDER BY event_id")]


async def test_a_person_signs_in_acts_under_the_own_name_and_signs_out(client: httpx.AsyncClient, city: Pool) -> None:
    await add(city, "ada")
    page = await client.get("/api/v1/devices", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["www-authenticate"]) == (401, "Bearer")
    answer = await sign_in(client, "Ada", after="/alerts?open=true")
    assert (answer.status_code, answer.headers["location"]) == (303, "/alerts?open=true")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=lax" in answer.headers["set-cookie"]
    me = (await client.get("/api/v1/me")).json()
    assert (me["name"], me["roles"], "operate" in me["permissions"], "audit" in me["permissions"]) == (
        "ada", ["operator"], True, False)  # fmt: skip
    # What the browser claims to be called is not believed.
    done = await client.post(ACK, headers={**ORIGIN, "X-Citywatch-Operator": "Bob"})
    assert done.json()["acknowledged_by"] == "ada"
    assert (await client.post("/sign-out", headers=ORIGIN)).headers["location"] == "/sign-in"
    assert (await client.get("/api/v1/me")).status_code == 401
    assert await actions(city) == ["account.add", "sign_in", "alert.acknowledge", "sign_out"]
    last = await city.fetchrow("SELECT * FROM audit_event WHERE action = 'alert.acknowledge'")
    assert last is not None
    assert (last["actor"], last["object"], last["address"]) == ("ada", "alert 1", "192.0.2.1")


async def test_a_session_planted_before_the_sign_in_is_worth_nothing(
    application: FastAPI, client: httpx.AsyncClient, city: Pool
) -> None:
    """Session fixation: neither a made-up token nor somebody's real one becomes the session of who signs in."""
    await add(city, "ada", "admin")
    await add(city, "mallory", "viewer")
    async with browser(application) as thief:
        await sign_in(thief, "mallory")
        planted = thief.cookies[COOKIE]
        for value in (planted, "made-up"):
            client.cookies.set(COOKIE, value, domain="city.example", path="/")
            answer = await sign_in(client, "ada")
            assert answer.cookies[COOKIE] != value
        assert (await thief.get("/api/v1/me")).status_code == 401
    async with browser(application) as other:
        other.cookies.set(COOKIE, "made-up", domain="city.example", path="/")
        assert (await other.get("/api/v1/me")).status_code == 401


# alert -> what a browser says of the page that asks, and whether that is one of ours
ASKING: dict[int, tuple[dict[str, str], bool]] = {
    1: (ORIGIN, True),
    2: ({"Sec-Fetch-Site": "same-origin"}, True),
    3: ({"Origin": "https://evil.example"}, False),
    4: ({"Origin": "null"}, False),  # a sandboxed frame
    5: ({"Sec-Fetch-Site": "same-site"}, False),
    6: ({}, False),
}


async def test_a_cookie_alone_does_nothing(client: httpx.AsyncClient, city: Pool) -> None:
    """CSRF: a browser sends the cookie for whoever asks, so what changes something names a page of ours."""
    await add(city, "ada")
    await sign_in(client, "ada")
    for alert, (headers, ours) in ASKING.items():
        answer = await client.post(f"/api/v1/alerts/{alert}/comment", json={"comment": "x"}, headers=headers)
        assert answer.status_code == (200 if ours else 403), headers
    done = await city.fetch("SELECT alert_id FROM alert_event WHERE kind = 'commented' ORDER BY 1")
    assert [row["alert_id"] for row in done] == [1, 2]


async def test_a_form_elsewhere_cannot_sign_its_visitor_in(client: httpx.AsyncClient, city: Pool) -> None:
    await add(city, "mallory")
    form = {"name": "mallory", "password": PASSWORD}
    answer = await client.post("/sign-in", data=form, headers={"Origin": "https://evil.example"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


@pytest.mark.parametrize(
    ("origin", "word"),
    [(HERE, "accept"), ("https://evil.example", "close"), ("null", "close"), (None, "close")],
)
async def test_a_foreign_page_gets_no_socket(
    application: FastAPI, client: httpx.AsyncClient, city: Pool, origin: str | None, word: str
) -> None:
    await add(city, "ada")
    await sign_in(client, "ada")
    headers = [(b"host", b"city.example"), (b"cookie", f"{COOKIE}={client.cookies[COOKIE]}".encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    assert await first_word(application, headers) == word
    if origin == HERE:
        assert await first_word(application, [*headers[:1], headers[2]]) == "close"


async def first_word(application: FastAPI, headers: list[tuple[bytes, bytes]]) -> str:
    told: list[Message] = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]
    said: list[Message] = []

    async def receive() -> Message:
        return told.pop(0)

    async def send(message: Message) -> None:
        said.append(message)

    scope = {"type": "websocket", "path": "/api/v1/live", "headers": headers, "query_string": b"", "state": {}}
    await application(scope, receive, send)
    return str(said[0]["type"]).removeprefix("websocket.")


@pytest.mark.parametrize(
    "end",
    [
        pytest.param("UPDATE session SET expires_at = now() - interval '1 s'", id="it expires"),
        pytest.param("UPDATE session SET seen_at = now() - interval '5 h'", id="nobody was there for too long"),
        pytest.param("DELETE FROM session", id="it is ended"),
        pytest.param("UPDATE account_user SET disabled_at = now()", id="the account is disabled"),
    ],
)
async def test_a_session_ends_at_once(client: httpx.AsyncClient, city: Pool, end: str) -> None:
    await add(city, "ada")
    await sign_in(client, "ada")
    assert (await client.get("/api/v1/me")).status_code == 200
    await city.execute(end)
    assert (await client.get("/api/v1/me")).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "mode", "counts"),
    [
        pytest.param("GET", "/api/v1/me", "navigate", True, id="a page is opened"),
        pytest.param("POST", "/api/v1/me/seen", "cors", True, id="somebody moves on the page"),
        pytest.param("POST", ACK, "cors", True, id="something is done"),
        pytest.param("GET", "/api/v1/me", "cors", False, id="a script of the page asks"),
        pytest.param("POST", "/_dash-update-component", "cors", False, id="a page keeps itself up to date"),
    ],
)
async def test_a_session_goes_on_by_what_people_do(
    client: httpx.AsyncClient, city: Pool, method: str, path: str, mode: str, counts: bool
) -> None:
    await add(city, "ada")
    await sign_in(client, "ada")
    await city.execute("UPDATE session SET seen_at = now() - interval '3 h'")
    await client.request(method, path, headers={**ORIGIN, "Sec-Fetch-Mode": mode})
    recent = await city.fetchval("SELECT seen_at > now() - interval '1 h' FROM session")
    assert recent is counts


async def test_a_role_taken_away_is_gone_at_the_next_request(client: httpx.AsyncClient, city: Pool) -> None:
    await add(city, "ada")
    await sign_in(client, "ada")
    async with city.acquire() as connection:
        await accounts.set_account(connection, "test", "ada", "viewer")
    assert (await client.post(ACK, headers=ORIGIN)).status_code == 403


async def test_guessing_a_password_is_slow(application: FastAPI, city: Pool) -> None:
    """Brute force: five wrong ones are free, then the right one is not even looked at until the wait is over."""
    await add(city, "ada")
    async with browser(application) as guesser:
        for number in range(5):
            assert (await sign_in(guesser, "ada", f"wrong {number}")).status_code == 401
        # Waits double, so that even on a slow machine one is soon longer than an attempt takes.
        statuses = [(await sign_in(guesser, "ada", "wrong")).status_code for _ in range(8)]
        assert 429 in statuses
        await city.execute("UPDATE sign_in_failure SET failures = 12, last_at = now() WHERE key = 'account ada'")
        refused = await sign_in(guesser, "ada")
        assert (refused.status_code, int(refused.headers["retry-after"]) >= 1) == (429, True)
        # Whoever owns it waits as well, from wherever; another account does not.
        async with browser(application, "198.51.100.7") as owner:
            assert (await sign_in(owner, "ada")).status_code == 429
        await add(city, "bob")
        assert (await sign_in(guesser, "bob")).status_code == 303
    await city.execute("UPDATE sign_in_failure SET last_at = last_at - interval '1 hour'")
    async with browser(application) as owner:
        assert (await sign_in(owner, "ada")).status_code == 303
    assert await city.fetchval("SELECT count(*) FROM sign_in_failure WHERE key = 'account ada'") == 0


async def test_one_address_cannot_try_one_password_on_every_account(application: FastAPI, city: Pool) -> None:
    await city.execute("INSERT INTO sign_in_failure VALUES ('address 192.0.2.1', 40, now())")
    await add(city, "ada")
    async with browser(application) as guesser, browser(application, "198.51.100.7") as other:
        assert (await sign_in(guesser, "ada")).status_code == 429
        assert (await sign_in(other, "ada")).status_code == 303


async def test_who_signs_in_rightly_does_not_make_the_neighbours_wait(application: FastAPI, city: Pool) -> None:
    await add(city, "ada")
    for failures in (0, 29):
        await city.execute(
            "INSERT INTO sign_in_failure VALUES ('address 192.0.2.1', $1, now())"
            " ON CONFLICT (key) DO UPDATE SET failures = $1, last_at = now()",
            failures,
        )
        async with browser(application) as client:
            assert (await sign_in(client, "ada")).status_code == 303
        assert await city.fetchval("SELECT failures FROM sign_in_failure WHERE key LIKE 'address%'") == failures


async def test_an_address_that_must_wait_makes_nobody_else_wait(application: FastAPI, city: Pool) -> None:
    await city.execute("INSERT INTO sign_in_failure VALUES ('address 192.0.2.1', 40, now()), ('account old', 9, $1)",
                       datetime(2026, 1, 1, tzinfo=UTC))  # fmt: skip
    await add(city, "ada")
    async with browser(application) as guesser:
        assert (await sign_in(guesser, "ada", "wrong")).status_code == 429
    async with browser(application, "198.51.100.7") as other:
        assert (await sign_in(other, "bob", "wrong")).status_code == 401
    # Ada is not in it, and what is older than a day has gone.
    keys = [row["key"] for row in await city.fetch("SELECT key FROM sign_in_failure ORDER BY key")]
    assert keys == ["account bob", "address 192.0.2.1", "address 198.51.100.7"]
    assert await actions(city) == ["account.add", "sign_in.refused"]


async def test_a_reset_while_a_password_is_judged_holds(client: httpx.AsyncClient, city: Pool) -> None:
    await add(city, "ada")
    async with city.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("UPDATE account_user SET password_hash = 'another' WHERE name = 'ada'")
        signing_in = asyncio.create_task(sign_in(client, "ada"))

        async def waits() -> bool:
            return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))

        await until(waits, "the sign-in to come to the account")
        await transaction.commit()
    assert (await signing_in).status_code == 401
    assert await city.fetchval("SELECT count(*) FROM session") == 0


@pytest.mark.parametrize("name", ["", "-ada", "ada lovelace", "a" * 81, "ádá"])
async def test_an_account_has_a_name_that_can_be_typed(city: Pool, name: str) -> None:
    async with city.acquire() as connection:
        with pytest.raises(AccountError, match="is no name"):
            await accounts.add_account(connection, "test", name, "viewer")


async def test_names_that_do_not_exist_look_like_wrong_passwords(client: httpx.AsyncClient, city: Pool) -> None:
    await add(city, "ada")
    known, unknown = await sign_in(client, "ada", "wrong"), await sign_in(client, "nobody", "wrong")
    assert known.status_code == unknown.status_code == 401
    assert known.text.replace("ada", "") == unknown.text.replace("nobody", "")


async def test_what_is_written_to_a_log_makes_no_admin(
    settings: Settings, city: Pool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with capture_logs() as logs:
        await greet(closed(settings))
    assert [each["event"] for each in logs] == ["serve_without_accounts"]
    assert capsys.readouterr().out == ""
    assert await city.fetchval("SELECT count(*) FROM account_user") == 0
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    await greet(closed(settings))
    assert "sign in as admin with the one-time password" in capsys.readouterr().out
    await greet(closed(settings))
    assert capsys.readouterr().out == "", "shown once"


async def test_the_first_start_makes_an_admin_who_must_choose_a_password(client: httpx.AsyncClient, city: Pool) -> None:
    async with city.acquire() as connection:
        given = await accounts.ensure_admin(connection)
        assert given is not None
        assert await accounts.ensure_admin(connection) is None
    assert (await sign_in(client, "admin", given)).status_code == 303
    assert (await client.get("/api/v1/devices")).json()["type"] == "/problems/password-change-needed"
    moved = await client.get("/api/v1/nowhere/", headers={"Accept": "text/html"})
    assert moved.status_code in (403, 404)

    async def change(new: str, old: str = given) -> httpx.Response:
        form = {"old": old, "new": new, "again": new}
        return await client.post("/password", data=form, headers=ORIGIN)

    assert (await change("short")).status_code == 422
    assert (await change("admin admin admin")).status_code == 422
    assert (await change("another good phrase", "not the old one")).status_code == 403
    before = client.cookies[COOKIE]
    assert (await change("another good phrase")).status_code == 303
    assert client.cookies[COOKIE] != before
    assert (await client.get("/api/v1/devices")).status_code == 200
    assert (await client.get("/api/v1/audit")).json()["items"][0]["action"] == "account.password"
    async with city.acquire() as connection:
        assert (await verify(connection)).faults == []


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("/alerts?open=true", "/alerts?open=true"), ("https://evil.example/", "/"), ("//evil.example", "/"),
        ("/\\evil.example", "/"), ("javascript:alert(1)", "/"), ("/\n/evil.example", "/"), ("", "/"),
        ("//[", "/"),
    ],
)  # fmt: skip
def test_the_sign_in_leads_to_our_own_pages_only(wanted: str, path: str) -> None:
    assert local_path(wanted) == path


async def test_what_is_typed_comes_back_as_text(client: httpx.AsyncClient) -> None:
    page = await sign_in(client, '"><script>alert(1)</script>', "x", '/"><script>')
    assert "<script" not in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


def test_over_tls_the_cookie_is_bound_to_it() -> None:
    assert cookie_name(ServeSettings(public_url="https://city.example")) == "__Host-citywatch_session"
    assert cookie_name(ServeSettings()) == COOKIE


async def test_a_key_is_scoped_expires_and_can_be_revoked(client: httpx.AsyncClient, city: Pool) -> None:
    async with city.acquire() as connection:
        await accounts.add_account(connection, "test", "ada", "engineer")
        with pytest.raises(AccountError, match="sign in as ada once, then make the key"):
            await accounts.add_key(connection, "test", "ada", "early", timedelta(days=1))
        await set_password(connection, "ada")
        key = await accounts.add_key(connection, "test", "ada", "prometheus", timedelta(days=1), "operator")
        with pytest.raises(AccountError, match="cannot be admin"):
            await accounts.add_key(connection, "test", "ada", "more", timedelta(days=1), "admin")
        with pytest.raises(AccountError, match="366 days"):
            await accounts.add_key(connection, "test", "ada", "for ever", timedelta(days=400))
    stored = await city.fetchval("SELECT api_key::text || audit_event::text FROM api_key, audit_event LIMIT 1")
    assert key.text.removeprefix(f"cw_{key.key_id}_") not in stored
    bearer = {"Authorization": f"Bearer {key.text}"}
    assert (await client.get("/metrics", headers=bearer)).status_code == 200
    # Programs carry no cookies, so they need no origin.
    assert (await client.post(ACK, headers=bearer)).json()["acknowledged_by"] == "ada (key prometheus)"
    assert (await client.get("/api/v1/audit", headers=bearer)).status_code == 403
    for wrong in ("Bearer " + key.text[:-1] + "x", "Bearer cw_000000000000_x", "Bearer x", "Bearer", "Basic YTpi"):
        assert (await client.get("/metrics", headers={"Authorization": wrong})).status_code == 401
    async with city.acquire() as connection:
        await accounts.set_account(connection, "test", "ada", "viewer")
    assert (await client.post(ACK, headers=bearer)).status_code == 403
    ends: list[Callable[[], str]] = [
        lambda: "UPDATE api_key SET expires_at = now() - interval '1 s'",
        lambda: "UPDATE api_key SET expires_at = now() + interval '1 h', revoked_at = now()",
        lambda: "UPDATE api_key SET revoked_at = NULL; UPDATE account_user SET disabled_at = now()",
    ]
    for end in ends:
        assert (await client.get("/api/v1/me", headers=bearer)).status_code == 200 or end is not ends[0]
        await city.execute(end())
        assert (await client.get("/api/v1/me", headers=bearer)).status_code == 401
