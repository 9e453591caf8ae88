"""One gate for both kinds of connection, HTTP and WebSocket, so that neither is forgotten.

HTTP middleware does not see WebSockets, and a browser opens a WebSocket to any site with the user's cookies. So the
checks stand in one ASGI layer: who we are called (Host), who asks (Origin), who that is and whether they may, how much
may be sent, what every answer carries, and that every failure ends as a problem with a request id.
"""

import re
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.permissions import Door, find_door, methods_of, read_doors, refuse
from api.principal import DEMO, PUBLISHER, Principal, current_principal
from api.problems import MEDIA_TYPE, UNREACHABLE, ProblemError, problem_body
from api.rate import Buckets, network_of
from citywatch.errors import SettingsError
from citywatch.setting_groups import ServeSettings
from citywatch.telemetry import get_logger

log = get_logger()

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
MAX_BODY = 2 * 1024 * 1024  # bytes; Dash callbacks carry the state of a page, the API far less
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
}
# The API answers data, never a page: nothing in it may load or run anything.
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
DATA_PATHS = ("/api/", "/sta/", "/ngsi-ld/", "/open311/", "/feeds/", "/health/", "/metrics")

PRINCIPAL = "citywatch.principal"  # where in a scope it stands who acts
Observe = Callable[[Scope, int, float], None]
Identify = Callable[[HTTPConnection], Awaitable[Principal]]


def is_loopback(host: str) -> bool:
    """Return whether `host`, a name or address without port, can only be this machine."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def is_secure(settings: ServeSettings) -> bool:
    """Return whether browsers reach us over TLS."""
    return settings.tls_certificate is not None or (settings.public_url or "").startswith("https://")


def check_demo(settings: ServeSettings) -> None:
    """Raise SettingsError if the demo, which is open to everybody, would be open to the network."""
    if settings.demo and not is_loopback(settings.host):
        raise SettingsError(
            f"demo mode has no sign-in, so it listens on this machine only, not on {settings.host}: "
            "set CITYWATCH_SERVE__HOST=127.0.0.1, or CITYWATCH_SERVE__DEMO=false to require sign-in"
        )


def _place_of(address: str) -> tuple[str, str] | None:
    """Return name, and name with port, of an address such as an Origin; None where it is none, such as //[."""
    try:
        parts = urlsplit(address)
        return (parts.hostname or "").lower(), parts.netloc.lower()
    except ValueError:
        return None


def refusal(scope: Scope, headers: Headers, *, demo: bool) -> str | None:
    """Return why a connection may not pass, None if it may. Pure: judged by its method and headers alone."""
    host = headers.get("host", "")
    here = _place_of(f"//{host}")
    if here is None:
        return f"the host {host!r} is not an address"
    # A page elsewhere may point its own name at 127.0.0.1 (DNS rebinding): then Origin and Host agree, and are foreign.
    if demo and not is_loopback(here[0]):
        return f"the demo answers as localhost only, not as {host!r}"
    if scope["type"] == "http" and scope["method"] in SAFE_METHODS:
        return None
    # Browsers name the origin of every unsafe request and every WebSocket; programs that send none carry no cookies.
    origin = headers.get("origin")
    if origin is not None:
        there = _place_of(origin)
        if there is None:
            return f"the origin {origin!r} is not an address"
        if there[1] != host.lower():
            return f"the origin {origin!r} is not this site"
    if origin is None and headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return "the request comes from another site"
    return None


def _page_instead(scope: Scope, headers: Headers, problem: ProblemError) -> str | None:
    """Return where a person in a browser goes instead of reading `problem`, None for a program."""
    if scope["method"] != "GET" or "text/html" not in headers.get("accept", "") or scope["path"].startswith("/api/"):
        return None
    if problem.kind == "sign-in-needed":
        asked = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
        return f"/sign-in?next={quote(asked)}" if asked != "/" else "/sign-in"
    return "/password" if problem.kind == "password-change-needed" else None


class _TooLargeError(Exception):
    """The body exceeds what is accepted."""


async def identify_demo(_connection: HTTPConnection) -> Principal:
    """Return the demo: everybody on this machine."""
    return DEMO


def in_process(app: ASGIApp) -> ASGIApp:
    """Return `app` as the dashboard asks it: in the name of whoever the present request from outside acts for.

    A scope cannot be written to from the network, so what stands in it is believed.
    """

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, PRINCIPAL: current_principal.get()}, receive, send)

    return asked


def published(app: ASGIApp) -> ASGIApp:
    """Return `app` as the public page asks it: as a reader of its own, whoever looks, signed in or not."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, PRINCIPAL: PUBLISHER}, receive, send)

    return asked


class Gate:
    """The outermost layer of the application.

    `identify` says who a connection from outside acts for, or raises ProblemError; `observe` is told of every answered
    HTTP request.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: ServeSettings,
        identify: Identify,
        observe: Observe,
        max_body: int = MAX_BODY,
    ) -> None:
        self.app = app
        self.demo = settings.demo
        self.identify = identify
        self.observe = observe
        self.max_body = max_body
        self.secure = is_secure(settings)
        self.buckets = Buckets(settings.rate, settings.burst)
        self._doors: Sequence[Door] | None = None

    def _charge(self, caller: str) -> None:
        wait = 0 if self.demo else self.buckets.take(caller)
        if wait:
            raise ProblemError(429, "too-many-requests", f"too many requests: wait {wait} s", wait=wait)

    async def _meet(self, scope: Scope) -> None:
        """Find out who acts from outside; raise ProblemError 429 if they ask too much, 401 for a key that is wrong."""
        address = f"address {network_of(scope['client'][0])}" if scope.get("client") else "address unknown"
        try:
            principal = await self.identify(HTTPConnection(scope))
        except ProblemError:
            # Whoever tries out keys is known by their address alone.
            self._charge(address)
            raise
        self._charge(address if principal.account_id is None else f"account {principal.account_id}")
        scope[PRINCIPAL] = principal
        current_principal.set(principal)

    async def _admit(self, scope: Scope) -> None:
        """Find out who acts, and raise ProblemError unless they may use what they ask for."""
        if self._doors is None:
            self._doors = list(read_doors(scope["app"]))
        if PRINCIPAL not in scope:
            await self._meet(scope)
        door = find_door(self._doors, scope)
        if door is None:
            raise ProblemError(404, "not-found", f"there is nothing at {scope['path']!r}")
        problem = refuse(scope[PRINCIPAL], door.permissions)
        if problem is not None:
            raise problem

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a connection pass, or answer it here."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        scope["citywatch.request_id"] = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        reason = None if PRINCIPAL in scope else refusal(scope, headers, demo=self.demo)
        if scope["type"] == "websocket":
            if reason is None:
                try:
                    await self._admit(scope)
                except ProblemError as problem:
                    reason = str(problem)
                except UNREACHABLE as error:
                    reason = f"the store cannot be reached: {error}"
            if reason is not None:
                log.warning("live_refused", reason=reason, request_id=scope["citywatch.request_id"])
                await receive()
                # Closing before accepting is a 403 on the wire.
                await send({"type": "websocket.close", "code": 1008, "reason": "refused"})
                return
            await self.app(scope, receive, send)
            return
        await self._http(scope, receive, send, headers, reason)

    async def _http(self, scope: Scope, receive: Receive, send: Send, headers: Headers, reason: str | None) -> None:
        started, begun, status = time.perf_counter(), False, 500
        api = scope["path"].startswith(DATA_PATHS)

        async def guarded_send(message: Message) -> None:
            nonlocal begun, status
            if message["type"] == "http.response.start":
                begun, status = True, message["status"]
                out = MutableHeaders(scope=message)
                out["X-Request-Id"] = scope["citywatch.request_id"]
                for name, value in SECURITY_HEADERS.items():
                    out.setdefault(name, value)
                if self.secure:
                    # A year: a browser that has seen us once asks for nothing unencrypted again.
                    out.setdefault("Strict-Transport-Security", "max-age=31536000")
                if status == 405:
                    # Routing names the methods of the first route of a path only, and a path may have several.
                    out["Allow"] = ", ".join(methods_of(self._doors or (), scope))
                if api:
                    out.setdefault("Content-Security-Policy", API_POLICY)
                    out.setdefault("Cache-Control", "no-store")
            await send(message)

        taken = 0

        async def guarded_receive() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.max_body:
                raise _TooLargeError
            return message

        async def app_send(message: Message) -> None:
            # Whoever reads a body may answer for itself that it could not: the reason is ours to say.
            if taken <= self.max_body or begun:
                await guarded_send(message)

        async def answer(code: int, kind: str, detail: str, wait: int = 0) -> None:
            body = problem_body(code, kind, detail, instance=scope["path"], request_id=scope["citywatch.request_id"])
            length = str(len(body)).encode()
            out = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", length)]
            if code == 401:
                out.append((b"www-authenticate", b"Bearer"))
            if wait:
                out.append((b"retry-after", str(wait).encode()))
            await guarded_send({"type": "http.response.start", "status": code, "headers": out})
            await guarded_send({"type": "http.response.body", "body": body})

        too_large = f"a request may carry {self.max_body} bytes"
        try:
            if reason is not None:
                await answer(403, "foreign-origin", reason)
            elif headers.get("content-encoding", "identity") != "identity":
                # Nothing here unpacks: a few bytes could stand for gigabytes.
                await answer(415, "compressed", "send the body as it is, without Content-Encoding")
            elif (
                headers.get("content-length", "0").isdecimal() and int(headers.get("content-length", 0)) > self.max_body
            ):
                await answer(413, "too-large", too_large)
            else:
                await self._admit(scope)
                await self.app(scope, guarded_receive, app_send)
                if taken > self.max_body and not begun:
                    raise _TooLargeError
        except ProblemError as problem:
            where = _page_instead(scope, headers, problem)
            if where is None:
                await answer(problem.status, problem.kind, str(problem), problem.wait)
            else:
                moved = [(b"location", where.encode()), (b"content-length", b"0")]
                await guarded_send({"type": "http.response.start", "status": 303, "headers": moved})
                await guarded_send({"type": "http.response.body", "body": b""})
        except UNREACHABLE as error:
            if begun:
                raise
            log.warning("store_away", error=str(error), request_id=scope["citywatch.request_id"])
            await answer(503, "store-unavailable", "the store cannot be reached just now")
        except _TooLargeError:
            if begun:
                raise
            await answer(413, "too-large", too_large)
        except Exception:
            log.exception("request_failed", path=scope["path"], request_id=scope["citywatch.request_id"])
            # Half an answer cannot be taken back: the connection is cut, so that nobody takes it for whole.
            if begun:
                raise
            await answer(500, "internal", "this is a fault of ours; the request id finds it in the log")
        finally:
            self.observe(scope, status, time.perf_counter() - started)
