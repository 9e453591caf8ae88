"""Webhooks: JSON by POST, signed so that the receiver knows who it is from and that it is no replay.

`X-Citywatch-Signature: t=UNIX_SECONDS,v1=HEX` where HEX is HMAC-SHA256 of `UNIX_SECONDS.BODY` under the shared secret.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson

from rules.notify.outbox import NotifyError

TIMEOUT = 10.0


def sign(secret: bytes, seconds: int, payload: bytes) -> str:
    """Return the value of the signature header."""
    digest = hmac.new(secret, f"{seconds}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def verify(secret: bytes, header: str, payload: bytes, now: datetime, tolerance: float = 300.0) -> bool:
    """Say whether a message is ours and fresh: what a receiver does."""
    parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    seconds = parts.get("t", "")
    if not seconds.isdecimal() or len(seconds) > 12 or abs(now.timestamp() - int(seconds)) > tolerance:
        return False
    return hmac.compare_digest(sign(secret, int(seconds), payload), header)


class Webhook:
    """Posts signed messages; a status other than 2xx is a failure."""

    def __init__(self, client: httpx.AsyncClient, secret: bytes) -> None:
        self._client = client
        self._secret = secret

    async def __call__(self, target: str, body: Mapping[str, Any]) -> None:
        """Post `body` to the address `target`; raise NotifyError when it was not taken."""
        payload = orjson.dumps(body)
        seconds = int(datetime.now(UTC).timestamp())
        headers = {
            "Content-Type": "application/json",
            "X-Citywatch-Delivery": str(body["id"]),
            "X-Citywatch-Signature": sign(self._secret, seconds, payload),
        }
        try:
            answer = await self._client.post(target, content=payload, headers=headers, timeout=TIMEOUT)
        except httpx.HTTPError as error:
            raise NotifyError(f"{type(error).__name__}: {error}") from None
        if not answer.is_success:
            raise NotifyError(f"the receiver answered {answer.status_code}")
