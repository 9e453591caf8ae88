"""Reads of accounts that are limited to a part of the city: the same queries, on rows that lie inside.

They run as a role of their own, which migration 0062 shows the rows inside the limits only. A table that is not in
READABLE is closed to it, so a new one is closed until somebody has decided what of it may be seen.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg

from sql.connection import Connection, Pool, Record

ROLE = "citywatch_limited"
# Of observations and rollups each row is reached through its datastream, which has a policy: they need none of their
# own, and a compressed hypertable could not have one.
READABLE = (
    "alert",
    "alert_event",
    "asset",
    "calculation",
    "calibration",
    "citizen_report",
    "command",
    "consumer_position",
    "datastream",
    "delivery_account",
    "device",
    "device_clock",
    "device_presence",
    "district",
    "incident",
    "latest_observation",
    "maintenance_window",
    "notification",
    "observation",
    "observed_property",
    "rejected_message",
    "rollup_area_day",
    "rollup_area_hour",
    "rollup_day",
    "rollup_hour",
    "rollup_minute",
    "rollup_quarter",
    "rule",
    "rule_version",
    "schema_migration",
    "shelving",
    "site",
    "source",
    "sta_datastream",
    "sta_feature",
    "sta_location",
    "sta_observation",
    "sta_placed",
    "sta_placing",
    "sta_sensor",
    "sta_thing",
    "work_order",
    "work_order_event",
)


async def provide_role(connection: Connection) -> None:
    """Make the role and let it read; the last step of every migration, since a database may be restored elsewhere.

    Where our user may not make roles nothing happens, and limited accounts are refused until somebody has.
    """
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", ROLE):
            await connection.execute(f"CREATE ROLE {ROLE}")
        if not await has_role(connection):
            await connection.execute(f"GRANT {ROLE} TO CURRENT_USER")
    except (asyncpg.InsufficientPrivilegeError, asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        # Not allowed to, or another database of this server did so in the same moment: roles are the server's.
        pass
    if not await has_role(connection):
        return
    there = [name for name in READABLE if await connection.fetchval("SELECT to_regclass($1)", name)]
    if there:
        await connection.execute(f"GRANT SELECT ON {', '.join(there)} TO {ROLE}")


async def has_role(connection: Connection) -> bool:
    """Return whether limited reads are possible here."""
    return bool(
        await connection.fetchval(
            "SELECT coalesce((SELECT pg_has_role(oid, 'MEMBER') FROM pg_roles WHERE rolname = $1), false)", ROLE
        )
    )


def _array(names: Iterable[str] | None) -> str:
    """Return a PostgreSQL array literal, `*` for no limit."""
    if names is None:
        return "*"
    quoted = ('"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' for name in sorted(names))
    return "{" + ",".join(quoted) + "}"


class LimitedPool:
    """What routes use of a pool, with every statement run inside the limits and unable to write."""

    def __init__(self, pool: Pool, districts: Iterable[str] | None, domains: Iterable[str] | None) -> None:
        self._pool = pool
        self._values = (ROLE, _array(districts), _array(domains))

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """Lend a connection in a transaction of its own."""
        async with (
            self._pool.acquire() as connection,
            # The strictest, so that a route may ask for it within.
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.execute(
                "SELECT set_config('role', $1, true), set_config('citywatch.districts', $2, true),"
                " set_config('citywatch.domains', $3, true)",
                *self._values,
            )
            yield connection

    async def fetch(self, text: str, *arguments: Any) -> list[Record]:
        """Return rows."""
        async with self.acquire() as connection:
            return await connection.fetch(text, *arguments)

    async def fetchrow(self, text: str, *arguments: Any) -> Record | None:
        """Return the first row."""
        async with self.acquire() as connection:
            return cast("Record | None", await connection.fetchrow(text, *arguments))

    async def fetchval(self, text: str, *arguments: Any) -> Any:
        """Return the first value of the first row."""
        async with self.acquire() as connection:
            return await connection.fetchval(text, *arguments)
