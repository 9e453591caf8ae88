"""`/api/v1/live`: one WebSocket for everything that changes.

The client sends `{"subscribe": {"views": ["summary", "alerts", "latest"], "domain": .., "bbox": .., "device_id": ..},
"resume": seq}`; only `views` is required. The server sends, each with `type` and `seq`:

- `subscribed`: from here on every change is sent. Read the present by REST now. `resumed`: nothing was missed.
- `delta`: `alerts`, `latest`, `summary`, each only if it changed, in the shapes of REST.
- `resync`: changes were dropped (`reason`); read the present by REST again.
- `heartbeat`: every 15 s; its `seq` is good for `resume`.
- `error`: the last message was not understood (`detail`); the subscription stands.
"""

import asyncio

from fastapi import APIRouter, WebSocket
from pydantic import ValidationError
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocketDisconnect, WebSocketState

from api.gate import Identify
from api.live_hub import Client, Hub
from api.live_seats import Seats
from api.live_shape import Request, Shape, message
from api.permissions import Allow, Permission
from api.principal import Limits, Principal
from api.problems import UNREACHABLE, ProblemError
from api.rate import Buckets
from api.version import PREFIX

live_router = APIRouter(prefix=PREFIX, tags=["live"], dependencies=[Allow(Permission.READ)])

SEND_PATIENCE = 30.0  # seconds one message may take to leave before the client is given up
MAX_ERRORS = 10
SUBSCRIPTIONS = 10  # that one socket may make at once; then one a second
RECHECK = 15.0  # seconds after which a session that has ended is noticed
TRY_LATER, UNSUPPORTED = 1013, 1003


async def _receive(socket: WebSocket, hub: Hub, client: Client, limits: Limits | None) -> None:
    """Take subscriptions until the client goes or talks nonsense too often."""
    errors, bucket = 0, Buckets(rate=1, burst=SUBSCRIPTIONS)
    while errors < MAX_ERRORS:
        text = await socket.receive_text()
        # Each may send a city's worth of changes again: who asks too often waits, and what they say waits with them.
        if wait := bucket.take(""):
            await asyncio.sleep(wait)
            bucket.take("")
        try:
            request = Request.model_validate_json(text)
        except ValidationError as error:
            errors += 1
            detail = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            client.offer(message("error", seq=0, detail=detail[:1000]), 0)
            continue
        hub.subscribe(client, Shape.of(request.subscribe, limits), request.resume)
    await socket.close(UNSUPPORTED)


async def _send(socket: WebSocket, client: Client) -> None:
    """Send what waits, one at a time: a slow client holds up nobody but itself."""
    while True:
        text = await client.queue.get()
        async with asyncio.timeout(SEND_PATIENCE):
            await socket.send_text(text)


async def is_still(connection: HTTPConnection, principal: Principal) -> bool:
    """Return whether the client is who it was: not signed out, disabled, expired, or given other rights."""
    identify: Identify = connection.app.state.identify
    try:
        return await identify(connection) == principal
    except UNREACHABLE:
        return True
    except ProblemError:
        return False


async def _watch(socket: WebSocket, principal: Principal) -> None:
    """Return when the client is no longer who it was."""
    while True:
        await asyncio.sleep(RECHECK)
        if not await is_still(socket, principal):
            return


@live_router.websocket("/live")
async def live(socket: WebSocket) -> None:
    """Serve one client until it goes."""
    hub: Hub = socket.app.state.hub
    await socket.accept()
    principal: Principal = socket.scope["citywatch.principal"]
    seats: Seats = socket.app.state.seats
    if hub.full or seats.full(principal):
        await socket.close(TRY_LATER)
        return
    with seats.sit(principal):
        await _serve(socket, hub, principal)


async def _serve(socket: WebSocket, hub: Hub, principal: Principal) -> None:
    client = Client()
    hub.join(client)
    tasks = [
        asyncio.create_task(_receive(socket, hub, client, principal.limits), name="live receive"),
        asyncio.create_task(_send(socket, client), name="live send"),
        asyncio.create_task(_watch(socket, principal), name="live watch"),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        hub.leave(client)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        # Gone, stalled, or sent bytes where text was asked for: how sockets end. Anything else is a fault of ours.
        ended = (WebSocketDisconnect, asyncio.CancelledError, TimeoutError, KeyError)
        if isinstance(result, BaseException) and not isinstance(result, ended):
            raise result
    if socket.client_state is WebSocketState.CONNECTED and socket.application_state is WebSocketState.CONNECTED:
        await socket.close(TRY_LATER)
