"""What the dashboard's pages may load and run (Content Security Policy level 3), each exception with its reason."""

import base64
import hashlib
from collections.abc import Callable, Iterable

from dash.exceptions import PreventUpdate
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from citywatch.telemetry import get_logger

log = get_logger()

# directive -> sources. Without an entry here nothing of a kind is loaded at all: no frames, objects, media, manifests.
DIRECTIVES: dict[str, tuple[str, ...]] = {
    "default-src": ("'none'",),
    "script-src": ("'self'",),  # and the inline scripts by their hash, see `page_policy`
    # Mantine, Plotly, Leaflet and AG Grid place and size things with style attributes and style elements of their own
    # making, which cannot be hashed. A style runs nothing, and with the sources below it sends nothing off either.
    "style-src": ("'self'", "'unsafe-inline'"),
    "img-src": ("'self'", "data:", "blob:"),  # data: icons in style sheets; blob: charts saved as pictures
    "font-src": ("'self'", "data:"),  # data: the icon font inside AG Grid's style sheet
    "connect-src": ("'self'",),  # callbacks, the API and the live socket, all of this address
    "worker-src": ("'self'", "blob:"),  # blob: Plotly starts workers from text it carries
    "form-action": ("'self'",),
    "base-uri": ("'none'",),
    "frame-ancestors": ("'none'",),
}


def script_hash(text: str) -> str:
    """Return the source expression that lets exactly this inline script run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def page_policy(hashes: Iterable[str]) -> str:
    """Return the policy of pages whose inline scripts have exactly these hashes; an injected one does not run."""
    directives = {**DIRECTIVES, "script-src": (*DIRECTIVES["script-src"], *hashes)}
    return "; ".join(" ".join((name, *sources)) for name, sources in directives.items())


class Policy:
    """Innermost ASGI layer: gives every HTML page the policy, unless it brings one of its own, and logs what fails.

    `hashes` is asked for each page: Dash adds an inline script of its own at the first one.
    """

    def __init__(self, app: ASGIApp, hashes: Callable[[], Iterable[str]]) -> None:
        self.app = app
        self.hashes = hashes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add the header to its answer."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.setdefault("Content-Security-Policy", page_policy(self.hashes()))
            await send(message)

        try:
            await self.app(scope, receive, guarded)
        except PreventUpdate:
            raise
        except Exception:
            # Dash answers this with a bare 500 and tells nobody.
            log.exception("page_failed", path=scope["path"], request_id=scope.get("citywatch.request_id"))
            raise
