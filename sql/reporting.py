"""Every long-running process tells the store how it does, so that one place knows of all of them."""

import asyncio
import socket
from contextlib import suppress
from datetime import UTC, datetime

import asyncpg
from prometheus_client import generate_latest

from citywatch.metrics import REGISTRY
from citywatch.telemetry import get_logger
from sql.queries import query
from sql.retry import PASSING, Backoff

EVERY = 5.0  # seconds
# A store of an earlier version has no table for it yet: the process works all the same.
WAITED_OUT: tuple[type[Exception], ...] = (*PASSING, TimeoutError, asyncpg.UndefinedTableError)

log = get_logger()


def instance_name(mark: str = "") -> str:
    """Return what tells this process from others of its kind: its host, and `mark` where one host has several."""
    return socket.gethostname() + (f"/{mark}" if mark else "")


async def keep_reporting(dsn: str, process: str, instance: str, stop: asyncio.Event) -> None:
    """Report until `stop` is set, then take the report back. With the store away nothing is reported, nothing stops."""
    started, backoff = datetime.now(UTC), Backoff()
    while not stop.is_set():
        try:
            connection = await asyncpg.connect(
                dsn, timeout=10, server_settings={"application_name": "citywatch-report"}
            )
            try:
                await connection.execute(query("process", "forget_reports"))
                backoff.reset()
                while not stop.is_set():
                    exposition = generate_latest(REGISTRY).decode()
                    report = query("process", "report_process")
                    await connection.execute(report, process, instance, started, exposition, timeout=10)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), EVERY)
                await connection.execute(query("process", "withdraw_report"), process, instance, timeout=2)
            finally:
                connection.terminate()
        except WAITED_OUT as error:
            log.debug("report_postponed", error=str(error))
            await backoff.pause(stop)
