"""`If-None-Match` for every whole answer of the API: what the client holds already is not sent again.

Routes whose rows tell by themselves that nothing has changed (`api.answer.unchanged`) save the query too; for all
others the tag is that of the body, which saves the way over the network.
"""

import hashlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.answer import cache_headers, etag, holds

PATHS = ("/api/", "/sta/", "/ngsi-ld/", "/open311/", "/feeds/")


class Conditional:
    """ASGI layer inside the compression, so that a tag stands for the meaning and not for its packing."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and answer 304 where the body would be the one held."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(PATHS):
            await self.app(scope, receive, send)
            return
        held = Headers(scope=scope).get("if-none-match", "")
        start: Message | None = None

        async def tagged(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _may_be_kept(message):
                start = message
                return
            if start is None:
                await send(message)
                return
            first, start = start, None
            if message.get("more_body", False):
                # Streamed: its end is not known before it is sent.
                await send(first)
                await send(message)
                return
            headers = MutableHeaders(scope=first)
            tag = etag(headers.get("content-type"), hashlib.sha256(message.get("body", b"")).digest())
            for name, value in cache_headers(tag).items():
                headers[name] = value
            if holds(held, tag):
                for name in ("content-length", "content-type"):
                    del headers[name]
                await send({**first, "status": 304})
                await send({"type": "http.response.body", "body": b""})
                return
            await send(first)
            await send(message)

        await self.app(scope, receive, tagged)


def _may_be_kept(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return start["status"] == 200 and "etag" not in headers and "cache-control" not in headers
