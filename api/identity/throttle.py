"""Guessing passwords is slow: after a few failures each further one makes the next wait twice as long.

Counted in the store, so that a restart forgets nothing and several processes count together.
"""

from dataclasses import dataclass

from api.rate import network_of
from sql.connection import Connection
from sql.queries import query

LONGEST_WAIT = 900  # seconds: whoever is being attacked gets in again after that


@dataclass(frozen=True, slots=True)
class _Guard:
    key: str
    free: int  # failures that cost nothing


def _guards(name: str, address: str) -> tuple[_Guard, _Guard]:
    # Many people may share an address; nobody mistypes five times and is surprised to wait. The address stands first:
    # one that must wait already does not make its victim wait as well.
    return _Guard(f"address {network_of(address)}", 30), _Guard(f"account {name}", 5)


async def attempt(connection: Connection, name: str, address: str) -> int:
    """Count an attempt to sign in; return 0 if it may be judged, else the seconds until one may."""
    for guard in _guards(name, address):
        values = (guard.key, guard.free, LONGEST_WAIT)
        if await connection.fetchval(query("identity", "attempt"), *values) is None:
            return max(1, await connection.fetchval(query("identity", "attempt_wait"), *values) or 1)
    return 0


async def succeed(connection: Connection, name: str, address: str) -> None:
    """Forget the failures of an account whose password was right, and of the address this attempt alone: who guesses
    may own an account."""
    await connection.execute(query("identity", "attempt_good"), f"account {name}")
    await connection.execute(query("identity", "attempt_taken_back"), f"address {network_of(address)}")
