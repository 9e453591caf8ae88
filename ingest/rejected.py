"""Messages turned away, kept whole with their reason, so that they can be played again after a mend."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from ingest.model import Accepted, Delivery, Rejected, Verdict
from sql.connection import Connection
from sql.queries import query

KEPT_BYTES = 65_536
DETAIL_LENGTH = 500
LISTED = 10


@dataclass(frozen=True, slots=True)
class KeptMessage:
    """One kept message. `payload` is cut at 64 KiB; `payload_size` is what arrived."""

    rejected_id: int
    received_at: datetime
    fate: str
    reason: str
    detail: str
    device_id: str | None
    topic: str
    payload: bytes
    payload_size: int
    replayed_at: datetime | None


def columns(verdicts: Iterable[Verdict]) -> list[list[object]] | None:
    """Return columns for the query `keep_rejected`, None where every message was stored whole."""
    rows = [_row(verdict) for verdict in verdicts if isinstance(verdict, Rejected) or verdict.refused]
    return [list(column) for column in zip(*rows, strict=True)] if rows else None


def payload_key(topic: str, payload: bytes) -> int:
    """Return the 63-bit key by which a message that is delivered again is known."""
    digest = blake2b(topic.encode("utf-8", "replace"), digest_size=8)
    digest.update(payload)
    return int.from_bytes(digest.digest(), "big") >> 1


def _row(verdict: Verdict) -> tuple[object, ...]:
    delivery = verdict.delivery
    if isinstance(verdict, Accepted):
        fate, reason, detail = "refused", verdict.refused[0].reason.value, _refusals(verdict)
    else:
        fate, reason, detail = "rejected", verdict.reason.value, verdict.detail
    return (
        delivery.received_at,
        fate,
        reason,
        _storable(detail)[:DETAIL_LENGTH],
        None if verdict.device_id is None else _storable(verdict.device_id),
        _storable(delivery.topic),
        delivery.payload[:KEPT_BYTES],
        len(delivery.payload),
        payload_key(delivery.topic, delivery.payload),
        delivery.dup,
    )


def _refusals(verdict: Accepted) -> str:
    listed = [f"{refused.property}: {refused.reason}: {refused.detail}" for refused in verdict.refused[:LISTED]]
    more = len(verdict.refused) - LISTED
    return "; ".join(listed) + (f"; and {more} more" if more > 0 else "")


def _storable(text: str) -> str:
    """Return `text` as PostgreSQL takes it: no NUL, no lone surrogate."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


async def list_rejected(
    connection: Connection,
    *,
    limit: int = 50,
    before: int | None = None,
    reason: str | None = None,
    device_id: str | None = None,
    pending: bool = False,
) -> list[KeptMessage]:
    """Return kept messages, newest first; `before` pages on by id, `pending` leaves out those played again."""
    rows = await connection.fetch(query("account", "list_rejected"), before, reason, device_id, limit, pending)
    return [KeptMessage(**row) for row in rows]


async def pending_deliveries(
    connection: Connection,
    *,
    after: int = 0,
    ids: list[int] | None = None,
    reason: str | None = None,
    device_id: str | None = None,
    limit: int = 500,
) -> list[tuple[int, Delivery | None]]:
    """Return kept messages as the deliveries they were, oldest first; None for one that was cut and cannot be."""
    rows = await connection.fetch(query("account", "pending_rejected"), after, ids, reason, device_id, limit)
    return [
        (
            row["rejected_id"],
            Delivery(row["topic"], row["payload"], row["received_at"])
            if row["payload_size"] <= len(row["payload"])
            else None,
        )
        for row in rows
    ]
