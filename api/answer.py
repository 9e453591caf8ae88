"""How answers are encoded: orjson straight from rows, with ETags for what clients ask for again and again."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from fastapi import Request, Response

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def encode(body: object) -> bytes:
    """Return JSON; instants as RFC 3339 in UTC. A data class is written as it is: `asdict` would copy every value."""
    return orjson.dumps(body, option=OPTIONS)


def rows(records: Iterable[Any]) -> list[dict[str, Any]]:
    """Return database rows as objects, column names as keys."""
    return [dict(record) for record in records]


def answer(body: object, headers: Mapping[str, str] | None = None, media_type: str = "application/json") -> Response:
    """Return `body` as JSON. The caller vouches for the shape: rows are not validated one by one on the way out."""
    return Response(encode(body), headers=dict(headers or {}), media_type=media_type)


def etag(*parts: object) -> str:
    """Return a weak ETag: the same parts give the same meaning, whatever the compression."""
    return f'W/"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"'


def holds(held: str, tag: str) -> bool:
    """Return whether an If-None-Match header names `tag`, or any."""
    return held == "*" or tag in {part.strip() for part in held.split(",")}


def unchanged(request: Request, tag: str) -> Response | None:
    """Return 304 if the client already holds what `tag` stands for."""
    if holds(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=cache_headers(tag))
    return None


def cache_headers(tag: str) -> dict[str, str]:
    """Return headers by which a client may keep the answer but asks again each time."""
    return {"ETag": tag, "Cache-Control": "private, no-cache"}
