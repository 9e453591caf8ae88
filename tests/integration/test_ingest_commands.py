"""`citywatch account` and `citywatch rejected`, as a person types them."""

import asyncio
import json

import pytest
import typer
from typer.testing import CliRunner

from citywatch.cli import rejected
from citywatch.cli.account import account
from citywatch.local.broker import LocalBroker
from citywatch.settings import load_settings
from sql.connection import Pool
from sql.pool import open_pool
from tests.integration.ingest_run import make_settings, publish, received, register, running, subscribed, until

app = typer.Typer()
app.command("account")(account)
app.add_typer(rejected.app, name="rejected")


async def fill(dsn: str, broker: LocalBroker) -> None:
    pool: Pool = await open_pool(dsn, process="test")
    await register(pool)
    settings = make_settings(dsn, broker)
    await subscribed(settings)
    await publish(broker, [("bin-1", '{"time": "2099-01-01T00:00:00Z", "fill_level": 1}'), ("nobody", "{}"),
                           ("bin-1", '{"fill_level": "abc", "battery": 50}'), ("bin-1", "{")])  # fmt: skip

    async def all_here() -> bool:
        return await received(pool) >= 4

    async with running(settings):
        await until(all_here, "four messages")
    await pool.close()


def test_the_commands_tell_and_mend(dsn: str, broker: LocalBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(fill(dsn, broker))
    monkeypatch.setenv("CITYWATCH_STORE__DSN", dsn)
    load_settings.cache_clear()
    try:
        run = CliRunner().invoke
        result = run(app, ["account", "--json"])
        assert result.exit_code == 0, result.output
        rows = {row["device_id"]: row for row in json.loads(result.output)}
        assert rows["total"] | {"hour": None} == {
            "device_id": "total", "hour": None, "received": 4, "accepted": 2, "rejected": 2,
            "readings": 3, "stored": 2, "duplicate": 0, "refused": 1, "closes": True,
        }  # fmt: skip
        assert rows["(unknown)"]["rejected"] == 1
        assert "DOES NOT CLOSE" not in run(app, ["account", "--device", "bin-1"]).output
        listed = run(app, ["rejected", "list", "--json"]).output.splitlines()
        assert [json.loads(line)["reason"] for line in listed] == ["bad_json", "not_a_number", "unknown_device"]
        assert (
            "1 played again: 0 accepted whole, 1 still"
            in run(app, ["rejected", "replay", "--reason", "bad_json"]).output
        )
        asyncio.run(break_a_sum(dsn))
        broken = run(app, ["account"])
        assert broken.exit_code == 1
        assert "DOES NOT CLOSE" in broken.output
    finally:
        load_settings.cache_clear()


async def break_a_sum(dsn: str) -> None:
    pool = await open_pool(dsn, process="test")
    await pool.execute("UPDATE delivery_account SET stored = stored + 1 WHERE device_id = 'bin-1'")
    await pool.close()
