"""A device that nobody registered: its messages wait, and are decoded from the start once it is adopted."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from citywatch.cli.devices import app
from citywatch.errors import RegistryError
from citywatch.local.broker import LocalBroker
from citywatch.settings import load_settings
from sql.connection import Pool
from tests.integration.ingest_run import account_closes, make_settings, publish, received, register, running, until


@pytest.fixture(autouse=True)
def on_this_store(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CITYWATCH_STORE__DSN", dsn)
    load_settings.cache_clear()
    yield
    load_settings.cache_clear()


async def run(*arguments: str) -> str:
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    if result.exception is not None:
        raise result.exception
    return str(result.stdout)


async def test_a_stranger_is_kept_and_decoded_from_the_start(dsn: str, pool: Pool, broker: LocalBroker) -> None:
    await register(pool)
    times = [datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=minute) for minute in (3, 2, 1)]
    said = [("new-1", json.dumps({"time": at.isoformat(), "fill_level": level})) for level, at in enumerate(times)]
    async with running(make_settings(dsn, broker)):

        async def listens() -> bool:
            await publish(broker, [("bin-1", json.dumps({"time": times[0].isoformat(), "battery": 9}))])
            return await received(pool) > 0

        await until(listens, "the worker's first message")
        await publish(broker, said)
        await publish(broker, [("new-1", '{"fill_level": "full"}'), ("new-2", "{}")])

        async def waiting() -> list[dict[str, object]]:
            return [json.loads(line) for line in (await run("quarantine", "--json")).splitlines()]

        async def both_wait() -> bool:
            return [(one["device_id"], one["messages"]) for one in await waiting()] == [("new-2", 1), ("new-1", 4)]

        await until(both_wait, "two strangers")
        with pytest.raises(RegistryError, match="new-3 does not wait"):
            await run("adopt", "new-3", "--profile", "citywatch/bin")
        with pytest.raises(RegistryError, match="no profile acme/none"):
            await run("adopt", "new-1", "--profile", "acme/none")
        assert "3 of 4 kept messages decoded, 3 readings" in await run("adopt", "new-1", "--profile", "citywatch/bin")
        assert [one["device_id"] for one in await waiting()] == ["new-2"]
        with pytest.raises(RegistryError, match="registered already"):
            await run("adopt", "new-1", "--profile", "citywatch/bin")

        await publish(broker, [("new-1", json.dumps({"time": datetime.now(UTC).isoformat(), "fill_level": 3}))])

        async def spoke() -> bool:
            return bool(await pool.fetchval("SELECT count(*) FROM observation WHERE result = 3"))

        await until(spoke, "the adopted device without a restart")
    rows = await pool.fetch("SELECT phenomenon_time, result FROM observation JOIN datastream USING (datastream_id)"
                            " WHERE device_id = 'new-1' ORDER BY phenomenon_time")  # fmt: skip
    assert [row["result"] for row in rows] == [0, 1, 2, 3]
    assert [row["phenomenon_time"] for row in rows[:3]] == times
    assert await account_closes(pool)
