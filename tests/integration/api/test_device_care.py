"""Looking after devices through the API: accounts, commands, strangers, types, and messages over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from citywatch.local.broker import LocalBroker
from citywatch.settings import Settings
from sql.connection import Pool
from tests.integration.api.conftest import asking
from tests.integration.ingest_run import running, until
from tests.integration.secured_broker import may_connect

PROFILE = """
vendor: acme
model: bin-1
domain: waste
envelope: native
fields: {lvl: {property: fill_level, unit: "%"}}
unmapped: ignore
expected_interval: 1h
examples:
  - payload: {lvl: 40}
    readings: {fill_level: LEVEL}
"""


@pytest.fixture
async def served(dsn: str, city: Pool, broker: LocalBroker, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The API and a worker beside an open broker."""
    settings = Settings.model_validate(
        {
            "store": {"dsn": dsn},
            "broker": {"host": "127.0.0.1", "port": broker.port},
            "devices": {"folders": [str(tmp_path / "own")]},
        }
    )
    async with running(settings):
        async for client in asking(settings):
            yield client


async def test_accounts_are_given_rotated_and_taken(secured: tuple[httpx.AsyncClient, LocalBroker]) -> None:
    client, broker = secured
    path = "/api/v1/devices/bin-1/credential"
    assert (await client.get(path)).status_code == 404
    made = (await client.post(path)).json()
    assert may_connect(broker.port, made["username"], made["password"])
    assert (await client.post(path)).status_code == 409
    newer = (await client.post(path, params={"rotate": True})).json()
    assert not may_connect(broker.port, made["username"], made["password"])
    state = (await client.get(path)).json()
    assert (state["created_by"], state["revoked_at"]) == ("demo", None)
    assert (await client.delete(path)).status_code == 204
    assert not may_connect(broker.port, newer["username"], newer["password"])
    refused = await client.post("/api/v1/claims", json={"device_id": "bin-2", "key": "x" * 40})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-possible")
    assert (await client.post("/api/v1/devices/ghost/credential")).status_code == 404


async def test_an_open_broker_has_no_accounts_to_give(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/devices/bin-1/credential")
    assert answer.status_code == 409
    assert "open to everybody" in answer.json()["detail"]


async def test_arguments_that_the_store_cannot_hold_are_refused_by_name(client: httpx.AsyncClient, city: Pool) -> None:
    """jsonb has no NUL; the document says so (JsonValue), and where it stands is told."""
    path = "/api/v1/devices/bin-1/commands"
    refused = await client.post(path, json={"name": "identify", "arguments": {"a": [{"b": "\0"}]}})
    assert refused.status_code == 422
    assert "arguments.a[0].b: text may not contain NUL" in refused.json()["detail"]
    taken = await client.post(path, json={"name": "identify", "arguments": {"n": 2**70, "é": [{"": None}]}})
    assert taken.status_code == 200
    assert taken.json()["arguments"] == {"n": 2.0**70, "é": [{"": None}]}


async def test_commands_are_queued_and_listed_page_by_page(client: httpx.AsyncClient, city: Pool) -> None:
    path = "/api/v1/devices/bin-1/commands"
    made = [(await client.post(path, json={"name": "identify", "arguments": {"n": n}})).json() for n in range(3)]
    assert [one["state"] for one in made] == ["queued"] * 3
    first = (await client.get("/api/v1/commands", params={"limit": 2})).json()
    rest = (await client.get("/api/v1/commands", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    ids = [one["command_id"] for one in first["items"] + rest["items"]]
    assert ids == [one["command_id"] for one in reversed(made)]
    assert rest["next_cursor"] is None
    assert (await client.get(f"/api/v1/commands/{ids[0]}")).json()["arguments"] == {"n": 2}
    assert (await client.post("/api/v1/devices/ghost/commands", json={"name": "identify"})).status_code == 404
    assert (await client.post(path, json={"name": "re/boot"})).status_code == 422
    log = await city.fetch("SELECT action, object FROM audit_event")
    assert [tuple(row) for row in log] == [("command.send", "device/bin-1")] * 3


async def test_what_comes_over_http_goes_the_way_of_all_messages(served: httpx.AsyncClient, city: Pool) -> None:
    async def stored(device_id: str) -> list[float]:
        rows = await city.fetch(
            "SELECT result FROM observation JOIN datastream USING (datastream_id) WHERE device_id = $1", device_id
        )
        return [row["result"] for row in rows]

    async def arrives() -> bool:
        taken = await served.post("/api/v1/ingest/devices/bin-1", content=b'{"fill_level": 12.5}')
        assert taken.status_code == 202
        return 12.5 in await stored("bin-1")

    await until(arrives, "a reading over HTTP")
    await served.post("/api/v1/ingest/devices/bin-1", content=b'{"fill_level": 9, "device_id": "bin-2"}')
    hook = {
        "end_device_ids": {"device_id": "stranger-1"},
        "uplink_message": {"decoded_payload": {"lvl": 30}, "f_cnt": 1},
    }
    taken = await served.post("/api/v1/ingest/webhooks/tts_v3", json=hook)
    assert taken.json()["topic"] == "citywatch/webhooks/tts_v3"
    assert (await served.post("/api/v1/ingest/webhooks/carrier_pigeon", json=hook)).status_code == 422

    async def waits() -> list[dict[str, Any]]:
        return [
            one for one in (await served.get("/api/v1/quarantine")).json()["items"] if one["device_id"] == "stranger-1"
        ]

    async def both_are_kept() -> bool:
        rejected = (await served.get("/api/v1/rejected", params={"device_id": "bin-1"})).json()["items"]
        return any(one["reason"] == "identity_mismatch" for one in rejected) and bool(await waits())

    await until(both_are_kept, "a message in another's name, and a stranger's")
    learnt = (await served.post("/api/v1/device-profiles/learn", json={"device_id": "stranger-1"})).json()
    assert "none of its fields" in learnt["detail"]
    text = PROFILE.replace("envelope: native", "envelope: tts_v3").partition("examples:")[0]
    put = await served.put("/api/v1/device-profiles/acme/bin-1", json={"text": f"{text}examples: []\n"})
    assert put.status_code == 200, put.text
    adopted = await served.post("/api/v1/quarantine/stranger-1/adopt", json={"profile": "acme/bin-1", "name": "New"})
    assert (adopted.status_code, adopted.json()["mended"], await stored("stranger-1")) == (200, 1, [30])
    again = await served.post("/api/v1/quarantine/stranger-1/adopt", json={"profile": "acme/bin-1"})
    assert again.status_code == 409
    missing = await served.post("/api/v1/quarantine/nobody/adopt", json={"profile": "acme/bin-1"})
    assert missing.status_code == 404


async def test_a_type_of_ones_own_is_taken_once_its_examples_hold(served: httpx.AsyncClient, tmp_path: Path) -> None:
    path = "/api/v1/device-profiles/acme/bin-1"
    assert (await served.get(path)).status_code == 404
    for text, reason in (
        (PROFILE.replace("LEVEL", "41"), "example 1 '': fill_level is 40.0, not 41.0"),
        (PROFILE.replace("LEVEL", "40").replace("model: bin-1", "model: bin-2"), "calls itself acme/bin-2"),
        (PROFILE.replace("fill_level, unit", "licence_plate, unit"), "line"),
        ("{", "line"),
    ):
        refused = await served.put(path, json={"text": text})
        assert refused.status_code == 409
        assert reason in refused.json()["detail"]
        assert str(tmp_path) not in refused.json()["detail"]
    assert list((tmp_path / "own").rglob("*.*")) == []
    text = PROFILE.replace("LEVEL", "40")
    assert (await served.put(path, json={"text": text})).status_code == 200
    assert (await served.get(path)).json() == {"key": "acme/bin-1", "text": text, "own": True}
    listed = {one["key"]: one for one in (await served.get("/api/v1/device-profiles")).json()["items"]}
    assert (listed["acme/bin-1"]["own"], listed["citywatch/bin"]["own"]) == (True, False)
    learnt = (await served.post("/api/v1/device-profiles/learn", json={"message": '{"temp": 21.5}'})).json()
    assert "air_temperature" in learnt["text"]


async def test_what_cannot_be_decoded_does_not_undo_an_adoption(client: httpx.AsyncClient, city: Pool) -> None:
    await city.execute(
        "INSERT INTO rejected_message (received_at, fate, reason, detail, device_id, topic, payload)"
        " VALUES (now(), 'rejected', 'unknown_device', '', 'new-1', 'city/v1/devices/new-1/up', '{}')"
    )
    await city.execute("ALTER TABLE rejected_message RENAME COLUMN topic TO other")
    answer = await client.post("/api/v1/quarantine/new-1/adopt", json={"profile": "citywatch/bin"})
    assert (answer.status_code, answer.json()["played"]) == (200, 0), answer.text
    assert "stay kept" in answer.json()["fault"]
    assert await city.fetchval("SELECT count(*) FROM device WHERE device_id = 'new-1'") == 1
