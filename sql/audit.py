"""The audit log: who did what from where, each entry chained to the one before by its hash."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from citywatch.errors import StoreError
from sql.connection import Connection
from sql.queries import query

LOCK = 7_228_060
FIRST = bytes(32)  # what the first entry follows
_FIELDS = ("event_id", "at", "actor", "action", "object", "detail", "address")


def entry_hash(entry: Mapping[str, Any], previous: bytes) -> bytes:
    """Return the SHA-256 of an entry that follows one with hash `previous`."""
    values = [value.isoformat() if isinstance(value, datetime) else value for value in map(entry.__getitem__, _FIELDS)]
    return hashlib.sha256(previous + json.dumps(values, ensure_ascii=False).encode()).digest()


async def audit(
    connection: Connection,
    actor: str,
    action: str,
    object: str,
    detail: Mapping[str, Any] | None = None,
    address: str = "",
) -> int:
    """Add an entry in the caller's transaction and return its number; raise StoreError outside of a transaction.

    Other writers wait until that transaction ends, so this comes last in it. Never put a secret into `detail`.
    """
    return await _append(connection, actor, action, [object], detail, address)


async def audit_each(connection: Connection, actor: str, action: str, objects: Sequence[str], address: str) -> None:
    """Add an entry for each of many objects of the same action, as `audit` does for one."""
    if objects:
        await _append(connection, actor, action, objects, None, address)


async def _append(
    connection: Connection,
    actor: str,
    action: str,
    objects: Sequence[str],
    detail: Mapping[str, Any] | None,
    address: str,
) -> int:
    if not connection.is_in_transaction():
        raise StoreError(f"{action}: an audit entry is written in the transaction of what it tells of")
    await connection.execute(query("audit", "audit_lock"), LOCK)
    head = await connection.fetchrow(query("audit", "audit_head"))
    assert head is not None
    text = json.dumps(detail or {}, sort_keys=True, ensure_ascii=False, default=str)
    number, previous = int(head["event_id"]), head["hash"] or FIRST
    added = []
    for each in objects:
        number += 1
        values = (number, head["now"], actor, action, each, text, address)
        fresh = entry_hash(dict(zip(_FIELDS, values, strict=True)), previous)
        added.append((*values, previous, fresh))
        previous = fresh
    await connection.executemany(query("audit", "audit_add"), added)
    return number


@dataclass(frozen=True, slots=True)
class Chain:
    """What a verification found: the faults by entry number, and the head, to be noted outside of this database."""

    entries: int
    last: int
    head: str  # hash of the last entry, in hex
    faults: list[str]


async def _entries(connection: Connection) -> AsyncIterator[Mapping[str, Any]]:
    async for row in connection.cursor(query("audit", "audit_all"), prefetch=1000):
        yield row


async def verify(connection: Connection, noted: tuple[int, str] | None = None) -> Chain:
    """Check every entry; `noted` is a number and hash kept elsewhere, which shows a chain that was written anew.

    Whoever can write to the database and knows this code can make a chain that holds: only a head that was noted
    outside finds that, and an end that was cut off.
    """
    faults: list[str] = []
    entries, last, previous, found = 0, 0, FIRST, None
    async with connection.transaction(readonly=True, isolation="repeatable_read"):
        async for row in _entries(connection):
            entries += 1
            number = row["event_id"]
            if number == last + 2:
                faults.append(f"entry {last + 1} is missing")
            elif number > last + 2:
                faults.append(f"entries {last + 1} to {number - 1} are missing")
            if entry_hash(row, row["previous_hash"]) != row["hash"]:
                faults.append(f"entry {number} was changed or put in")
            elif number == last + 1 and row["previous_hash"] != previous:
                faults.append(f"entry {number} does not follow entry {last}: one of them was put in or written anew")
            last, previous = number, row["hash"]
            if noted is not None and noted[0] == number:
                found = row["hash"].hex()
    if noted is not None and found is None:
        faults.append(f"entry {noted[0]}, which was noted, is missing: the log ends at {last}")
    elif noted is not None and found != noted[1].lower():
        faults.append(f"entry {noted[0]} is not the one that was noted: the log was written anew")
    return Chain(entries, last, previous.hex(), faults)
