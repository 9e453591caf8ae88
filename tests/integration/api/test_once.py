"""A change that is sent again is not done again."""

import asyncio

import httpx
import pytest

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
