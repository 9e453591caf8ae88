"""The live socket over a real server and a real client: what arrives, what is left out, what a stall costs others."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sql.connection import Pool

PATIENCE = 5.0


class Live:
    """A client that reads JSON messages and lets heartbeats pass."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, views: list[str], resume: int | None = None, **narrowed: Any) -> dict[str, Any]:
        body = {"subscribe": {"views": views, **narrowed}} | ({} if resume is None else {"resume": resume})
        await self.connection.send(orjson.dumps(body).decode())
        return await self.next("subscribed")

    async def next(self, kind: str | None = None) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            while True:
                message: dict[str, Any] = orjson.loads(await self.connection.recv())
                if message["type"] != "heartbeat":
                    assert kind in (None, message["type"]), message
                    return message


@contextlib.asynccontextmanager
async def live(address: str, **options: Any) -> AsyncIterator[Live]:
    async with connect(f"ws://{address}/api/v1/live", **options) as connection:
        yield Live(connection)


async def publish(pool: Pool, device_id: str, name: str, result: float) -> None:
    """What ingest and fold commit for one new reading."""
    async with pool.acquire() as connection, connection.transaction():
        number = await connection.fetchval(
            "SELECT datastream_id FROM datastream WHERE (device_id, property) = ($1, $2)", device_id, name
        )
        seq = await connection.fetchval(
            "INSERT INTO ingest_batch (seq, datastream_id, phenomenon_time, received_at, result, quality)"
            " VALUES (nextval('ingest_batch_seq'), ARRAY[$1::int], ARRAY[now()], ARRAY[now()], ARRAY[$2::float8],"
            " ARRAY[1]) RETURNING seq",
            number,
            result,
        )
        await connection.execute(
            "UPDATE latest_observation SET (phenomenon_time, received_at, result, quality) = (now(), now(), $2, 1)"
            " WHERE datastream_id = $1",
            number,
            result,
        )
        await connection.execute(
            "INSERT INTO consumer_position (consumer, seq) VALUES ('fold', $1)"
            " ON CONFLICT (consumer) DO UPDATE SET seq = $1",
            seq,
        )
        await connection.execute("NOTIFY citywatch_latest")


async def test_a_reading_arrives_within_a_second(address: str, city: Pool) -> None:
    loop = asyncio.get_running_loop()
    async with live(address) as client:
        first = await client.send(["latest"])
        began = loop.time()
        await publish(city, "bin-1", "fill_level", 91)
        delta = await client.next("delta")
        assert loop.time() - began < 1
    assert delta["seq"] > first["seq"]
    (row,) = delta["latest"]
    assert (row["device_id"], row["property"], row["result"], row["unit"]) == ("bin-1", "fill_level", 91, "%")
    assert set(delta) == {"type", "seq", "at", "latest"}
    assert set(row) == {
        "datastream_id", "device_id", "property", "unit", "phenomenon_time", "received_at", "result", "quality",
        "derived",
    }  # fmt: skip


async def test_a_derived_value_says_so(address: str, city: Pool) -> None:
    await city.execute(
        "WITH made AS (INSERT INTO datastream (device_id, property, unit, method, edition)"
        " VALUES ('bin-1', 'time_to_full', 'h', 'Theil-Sen', '1') RETURNING datastream_id)"
        " INSERT INTO latest_observation (datastream_id, phenomenon_time, received_at, result, quality)"
        " SELECT datastream_id, now(), now(), 0, 1 FROM made"
    )
    async with live(address) as client:
        await client.send(["latest"])
        for name in ("fill_level", "time_to_full"):
            await publish(city, "bin-1", name, 9)
            (row,) = (await client.next("delta"))["latest"]
            assert (row["property"], row["derived"]) == (name, name == "time_to_full")


@pytest.mark.parametrize(
    "narrowed",
    [{"domain": "waste"}, {"device_id": "bin-2"}, {"bbox": [0, 49, 0.2, 50]}],
    ids=["domain", "device", "map box"],
)
async def test_only_what_was_asked_for_arrives(address: str, city: Pool, narrowed: dict[str, Any]) -> None:
    async with live(address) as client:
        await client.send(["latest"], **narrowed)
        await publish(city, "air-1", "pm2_5", 1)
        await publish(city, "bin-2", "fill_level", 2)
        delta = await client.next("delta")
    assert [row["device_id"] for row in delta["latest"]] == ["bin-2"]


async def test_an_acknowledged_alert_arrives_with_the_summary(address: str, city: Pool) -> None:
    async with live(address) as client:
        await client.send(["alerts", "summary"])
        before = await client.next("delta")
        assert before["summary"]["devices"] == 5
        await city.execute("UPDATE alert SET state = 'normal', open = false WHERE alert_id = 3")
        await city.execute("SELECT pg_notify('citywatch_alert', '3')")
        seen: dict[str, Any] = {}
        while set(seen) < {"alerts", "summary"}:
            seen |= {key: value for key, value in (await client.next("delta")).items() if key in ("alerts", "summary")}
    assert [(row["alert_id"], row["state"], row["open"]) for row in seen["alerts"]] == [(3, "normal", False)]
    assert sum(seen["summary"]["open_alerts"].values()) == 4


async def test_an_alert_announced_again_while_it_is_read_comes_again(address: str, city: Pool) -> None:
    async with live(address) as client:
        await client.send(["alerts"])
        async with city.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE alert IN ACCESS EXCLUSIVE MODE")
            await city.execute("SELECT pg_notify('citywatch_alert', '1')")
            waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'alert'::regclass)"
            async with asyncio.timeout(PATIENCE):
                while not await connection.fetchval(waits):  # noqa: ASYNC110  the other one is a server
                    await asyncio.sleep(0.01)
            await city.execute("SELECT pg_notify('citywatch_alert', '1')")
            await asyncio.sleep(0.1)  # heard by now, as a rule; heard later, it comes all the more
        for _ in range(2):
            assert [row["alert_id"] for row in (await client.next("delta"))["alerts"]] == [1]


async def test_whatever_goes_wrong_the_live_values_go_on(address: str, city: Pool) -> None:
    async with live(address) as client:
        await client.send(["alerts"])
        await city.execute("ALTER TABLE alert RENAME TO alert_away")
        try:
            await city.execute("SELECT pg_notify('citywatch_alert', '1')")
            assert (await client.next())["type"] == "resync"
        finally:
            await city.execute("ALTER TABLE alert_away RENAME TO alert")
        await city.execute("SELECT pg_notify('citywatch_alert', '2')")
        seen: list[int] = []
        async with asyncio.timeout(PATIENCE):
            while not seen:
                message = await client.next()
                seen = [row["alert_id"] for row in message.get("alerts", [])]
        assert seen == [2]


async def test_who_was_away_resumes_where_they_were(address: str, city: Pool) -> None:
    async with live(address) as client, live(address) as witness:
        await client.send(["latest"])
        await witness.send(["latest"])
        await publish(city, "bin-1", "fill_level", 1)
        seq = (await client.next("delta"))["seq"]
        await witness.next("delta")
        await client.connection.close()
        for result in (2, 3):
            await publish(city, "bin-1", "fill_level", result)
            await witness.next("delta")
        async with live(address) as again:
            assert (await again.send(["latest"], resume=seq))["resumed"] is True
            assert [row["result"] for row in (await again.next("delta"))["latest"]] == [3]
        async with live(address) as stranger:
            assert (await stranger.send(["latest"], resume=17))["resumed"] is False
            assert (await stranger.next())["type"] == "resync"


async def test_nonsense_is_named_and_then_ended(address: str) -> None:
    async with live(address) as client:
        await client.connection.send('{"subscribe": {"views": ["everything"]}}')
        assert "views" in (await client.next("error"))["detail"]
        await client.send(["alerts"])
        with pytest.raises(ConnectionClosed):
            for _ in range(20):
                await client.connection.send("{")
                await client.next()


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
    ids=["foreign origin", "hidden origin", "cross-site fetch"],
)
async def test_a_page_elsewhere_cannot_open_the_socket(address: str, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with live(address, additional_headers=headers):
            pass
    assert refused.value.response.status_code == 403


async def test_our_own_page_can_open_the_socket(address: str) -> None:
    async with live(address, origin=f"http://{address}") as client:
        await client.send(["alerts"])


async def test_a_stalled_client_costs_the_others_nothing(address: str, city: Pool) -> None:
    async with live(address) as client, live(address, max_queue=1) as stalled:
        await stalled.send(["latest"])
        await client.send(["latest"])
        for result in range(40):
            await publish(city, "bin-1", "fill_level", result)
        seen = -1.0
        while seen < 39:
            seen = (await client.next("delta"))["latest"][0]["result"]
        # Whoever does not read is not waited for, and still finds the newest state when it does.
        last = 0.0
        while last < 39:
            message = await stalled.next()
            assert message["type"] in ("delta", "resync")
            last = message["latest"][0]["result"] if "latest" in message else 39


async def events(client: httpx.AsyncClient, address: str, **headers: str) -> AsyncGenerator[dict[str, Any]]:
    query = "views=latest&domain=waste"
    async with client.stream("GET", f"http://{address}/api/v1/live/events?{query}", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in answer.headers
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                message = orjson.loads(line.removeprefix("data: "))
                if message["type"] != "heartbeat":
                    yield message


async def test_the_same_comes_as_events_and_resumes(address: str, city: Pool) -> None:
    async with httpx.AsyncClient() as client, asyncio.timeout(30):
        stream = events(client, address)
        assert (await anext(stream))["type"] == "subscribed"
        await publish(city, "air-1", "pm2_5", 1)
        await publish(city, "bin-1", "fill_level", 2)
        first = await anext(stream)
        assert [(row["device_id"], row["result"]) for row in first["latest"]] == [("bin-1", 2)]
        await stream.aclose()
        await publish(city, "bin-1", "fill_level", 3)
        again = events(client, address, **{"Last-Event-ID": str(first["seq"])})
        assert (await anext(again))["resumed"] is True
        assert [row["result"] for row in (await anext(again))["latest"]] == [3]
        await again.aclose()
        refused = await client.get(f"http://{address}/api/v1/live/events?views=everything")
        assert refused.status_code == 422
