"""`Idempotency-Key`: a change that is sent again, because its answer was lost, is not done again.

For every POST, PUT, PATCH and DELETE of the API (after the IETF draft "The Idempotency-Key HTTP Header Field"). A key
belongs to its caller and is kept for a day. An answer that shows a secret once (SHOWN_ONCE) is not kept: the
second time is told that it was done. Who is not known has no keys of its own, so for them nothing is kept.
"""

import hashlib
import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.principal import Principal
from api.problems import MEDIA_TYPE, problem_body
from sql.connection import Pool
from sql.queries import query

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
SHOWN_ONCE = "no-store, private"  # the Cache-Control of an answer that nobody keeps, we included
LARGEST = 1_000_000  # bytes of an answer that are kept; a larger one is given once, and then not again
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


async def _read(receive: Receive) -> bytes | None:
    """Return the body, None where the client went before its end."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _answer(send: Send, status: int, media_type: str, body: bytes, *, again: bool = False) -> None:
    headers = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
    if again:
        headers.append((b"idempotency-replayed", b"true"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Once:
    """ASGI layer inside the gate, which has bounded the body and found out who asks."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer as it was answered before."""
        key = Headers(scope=scope).get("idempotency-key") if scope["type"] == "http" else None
        unsafe = key is not None and scope["method"] in UNSAFE and scope["path"].startswith("/api/")
        principal: Principal | None = scope["citywatch.principal"] if unsafe else None
        if key is None or principal is None or principal.kind == "anonymous":
            await self.app(scope, receive, send)
            return

        async def refuse(status: int, kind: str, detail: str) -> None:
            known = scope["citywatch.request_id"]
            body = problem_body(status, kind, detail, instance=scope["path"], request_id=known)
            await _answer(send, status, MEDIA_TYPE, body)

        if not _KEY.fullmatch(key):
            await refuse(422, "invalid", "Idempotency-Key: 1 to 200 printable ASCII characters without spaces")
            return
        mine = principal.name, key
        pool: Pool = scope["app"].state.pool
        body = await _read(receive)
        if body is None:
            return
        what = "\n".join((scope["method"], scope["path"], scope["query_string"].decode("latin-1")))
        fingerprint = hashlib.sha256(what.encode() + b"\n" + body).digest()
        if not await pool.fetchval(query("identity", "request_claim"), *mine, fingerprint):
            before = await pool.fetchrow(query("identity", "request_answer"), *mine)
            if before is None or (before["status"] is None and before["fingerprint"] == fingerprint):
                await refuse(409, "in-progress", "one with this Idempotency-Key is being worked on, or was cut off")
            elif before["fingerprint"] != fingerprint:
                await refuse(422, "key-reused", "this Idempotency-Key came with another request before")
            else:
                await _answer(send, before["status"], before["media_type"], before["body"], again=True)
            return
        await self._first(scope, body, send, pool, mine)

    async def _first(self, scope: Scope, body: bytes, send: Send, pool: Pool, mine: tuple[str, str]) -> None:
        status, media_type, said, secret = 500, "", b"", False

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def kept(message: Message) -> None:
            nonlocal status, media_type, said, secret
            if message["type"] == "http.response.start":
                headers = Headers(raw=message["headers"])
                status, media_type = message["status"], headers.get("content-type", "")
                secret = headers.get("cache-control") == SHOWN_ONCE
            elif len(said) <= LARGEST:
                said += message.get("body", b"")
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                # Before the answer leaves: whoever gets it may ask again at once.
                if secret:
                    known = scope["citywatch.request_id"]
                    why = "this was done, and its answer held a secret, which is shown once"
                    told = problem_body(409, "not-repeatable", why, instance=scope["path"], request_id=known)
                    await pool.execute(query("identity", "request_done"), *mine, 409, MEDIA_TYPE, told)
                elif status < 500 and len(said) <= LARGEST:
                    await pool.execute(query("identity", "request_done"), *mine, status, media_type, said)
                else:
                    await pool.execute(query("identity", "request_drop"), *mine)
            await send(message)

        try:
            await self.app(scope, again, kept)
        except Exception:
            await pool.execute(query("identity", "request_drop"), *mine)
            raise
