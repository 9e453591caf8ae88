"""Who reads, as the API's gate found out, and in which language; set for each request.

The language is what the address says, else the cookie, else the browser.
"""

from contextvars import ContextVar
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.texts import ENGLISH, html_language, language, languages

COOKIE = "citywatch_language"
YEAR = 365 * 86400
# The name of whoever has signed in; None where nobody needs to.
signed_in: ContextVar[str | None] = ContextVar("dashboard_signed_in", default=None)
# Whether they look after the accounts of the city.
administers: ContextVar[bool] = ContextVar("dashboard_administers", default=False)


def _accepted(header: str) -> str | None:
    """Return the first language of an Accept-Language header that there is; by its own order of preference."""
    wanted: list[tuple[float, str]] = []
    for part in header.split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), tag.lower()))
        except ValueError:
            continue
    for _, tag in sorted(wanted, key=lambda each: each[0]):
        for code in languages():
            # zh-CN, zh-SG and zh are all written in simplified characters; zh-Hans says so itself.
            written = html_language(code).lower()
            if tag == written or tag.split("-")[0] == written.split("-")[0]:
                return code
    return None


def _cookie(header: str) -> str | None:
    try:
        morsel = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel is not None else None


def choose_language(query: str, cookie: str, accept: str) -> str:
    """Return the language of a reader; one that there is no catalogue of counts as not given."""
    asked = parse_qs(query).get("lang", [""])[-1]
    for code in (asked.replace("-", "_"), _cookie(cookie), _accepted(accept)):
        if code in languages():
            return str(code)
    return ENGLISH


class Reader:
    """ASGI layer that sets the language of each request, and remembers one that the address asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on in its reader's language."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        query = scope["query_string"].decode("latin-1")
        chosen = choose_language(query, headers.get("cookie", ""), headers.get("accept-language", ""))

        async def remember(message: Message) -> None:
            if message["type"] == "http.response.start" and parse_qs(query).get("lang", [""])[-1]:
                cookie = f"{COOKIE}={chosen}; Path=/; Max-Age={YEAR}; SameSite=Lax"
                MutableHeaders(scope=message).append("Set-Cookie", cookie)
            await send(message)

        principal = scope.get("citywatch.principal")
        person = principal if principal is not None and principal.kind == "session" else None
        signed_in.set(None if person is None else person.name)
        administers.set(person is not None and "admin" in person.roles and person.limits is None)
        token = language.set(chosen)
        try:
            await self.app(scope, receive, remember)
        finally:
            language.reset(token)
