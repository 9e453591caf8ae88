"""What a rules process held before the store went away is let go: it reads all of it back."""

import asyncio
import weakref
from datetime import timedelta

import pytest

from citywatch.settings import Settings
from rules import process
from rules.notify.sender import policy_of
from rules.worker import Worker
from sql.connection import Connection, Pool
from sql.share import Share
from tests.integration.ingest_run import until


async def test_a_worker_whose_connection_broke_is_let_go(dsn: str, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[Worker]] = []

    def keep_track(connection: Connection, settings: Settings, share: Share) -> Worker:
        worker = Worker(
            connection,
            allowance=settings.rules.lateness,
            folders=[],
            policy=policy_of(settings.notify),
            share=share,
        )
        made.append(weakref.ref(worker))
        return worker

    monkeypatch.setattr(process, "_worker", keep_track)
    monkeypatch.setattr(process, "FREEZE_EVERY", timedelta(0))
    settings = Settings.model_validate({"store": {"dsn": dsn}})
    stop = asyncio.Event()
    running = asyncio.create_task(process.run(settings, stop))

    async def reports(number: int) -> bool:
        assert not running.done()
        return len(made) == number

    await until(lambda: reports(1), "the first worker")
    await asyncio.sleep(0.5)  # it works, and what it knows is frozen
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'citywatch rules'"
    await pool.execute(ended)
    await until(lambda: reports(2), "the second worker")
    assert made[0]() is None, "the first one is still there"
    stop.set()
    await running
