"""`/api/v1/live/events`: the live feed as server-sent events, where a proxy or a client knows no WebSocket.

The same messages as over the WebSocket: each event is named by its `type`, its data is the message, its id the `seq`.
A browser that reconnects sends the last id by itself and resumes there.
"""

import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from orjson import loads
from starlette.responses import Response

from api.context import BBoxDep, DomainQuery, Identifier, PrincipalDep
from api.live import RECHECK, is_still
from api.live_hub import Client, Hub
from api.live_seats import Seats
from api.live_shape import Shape, View
from api.permissions import Allow, Permission
from api.principal import Principal
from api.problems import ProblemError
from api.version import PREFIX

# Not in the OpenAPI document, nor is the WebSocket: an answer without an end is none that a contract can be tried on.
events_router = APIRouter(prefix=PREFIX, tags=["live"], dependencies=[Allow(Permission.READ)], include_in_schema=False)


@events_router.get("/live/events")
async def live_events(
    request: Request,
    principal: PrincipalDep,
    bbox: BBoxDep,
    views: Annotated[list[View], Query(min_length=1, description="summary, alerts, latest; may be repeated")],
    domain: DomainQuery = None,
    device_id: Annotated[Identifier | None, Query(description="device")] = None,
    last: Annotated[int | None, Header(alias="Last-Event-ID", description="the last id seen")] = None,
) -> Response:
    """Send what changes, until the client goes."""
    hub: Hub = request.app.state.hub
    seats: Seats = request.app.state.seats
    if hub.full or seats.full(principal):
        raise ProblemError(503, "too-many-clients", "there is room for no more live clients just now")
    shape = Shape(frozenset(views), domain, bbox, device_id, principal.limits)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(request, principal, shape, last), headers=headers, media_type="text/event-stream")


async def _events(request: Request, principal: Principal, shape: Shape, last: int | None) -> AsyncIterator[str]:
    hub: Hub = request.app.state.hub
    seats: Seats = request.app.state.seats
    client, checked = Client(), time.monotonic()
    hub.join(client)
    try:
        with seats.sit(principal):
            hub.subscribe(client, shape, last)
            while True:
                text = await client.queue.get()
                told = loads(text)
                yield f"event: {told['type']}\nid: {told['seq']}\ndata: {text}\n\n"
                # Heartbeats come anyway, so this comes up about as often as it should.
                if time.monotonic() - checked > RECHECK:
                    checked = time.monotonic()
                    if not await is_still(request, principal):
                        return
    finally:
        hub.leave(client)
