"""Every error leaves as RFC 9457 problem details: what kind, what exactly, and the request it belongs to."""

import re
from http import HTTPStatus
from typing import Any

import asyncpg
import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from api.schemas import Problem
from citywatch.errors import CitywatchError, StoreError

MEDIA_TYPE = "application/problem+json"
# What says that the store is away, or too busy to answer.
UNREACHABLE: tuple[type[Exception], ...] = (
    asyncpg.QueryCanceledError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    ConnectionError,
    TimeoutError,
    StoreError,
)


class ProblemError(CitywatchError):
    """A request that cannot be answered as asked; `status` is the HTTP status, `kind` the last part of its type.

    `wait` is the number of seconds after which it may be asked again (Retry-After), 0 for no such promise.
    """

    def __init__(self, status: int, kind: str, detail: str, *, wait: int = 0) -> None:
        super().__init__(detail)
        self.wait = wait
        self.status = status
        self.kind = kind


def not_found(what: str, name: object) -> ProblemError:
    """Return the error for a thing that is not there."""
    return ProblemError(404, "not-found", f"there is no {what} {str(name)!r}")


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI entries of the problems a route may answer with."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
        }
        for status in statuses
    }


def problem_body(
    status: int, kind: str, detail: str, *, instance: str, request_id: str, errors: list[dict[str, str]] | None = None
) -> bytes:
    """Return the encoded problem."""
    body = {
        "type": f"/problems/{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance,
        "request_id": request_id,
        "errors": errors or [],
    }
    return orjson.dumps(body)


def _answer(
    request: Request,
    status: int,
    kind: str,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    body = problem_body(
        status,
        kind,
        detail,
        instance=request.url.path,
        request_id=request.scope.get("citywatch.request_id", ""),
        errors=errors,
    )
    return Response(body, status, headers, MEDIA_TYPE)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    headers = {"Retry-After": str(error.wait)} if error.wait else None
    return _answer(request, error.status, error.kind, str(error), headers=headers)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    detail = error.detail if isinstance(error.detail, str) else str(error.detail)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (methods := _methods(request)):
        headers["Allow"] = methods
    return _answer(request, error.status_code, kind, detail, headers=headers)


def _methods(request: Request) -> str:
    """Return the methods of all routes of this path; the one that answers knows its own only."""
    found: set[str] = set()
    for route in iter_route_contexts(request.app.router.routes):
        pattern: re.Pattern[str] | None = getattr(route, "path_regex", None)
        # One that takes whatever comes below a path is no resource of its own.
        if pattern is not None and ":path}" not in (route.path or "") and pattern.match(request.url.path):
            found |= set(getattr(route, "methods", None) or ())
    return ", ".join(sorted(found))


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [{"where": ".".join(map(str, e["loc"])), "detail": str(e["msg"])} for e in error.errors()]
    return _answer(request, 422, "invalid", "; ".join(f"{e['where']}: {e['detail']}" for e in errors), errors=errors)


async def _on_store(request: Request, error: Exception) -> Response:
    busy = isinstance(error, asyncpg.QueryCanceledError)
    detail = "the question took too long: ask for less" if busy else "the store cannot be reached just now"
    return _answer(request, 503, "store-unavailable", detail, headers={"Retry-After": "2"})


async def _on_limited(request: Request, error: Exception) -> Response:
    return _answer(request, 403, "not-permitted", "this is not open to accounts limited to a part of the city")


async def _on_value(request: Request, _error: Exception) -> Response:
    # Text with half a character, a number beyond all columns: passed by every schema, held by no store.
    return _answer(request, 422, "invalid", "a value in the request is one that the store cannot hold")


def install_problems(app: FastAPI) -> None:
    """Register the handlers; anything they do not know is a 500 that the gate answers and logs."""
    app.add_exception_handler(asyncpg.DataError, _on_value)
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    # What the role of limited accounts (sql/limited.py) has no grant for, and whatever would write in it.
    app.add_exception_handler(asyncpg.InsufficientPrivilegeError, _on_limited)
    app.add_exception_handler(asyncpg.ReadOnlySQLTransactionError, _on_limited)
    for kind in UNREACHABLE:
        app.add_exception_handler(kind, _on_store)
