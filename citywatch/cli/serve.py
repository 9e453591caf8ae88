"""`citywatch serve`: the API and the dashboard in one process, on one port."""

import asyncio
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import asyncpg
import uvicorn
from fastapi import FastAPI

from api.identity.accounts import FIRST_NAME, any_account, ensure_admin
from citywatch.cli.process import run_process
from citywatch.errors import CitywatchError, StoreError
from citywatch.local.running import store_dsn
from citywatch.setting_groups import ServeSettings
from citywatch.settings import Settings
from citywatch.telemetry import get_logger
from sql.retry import PASSING, insist

log = get_logger()

LIVE_MESSAGE = 64 * 1024  # bytes a live client may send at once
LAST_WORDS = 5  # seconds that open answers get when stopping


class _Server(uvicorn.Server):
    """A server that leaves signals to `run_process`."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _listen(settings: ServeSettings) -> socket.socket:
    """Return the listening socket; raise CitywatchError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=512)
    except OSError as error:
        raise CitywatchError(
            f"cannot listen on {settings.host} port {settings.port} ({error.strerror}): "
            "stop what does, or set CITYWATCH_SERVE__PORT"
        ) from None


async def serve_app(application: FastAPI, listening: socket.socket, stop: asyncio.Event) -> None:
    """Serve `application` on a listening socket until `stop`; raise CitywatchError if it does not start."""
    serve: ServeSettings = application.state.settings.serve
    application.state.stop = stop
    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        server_header=False,
        # A proxy of ours may say whom it asks for; without a public address there is none.
        proxy_headers=serve.public_url is not None,
        forwarded_allow_ips=serve.proxies,
        ssl_certfile=serve.tls_certificate,
        ssl_keyfile=serve.tls_key,
        ws="websockets-sansio",
        ws_max_size=LIVE_MESSAGE,
        lifespan="on",
        timeout_graceful_shutdown=LAST_WORDS,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listening]), name="uvicorn")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        stopping.cancel()
    if not server.started:
        raise CitywatchError("the server did not start: see the log")


async def first_admin(dsn: str) -> str | None:
    """Make the first account where there is none, and return what to tell its owner, once."""
    connection = await asyncpg.connect(dsn)
    try:
        password = await ensure_admin(connection)
    finally:
        await connection.close()
    if password is None:
        return None
    return f"First start: sign in as {FIRST_NAME} with the one-time password {password} (shown once, to be changed)"


async def greet(settings: Settings) -> None:
    """See that the store is there, and who can sign in where people do. Raises StoreError if the store refuses.

    The first account's password is shown on the terminal of who starts us, and nowhere else: what a container or a
    service writes is kept in logs.
    """
    dsn = store_dsn(settings)
    try:
        connection = await asyncpg.connect(dsn)
        try:
            nobody = not settings.serve.demo and not await any_account(connection)
        finally:
            await connection.close()
        if nobody and sys.stdout.isatty():
            print(await first_admin(dsn), flush=True)
        elif nobody:
            log.warning("serve_without_accounts", make_one="citywatch accounts add NAME --role admin")
    except PASSING:
        raise
    except asyncpg.PostgresError as error:
        raise StoreError(f"the store refuses: {error}") from error


async def serve_process(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set; a store that is away at the start is waited for."""
    if not await insist(partial(greet, settings), stop):
        return
    # Here and not above: every other command would carry the dashboard's 45 MB with it.
    from api.app import create_app
    from dashboard.app import mount

    application = create_app(settings)
    mount(application, settings)
    with _listen(settings.serve) as listening:
        host, port = listening.getsockname()[:2]
        log.info("serve_started", host=host, port=port, demo=settings.serve.demo)
        if settings.serve.demo:
            log.warning("serve_demo", meaning="no sign-in: everybody on this machine may act")
        await serve_app(application, listening, stop)
    log.info("serve_stopped")


def serve() -> None:
    """Serve the API (and the dashboard) until stopped.

    Example: `CITYWATCH_SERVE__PORT=8050 citywatch serve`
    """
    run_process("serve", serve_process, reports=True)
