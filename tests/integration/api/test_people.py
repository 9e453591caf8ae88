"""Accounts and keys over HTTP, and kept messages played again."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from citywatch.settings import Settings
from sql.connection import Pool
from tests.integration.api.signed_in import ORIGIN, add, browser, closed, sign_in

V1 = "/api/v1"


@pytest.fixture
async def closed_application(settings: Settings, city: Pool) -> AsyncIterator[FastAPI]:
    application = create_app(closed(settings))
    async with application.router.lifespan_context(application):
        yield application


@pytest.fixture
async def root(closed_application: FastAPI, pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which an administrator has signed in."""
    await add(pool, "root", "admin")
    async with browser(closed_application) as client:
        await sign_in(client, "root")
        client.headers.update(ORIGIN)
        yield client


async def test_an_administrator_looks_after_accounts_and_keys(
    root: httpx.AsyncClient, closed_application: FastAPI, pool: Pool
) -> None:
    made = await root.post(f"{V1}/accounts", json={"name": "ada", "role": "engineer", "districts": ["north"]})
    assert (made.status_code, made.headers["cache-control"]) == (200, "no-store, private")
    async with browser(closed_application) as ada:
        assert (await sign_in(ada, "ada", made.json()["password"])).status_code == 303
    early = await root.post(f"{V1}/accounts/ada/keys", json={"label": "map"})
    assert (early.status_code, "has yet to choose a password of their own" in early.text) == (409, True)
    await pool.execute("UPDATE account_user SET must_change = false")
    key = (await root.post(f"{V1}/accounts/ada/keys", json={"label": "map", "role": "viewer", "days": 7})).json()
    async with browser(closed_application) as program:
        program.headers["Authorization"] = f"Bearer {key['key']}"
        me = (await program.get(f"{V1}/me")).json()
        assert (me["name"], me["roles"], me["districts"]) == ("ada (key map)", ["viewer"], ["north"])
        assert (await root.put(f"{V1}/accounts/ada", json={"role": "viewer"})).status_code == 204
        assert (await program.get(f"{V1}/me")).json()["districts"] is None
        assert (await root.post(f"{V1}/accounts/ada/disable")).status_code == 204
        assert (await program.get(f"{V1}/me")).status_code == 401
        assert (await root.post(f"{V1}/accounts/ada/enable")).status_code == 204
        assert (await program.get(f"{V1}/me")).status_code == 200
        assert [one["key_id"] for one in (await root.get(f"{V1}/keys")).json()["items"]] == [key["key_id"]]
        assert (await root.delete(f"{V1}/keys/{key['key_id']}")).status_code == 204
        assert (await program.get(f"{V1}/me")).status_code == 401
    listed = (await root.get(f"{V1}/accounts")).json()["items"]
    assert [(one["name"], one["role"], one["disabled_at"]) for one in listed] == [
        ("ada", "viewer", None), ("root", "admin", None),
    ]  # fmt: skip
    log = await pool.fetch("SELECT actor, action, address FROM audit_event WHERE object = 'account ada' ORDER BY at")
    assert [tuple(row) for row in log if row["actor"] == "root"] == [
        ("root", action, "192.0.2.1")
        for action in ("account.add", "key.add", "account.role", "account.disable", "account.enable", "key.revoke")
    ]


async def test_what_cannot_be_done_with_accounts_is_said(root: httpx.AsyncClient, pool: Pool) -> None:
    assert (await root.post(f"{V1}/accounts", json={"name": "root", "role": "viewer"})).status_code == 409
    outside = await root.post(f"{V1}/accounts", json={"name": "eve", "role": "viewer", "districts": ["mars"]})
    assert (outside.status_code, "there is no district 'mars'" in outside.text) == (409, True)
    for path in ("disable", "reset"):  # nobody shuts themselves out
        assert (await root.post(f"{V1}/accounts/root/{path}")).json()["type"] == "/problems/own-account"
    assert (await root.put(f"{V1}/accounts/root", json={"role": "viewer"})).status_code == 409
    assert (await root.post(f"{V1}/accounts/ghost/enable")).status_code == 404
    assert (await root.delete(f"{V1}/keys/0a1b2c3d4e5f")).status_code == 404
    await add(pool, "vera", "viewer")
    more = await root.post(f"{V1}/accounts/vera/keys", json={"label": "x", "role": "admin"})
    assert (more.status_code, "cannot be admin" in more.text) == (409, True)
    assert (await root.post(f"{V1}/accounts/vera/keys", json={"label": "x", "days": 367})).status_code == 422
    assert (await root.post(f"{V1}/accounts/vera/disable")).status_code == 204
    shut = await root.post(f"{V1}/accounts/vera/keys", json={"label": "x"})
    assert (shut.status_code, "'vera' is disabled" in shut.text) == (409, True)
    assert await pool.fetchval("SELECT count(*) FROM api_key") == 0


async def test_everybody_looks_after_their_own_keys(closed_application: FastAPI, pool: Pool) -> None:
    await add(pool, "vera", "operator", districts=["north"])
    await add(pool, "eve", "viewer")
    async with browser(closed_application) as vera, browser(closed_application) as eve:
        for client, name in ((vera, "vera"), (eve, "eve")):
            await sign_in(client, name)
            client.headers.update(ORIGIN)
        more = await vera.post(f"{V1}/me/keys", json={"label": "x", "role": "engineer"})
        assert (more.status_code, "cannot be engineer" in more.text) == (409, True)
        made = await vera.post(f"{V1}/me/keys", json={"label": "map", "role": "viewer", "days": 7})
        assert (made.status_code, made.headers["cache-control"]) == (200, "no-store, private")
        key_id = made.json()["key_id"]
        (listed,) = (await vera.get(f"{V1}/me/keys")).json()["items"]
        assert (listed["key_id"], listed["name"], listed["role"]) == (key_id, "vera", "viewer")
        assert (await eve.get(f"{V1}/me/keys")).json()["items"] == []
        assert (await eve.delete(f"{V1}/me/keys/{key_id}")).status_code == 404
        async with browser(closed_application) as program:
            program.headers["Authorization"] = f"Bearer {made.json()['key']}"
            me = (await program.get(f"{V1}/me")).json()
            assert (me["name"], me["roles"], me["districts"]) == ("vera (key map)", ["viewer"], ["north"])
            assert len((await program.get(f"{V1}/me/keys")).json()["items"]) == 1
            # What got hold of a key makes no other, and ends none.
            assert (await program.post(f"{V1}/me/keys", json={"label": "more"})).status_code == 409
            assert (await program.delete(f"{V1}/me/keys/{key_id}")).status_code == 409
            assert (await vera.delete(f"{V1}/me/keys/{key_id}")).status_code == 204
            assert (await program.get(f"{V1}/me")).status_code == 401
        assert (await vera.get(f"{V1}/me/keys")).json()["items"] == []
        await pool.execute("UPDATE account_user SET must_change = true WHERE name = 'vera'")
        assert (await vera.post(f"{V1}/me/keys", json={"label": "early"})).status_code == 409
    log = await pool.fetch("SELECT actor, action FROM audit_event WHERE object = 'account vera' ORDER BY at")
    assert [tuple(row) for row in log if row["actor"] == "vera"][-2:] == [("vera", "key.add"), ("vera", "key.revoke")]


async def test_kept_messages_are_played_again(client: httpx.AsyncClient, pool: Pool) -> None:
    """One is mended by now: its device is there, which it was not on the day."""
    await pool.execute(
        "INSERT INTO rejected_message (received_at, fate, reason, detail, device_id, topic, payload, payload_size)"
        " VALUES (now(), 'rejected', 'unknown_device', '', 'bin-2', 'city/v1/devices/bin-2/telemetry', $1, $2)",
        b'{"fill_level": 41}',
        18,
    )
    mended = await client.post(f"{V1}/rejected/replay", json={"reason": "unknown_device"})
    assert mended.json() == {"played": 1, "mended": 1, "still": 0, "cut": 0, "stored": 1, "duplicate": 0}
    again = await client.post(f"{V1}/rejected/replay", json={"device_id": "bin-2"})
    assert again.json()["played"] == 0
    assert await pool.fetchval(
        "SELECT result FROM observation AS o JOIN datastream AS t USING (datastream_id) WHERE t.device_id = 'bin-2'"
    ) == pytest.approx(41)
    told = await pool.fetch("SELECT detail FROM audit_event WHERE action = 'rejected.replay' ORDER BY event_id")
    assert [json.loads(row["detail"])["asked"] for row in told] == [
        {"reason": "unknown_device"}, {"device_id": "bin-2"},
    ]  # fmt: skip
