"""Sessions in the browser: a random token in a cookie, its hash in the store, and who a connection acts for."""

import hmac
import secrets
from datetime import timedelta

from starlette.requests import HTTPConnection
from starlette.responses import Response

from api.gate import is_secure
from api.identity.accounts import key_principal, read_limits, token_hash
from api.principal import ANONYMOUS, Principal, Role
from api.problems import ProblemError
from citywatch.setting_groups import ServeSettings
from citywatch.settings import Settings
from sql.connection import Connection, Pool
from sql.queries import query

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def cookie_name(settings: ServeSettings, what: str = "session") -> str:
    """Return a cookie's name; with TLS the prefix by which browsers refuse one set without it or by a sibling site."""
    return f"__Host-citywatch_{what}" if is_secure(settings) else f"citywatch_{what}"


def set_cookie(
    response: Response, settings: ServeSettings, value: str, lifetime: timedelta, what: str = "session"
) -> None:
    """Put a cookie that scripts cannot read and that other sites' forms and frames do not send."""
    response.set_cookie(
        cookie_name(settings, what),
        value,
        max_age=int(lifetime.total_seconds()),
        path="/",
        secure=is_secure(settings),
        httponly=True,
        samesite="lax",
    )


async def begin_session(connection: Connection, account_id: int, lifetime: timedelta, old: str | None) -> str:
    """Return the token of a new session. What the browser held before ends: nobody can have set it for somebody."""
    if old is not None:
        await connection.execute(query("identity", "session_end"), token_hash(old))
    token = secrets.token_urlsafe(32)
    await connection.execute(query("identity", "session_add"), token_hash(token), account_id, lifetime)
    return token


def _by_a_person(connection: HTTPConnection) -> bool:
    """Return whether somebody opens a page or does something, and not a page that keeps itself up to date.

    Dash asks by POST for everything, what somebody clicked and what came by itself: pages tell of people at
    `/api/v1/me/seen` instead (dashboard/assets/c-shell.js).
    """
    scope = connection.scope
    if scope["type"] != "http" or scope["path"] == "/_dash-update-component":
        return False
    return scope["method"] not in SAFE_METHODS or connection.headers.get("sec-fetch-mode", "navigate") == "navigate"


async def session_principal(pool: Pool, token: str, idle: timedelta, *, seen: bool) -> Principal:
    """Return whose session it is; anonymous for one that has ended, was left alone for `idle`, or never was."""
    row = await pool.fetchrow(query("identity", "session_read"), token_hash(token), idle, seen)
    if row is None:
        return ANONYMOUS
    limits = read_limits(row["districts"], row["domains"])
    roles = frozenset({Role(row["role"])})
    return Principal(row["name"], "session", roles, row["account_id"], limits, row["must_change"])


async def bearer_principal(pool: Pool, text: str) -> Principal:
    """Return who an API key acts for; raise ProblemError 401 for one that is unknown, ended or revoked."""
    kind, _, rest = text.partition("_")
    key_id, _, secret = rest.partition("_")
    row = await pool.fetchrow(query("identity", "key_read"), key_id) if kind == "cw" and secret else None
    if row is None or not hmac.compare_digest(row["secret_hash"], token_hash(secret)):
        raise ProblemError(401, "bad-key", "this API key is unknown, has expired or was revoked")
    return key_principal(row)


def _came_from_here(connection: HTTPConnection) -> bool:
    """Return whether a browser says that one of our own pages asks; the gate has compared Origin with Host already."""
    return "origin" in connection.headers or connection.headers.get("sec-fetch-site") == "same-origin"


async def identify(connection: HTTPConnection) -> Principal:
    """Return who a connection acts for: the key in its Authorization header, else the session in its cookie.

    A cookie comes along whoever asks, so what changes something, and every WebSocket, must also name a page of ours
    as its origin. Raises ProblemError 401 for a bad key, 403 for a cookie without origin.
    """
    pool: Pool = connection.app.state.pool
    scheme, _, credentials = connection.headers.get("authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer":
            raise ProblemError(401, "bad-key", "the Authorization header takes a Bearer key")
        return await bearer_principal(pool, credentials.strip())
    settings: Settings = connection.app.state.settings
    token = connection.cookies.get(cookie_name(settings.serve))
    if token is None:
        return ANONYMOUS
    principal = await session_principal(pool, token, settings.identity.session_idle, seen=_by_a_person(connection))
    unsafe = connection.scope["type"] == "websocket" or connection.scope["method"] not in SAFE_METHODS
    if principal is not ANONYMOUS and unsafe and not _came_from_here(connection):
        raise ProblemError(403, "foreign-origin", "a session acts from our own pages only; programs use an API key")
    return principal
