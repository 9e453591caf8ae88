"""A change that is sent again is not done again."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from api.app import create_app
from citywatch.settings import Settings
from sql.connection import Pool

COMMENT = "/api/v1/alerts/1/comment"


async def remarks(city: Pool) -> int:
    return int(await city.fetchval("SELECT count(*) FROM alert_event WHERE kind = 'commented'"))


async def test_the_second_time_gets_the_answer_of_the_first(client: httpx.AsyncClient, city: Pool) -> None:
    body, key = {"comment": "Lid found open"}, {"Idempotency-Key": "0192f0c1-a7b3"}
    first = await client.post(COMMENT, json=body, headers=key)
    again = await client.post(COMMENT, json=body, headers=key)
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert await remarks(city) == 1
    other = await client.post(COMMENT, json={"comment": "Something else"}, headers=key)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/key-reused")
    elsewhere = await client.post("/api/v1/alerts/2/comment", json=body, headers=key)
    assert elsewhere.status_code == 422
    # In demo mode all are one caller, whatever they call themselves.
    named = {**key, "X-Citywatch-Operator": "Ada"}
    assert (await client.post(COMMENT, json=body, headers=named)).headers.get("idempotency-replayed") == "true"
    assert (await client.post(COMMENT, json=body)).status_code == 200
    assert await remarks(city) == 2


async def test_refusals_are_remembered_too(client: httpx.AsyncClient, city: Pool) -> None:
    key = {"Idempotency-Key": "k"}
    first = await client.post("/api/v1/alerts/999/comment", json={"comment": "x"}, headers=key)
    again = await client.post("/api/v1/alerts/999/comment", json={"comment": "x"}, headers=key)
    assert (first.status_code, again.status_code) == (404, 404)
    assert again.headers["content-type"] == "application/problem+json"


async def test_a_fault_of_ours_may_be_tried_again(client: httpx.AsyncClient, city: Pool) -> None:
    key = {"Idempotency-Key": "k"}
    await city.execute("ALTER TABLE audit_event RENAME TO audit_gone")
    assert (await client.post(COMMENT, json={"comment": "x"}, headers=key)).status_code == 500
    await city.execute("ALTER TABLE audit_gone RENAME TO audit_event")
    assert await remarks(city) == 0
    assert (await client.post(COMMENT, json={"comment": "x"}, headers=key)).status_code == 200
    assert await remarks(city) == 1


async def test_many_at_once_do_it_once(client: httpx.AsyncClient, city: Pool) -> None:
    key = {"Idempotency-Key": "k"}
    answers = await asyncio.gather(*(client.post(COMMENT, json={"comment": "x"}, headers=key) for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert 200 in {answer.status_code for answer in answers}
    assert await remarks(city) == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201])
async def test_a_key_has_a_shape(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post(COMMENT, json={"comment": "x"}, headers={"Idempotency-Key": key})
    assert answer.status_code == 422


async def test_an_answer_with_a_secret_is_not_kept(city: Pool, settings: Settings) -> None:
    await city.execute(
        "INSERT INTO provisioning_key (name, hash, uses_left, expires_at, created_at, created_by)"
        " VALUES ('fleet', sha256(repeat('k', 40)::bytea), 2, now() + interval '1 h', now(), 'test')"
    )
    broker = settings.broker.model_copy(update={"accounts": "store"})
    application = create_app(settings.model_copy(update={"broker": broker}))
    transport = httpx.ASGITransport(application)
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        made = [await client.post("/api/v1/devices/bin-1/credential", headers={"Idempotency-Key": "k"}) for _ in "12"]
        claim = {"device_id": "bin-2", "key": "k" * 40}
        made += [await client.post("/api/v1/claims", json=claim, headers={"Idempotency-Key": "l"}) for _ in "12"]
    assert [answer.status_code for answer in made] == [200, 409, 200, 409]
    assert [answer.json().get("type") for answer in made[1::2]] == ["/problems/not-repeatable"] * 2
    kept = b" ".join(row["body"] for row in await city.fetch("SELECT body FROM answered_request"))
    for answer in made[::2]:
        assert answer.json()["password"].encode() not in kept


async def test_half_a_request_is_none(application: FastAPI, city: Pool) -> None:
    """The client goes before the end of its body: nothing is done, and nothing is claimed."""
    begun = {"type": "http.request", "body": b'{"comment": "x"}', "more_body": True}
    told: list[Message] = [begun, {"type": "http.disconnect"}]
    said: list[Message] = []

    async def receive() -> Message:
        return told.pop(0)

    async def send(message: Message) -> None:
        said.append(message)

    headers = [(b"host", b"localhost"), (b"idempotency-key", b"k"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": COMMENT, "raw_path": COMMENT.encode(), "headers": headers,
             "query_string": b"", "state": {}}  # fmt: skip
    await application(scope, receive, send)
    assert (said, await remarks(city)) == ([], 0)
    assert await city.fetchval("SELECT count(*) FROM answered_request") == 0
