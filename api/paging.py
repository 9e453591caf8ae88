"""Cursors: the sort key of the last item, opaque to the client, so that pages stay exact while rows arrive."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated

import orjson
from fastapi import Query

from api.problems import ProblemError

Limit = Annotated[int, Query(ge=1, le=10_000, description="items per page")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before")]

Key = str | int | datetime | None


def encode_cursor(*key: Key) -> str:
    """Return the cursor for a sort key."""
    parts = [{"at": part.isoformat()} if isinstance(part, datetime) else part for part in key]
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def decode_cursor(cursor: str | None, *kinds: type) -> list[Key]:
    """Return the key in `cursor`, one value per kind, all None without one; raise ProblemError on any other shape."""
    if cursor is None:
        return [None] * len(kinds)
    try:
        parts = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        key = [_part(part) for part in parts]
        fits = len(key) == len(kinds) and all(
            part is None or type(part) is kind for part, kind in zip(key, kinds, strict=True)
        )
        if not fits or key[0] is None or any(isinstance(part, int) and abs(part) >= 2**63 for part in key):
            raise ValueError("another list's cursor")
    except (ValueError, TypeError, KeyError, OverflowError, binascii.Error):
        raise ProblemError(404, "no-such-page", "cursor: not one that this list gave out") from None
    return key


def _part(part: object) -> Key:
    if isinstance(part, dict):
        at = datetime.fromisoformat(part["at"])
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    if part is None or isinstance(part, str | int):
        # PostgreSQL has no NUL in text.
        if isinstance(part, str) and "\0" in part:
            raise ValueError("a NUL")
        return part
    raise ValueError("not a key")
