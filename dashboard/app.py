"""The dashboard as a Dash application on the API's own server; it reads and acts through the API only."""

from pathlib import Path
from typing import Any

import httpx
from dash import Dash
from dash.backends import get_backend
from fastapi import FastAPI, HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from citywatch.settings import Settings
from dashboard.callbacks import register_callbacks
from dashboard.charts_library import add_charts_library
from dashboard.client import ApiClient
from dashboard.policy import Policy, script_hash
from dashboard.public import add_public_page
from dashboard.reader import Reader
from dashboard.shell import THEME_FIRST, index_page, shell

# Dash answers every address that no route knows with its page; a program that asks for one of these wants a 404.
PROGRAM_PATHS = ("api", "health", "metrics", "sta", "ngsi-ld")


async def _no_such_path(rest: str) -> None:
    raise HTTPException(404, f"there is nothing at {rest!r}")


class _Dash(Dash):  # type: ignore[misc]  # Dash carries no types
    """Dash, whose document is written for each reader in their language."""

    def interpolate_index(self, **parts: Any) -> str:
        return index_page(parts)


def _client(transport_to: ASGIApp) -> ApiClient:
    """Return a client of the API in this process: no socket, each request is handed over as it is."""
    transport = httpx.ASGITransport(app=transport_to)
    # Uncompressed: what stays in this process would be packed and unpacked for nothing.
    plain = {"Accept-Encoding": "identity"}
    return ApiClient(httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=30, headers=plain))


def mount(app: FastAPI, settings: Settings) -> None:
    """Serve the dashboard at `/` of `app`, beside the API that `app` already serves under `/api/v1`."""
    for path in PROGRAM_PATHS:
        app.add_api_route(f"/{path}/{{rest:path}}", _no_such_path, include_in_schema=False)
    add_charts_library(app)
    # Without Dash's own callback socket: nothing here uses it, and it would be a second door beside the API's.
    get_backend("fastapi").websocket_capability = False
    # Innermost: the gate has let the request pass before anything of it is read.
    app.user_middleware.append(Middleware(Reader))
    dash = _Dash(
        name="dashboard",
        server=app,
        backend="fastapi",
        title="Citywatch",
        update_title="",
        assets_folder=str(Path(__file__).parent / "assets"),
        pages_folder="",
        serve_locally=True,
        # The API's own middleware compresses; two layers would do it twice.
        compress=False,
        use_async=True,
        # Pages come by callback: without this every page would be inlined in every load.
        suppress_callback_exceptions=True,
        add_log_handler=False,
    )
    # Dash puts a layer of its own outermost, which reads bodies: nothing may stand before the API's gate.
    app.user_middleware.append(app.user_middleware.pop(0))
    # A function: the frame is made for each reader, in their language.
    dash.layout = lambda: shell(demo=settings.serve.demo)
    register_callbacks(dash, _client(app.state.in_process))
    add_public_page(app, _client(app.state.published))
    # Dash looks for assets and callbacks at the first request to `/`; a first request to another page would miss them.
    dash._setup_server()
    # Our own inline script sets the theme; Dash knows its own.
    app.user_middleware.append(Middleware(Policy, hashes=lambda: (script_hash(THEME_FIRST), *dash.csp_hashes())))
