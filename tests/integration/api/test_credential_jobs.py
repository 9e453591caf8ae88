"""Accounts for many devices by the API: a job with progress, and passwords that are fetched once."""

import asyncio
import csv
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from citywatch.local.broker import LocalBroker
from citywatch.settings import Settings
from sql.connection import Pool
from tests.integration.api.conftest import asking
from tests.integration.secured_broker import may_connect

JOBS = "/api/v1/credential-jobs"


@pytest.fixture
async def stored(dsn: str, city: Pool) -> AsyncIterator[httpx.AsyncClient]:
    """The API of a city whose broker reads the store itself."""
    settings = Settings.model_validate({"store": {"dsn": dsn}, "broker": {"accounts": "store"}})
    async for client in asking(settings):
        yield client


async def over(client: httpx.AsyncClient, number: int) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            job: dict[str, Any] = (await client.get(f"{JOBS}/{number}")).json()
            if job["state"] != "running":
                return job
            await asyncio.sleep(0.02)


async def test_a_job_gives_each_device_an_account_that_works(
    secured: tuple[httpx.AsyncClient, LocalBroker], city: Pool
) -> None:
    client, broker = secured
    answer = await client.post(JOBS, json={"domain": "waste"})
    assert answer.headers["cache-control"] == "no-store, private"
    begun = answer.json()
    assert (begun["of"], begun["actor"]) == (2, "demo")
    job = await over(client, begun["job_id"])
    assert (job["state"], job["done"], job["waiting"]) == ("done", 2, True)
    passwords = f"{JOBS}/{begun['job_id']}/passwords"
    # The store alone opens nothing, and a wrong key takes nothing away.
    for key in ("x" * 44, "A" * 43 + "="):
        refused = await client.post(passwords, json={"key": key})
        assert (refused.status_code, "does not open" in refused.json()["detail"]) == (409, True)
    fetched = await client.post(passwords, json={"key": begun["key"]})
    assert fetched.headers["cache-control"] == "no-store, private"
    rows = list(csv.DictReader(fetched.text.splitlines()))
    assert [row["device_id"] for row in rows] == ["bin-1", "bin-2"]
    for row in rows:
        assert may_connect(broker.port, row["username"], row["password"])
    assert (await client.post(passwords, json={"key": begun["key"]})).status_code == 409
    job = (await client.get(f"{JOBS}/{begun['job_id']}")).json()
    assert (job["waiting"], job["fetched_at"] is None) == (False, False)
    again = await client.post(JOBS, json={"domain": "waste"})
    assert (again.status_code, "has an account already" in again.json()["detail"]) == (409, True)
    kept = await city.fetchval("SELECT string_agg(c::text, '') FROM credential_job AS c")
    assert begun["key"] not in kept
    log = [row["action"] for row in await city.fetch("SELECT action FROM audit_event ORDER BY 1")]
    assert log == ["credential-job.begin", "credential-job.fetch", "credential.create", "credential.create"]


async def test_jobs_are_listed_stopped_and_told_as_lost(stored: httpx.AsyncClient, city: Pool) -> None:
    made = (await stored.post(JOBS, json={"profile": "citywatch/air"})).json()
    assert (await over(stored, made["job_id"]))["state"] == "done"
    # As another process left it that was killed, and as one that works just now.
    await city.execute(
        "INSERT INTO credential_job (at_restart, actor, state, of, created_at, touched_at)"
        " VALUES (false, 'gone', 'running', 9, now(), now() - interval '1 h'),"
        " (false, 'at work', 'running', 9, now(), now())"
    )
    first = (await stored.get(JOBS, params={"limit": 2})).json()
    rest = (await stored.get(JOBS, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    jobs = {job["actor"]: job for job in first["items"] + rest["items"]}
    assert {actor: job["state"] for actor, job in jobs.items()} == {
        "demo": "done",
        "gone": "lost",
        "at work": "running",
    }
    at_work = jobs["at work"]["job_id"]
    refused = await stored.post(JOBS, json={})
    assert (refused.status_code, "another job" in refused.json()["detail"]) == (409, True)
    early = await stored.post(f"{JOBS}/{at_work}/passwords", json={"key": made["key"]})
    assert (early.status_code, "0 of 9" in early.json()["detail"]) == (409, True)
    assert (await stored.delete(f"{JOBS}/{at_work}")).json()["state"] == "cancelled"
    assert (await stored.delete(f"{JOBS}/{at_work}")).status_code == 409
    assert (await stored.get(f"{JOBS}/999")).status_code == 404
    assert (await stored.post(JOBS, json={"domain": "waste", "at_restart": True})).status_code == 200


async def test_nobody_fetches_after_a_day(stored: httpx.AsyncClient, city: Pool) -> None:
    made = (await stored.post(JOBS, json={"profile": "citywatch/air"})).json()
    path = f"{JOBS}/{made['job_id']}"
    assert (await over(stored, made["job_id"]))["waiting"] is True
    await city.execute("UPDATE credential_job SET created_at = created_at - interval '25 h'")
    assert (await stored.get(path)).json()["waiting"] is False
    late = await stored.post(f"{path}/passwords", json={"key": made["key"]})
    assert (late.status_code, "too old" in late.json()["detail"]) == (409, True)
    assert await city.fetchval("SELECT count(*) FROM credential_job_part") == 0


async def test_an_open_broker_has_no_accounts_to_give(client: httpx.AsyncClient) -> None:
    refused = await client.post(JOBS, json={})
    assert (refused.status_code, "open to everybody" in refused.json()["detail"]) == (409, True)
