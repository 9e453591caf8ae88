"""Accounts for many devices as a job of the API: run apart, its progress in the store, its passwords fetched once."""

import asyncio
import threading
from collections.abc import Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from citywatch.errors import CitywatchError, RegistryError
from citywatch.settings import Settings
from citywatch.telemetry import get_logger
from devices.broker_admin import BrokerAdmin, StoreAdmin
from devices.credentials import broker_admin
from devices.provisioning import provision
from devices.sealed_list import seal, unseal, write_credentials
from sql.audit import audit
from sql.connection import Connection
from sql.pool import open_pool
from sql.queries import query

LOST_AFTER = timedelta(minutes=2)  # a part takes a second: a job that was not heard of for so long died
KEPT = timedelta(days=1)  # what nobody fetched by then opens no more; it goes with the next job, or when asked for
log = get_logger()


async def begin(
    connection: Connection,
    *,
    domain: str | None,
    profile: str | None,
    at_restart: bool,
    actor: str,
    now: datetime,
    address: str,
) -> tuple[int, list[str]]:
    """Note a job for every device that has no account; return its number and the devices.

    Raises RegistryError where there is none, or where another job runs.
    """
    async with connection.transaction():
        rows = await connection.fetch(query("credentials", "without_credential"), domain, profile)
        devices = [row["device_id"] for row in rows]
        if not devices:
            raise RegistryError("each of these devices has an account already, or there is none")
        await connection.execute(query("provisioning", "forget_parts"), now - KEPT)
        number = await connection.fetchval(
            query("provisioning", "begin_job"), domain, profile, at_restart, actor, len(devices), now, LOST_AFTER
        )
        if number is None:
            raise RegistryError("another job gives devices accounts just now: wait for its end, or cancel it")
        detail = {"devices": len(devices), "domain": domain, "profile": profile, "at_restart": at_restart}
        await audit(connection, actor, "credential-job.begin", f"credential-job/{number}", detail, address)
    return number, devices


async def find(
    connection: Connection, now: datetime, number: int | None = None, before: int | None = None, limit: int = 1
) -> list[Mapping[str, Any]]:
    """Return jobs, the newest first."""
    told = query("provisioning", "credential_jobs")
    return await connection.fetch(told, number, before, limit, now, LOST_AFTER, now - KEPT)


def run_apart(
    settings: Settings, dsn: str, number: int, devices: list[str], key: str, *, at_restart: bool, actor: str
) -> threading.Thread:
    """Do the job in a thread with a loop of its own; only this process has the key while it runs."""

    def work() -> None:
        try:
            asyncio.run(_work(settings, dsn, number, devices, key, at_restart=at_restart, actor=actor))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.error("credential_job_interrupted", job_id=number, error=str(error))  # it is told as lost

    thread = threading.Thread(target=work, name="credential-job", daemon=True)
    thread.start()
    return thread


async def fetch(connection: Connection, number: int, key: str, *, actor: str, now: datetime, address: str) -> str:
    """Return the job's passwords as CSV and keep them no longer; raise RegistryError where there is nothing to open."""
    # Apart from what follows: they are gone also where that is refused.
    await connection.execute(query("provisioning", "forget_parts"), now - KEPT)
    async with connection.transaction():
        rows = await connection.fetch(query("provisioning", "take_parts"), number)
        if not rows:
            raise RegistryError("there are no passwords to fetch: none is made yet, or they were fetched, or too old")
        parts = [unseal(key, _place(number, row["part"]), row["sealed"]) for row in sorted(rows, key=_part)]
        await connection.execute(query("provisioning", "note_fetched"), number, now)
        await audit(connection, actor, "credential-job.fetch", f"credential-job/{number}", {}, address)
    return write_credentials([], header=True) + "".join(parts)


def _part(row: Mapping[str, Any]) -> int:
    return int(row["part"])


def _place(number: int, part: int) -> str:
    return f"credential-job/{number}/{part}"


async def _work(
    settings: Settings, dsn: str, number: int, devices: list[str], key: str, *, at_restart: bool, actor: str
) -> None:
    pool = await open_pool(dsn, process="credentials", size=1, statement_timeout=settings.store.statement_timeout)
    try:
        async with pool.acquire() as connection:
            state, error = "done", None
            try:
                if at_restart:
                    await _provision(connection, StoreAdmin(), number, devices, key, actor)
                else:
                    context = broker_admin(settings)
                    admin = await asyncio.to_thread(context.__enter__)
                    try:
                        await _provision(connection, admin, number, devices, key, actor)
                    finally:
                        await asyncio.to_thread(context.__exit__, None, None, None)
            except CitywatchError as fault:
                state, error = "failed", str(fault)
                log.error("credential_job_failed", job_id=number, error=error)
            await connection.execute(query("provisioning", "end_job"), number, state, error, datetime.now(UTC))
    finally:
        await pool.close()


async def _provision(
    connection: Connection, admin: BrokerAdmin, number: int, devices: list[str], key: str, actor: str
) -> None:
    """Take part after part; end where somebody cancelled the job."""
    done, part = 0, 0
    async with aclosing(provision(connection, admin, devices, actor=actor)) as parts:
        while True:
            # One transaction: a hash that is kept has its password among what can be fetched.
            async with connection.transaction():
                made = await anext(parts, None)
                if made is None:
                    return
                done, part = done + len(made), part + 1
                sealed = seal(key, _place(number, part), write_credentials(made, header=False))
                await connection.execute(query("provisioning", "keep_part"), number, part, sealed)
            told = query("provisioning", "job_progress")
            if await connection.fetchval(told, number, done, datetime.now(UTC)) != "running":
                return
