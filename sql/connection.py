"""asyncpg's types with their parameters, which exist for the type checker only."""

from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Pool = asyncpg.Pool[Any]
    Connection = asyncpg.Connection[Any] | PoolConnectionProxy[Any]
    Record = asyncpg.Record
else:
    Pool, Connection, Record = asyncpg.Pool, asyncpg.Connection, asyncpg.Record
