"""Messages over HTTP: for network servers that push webhooks, and devices that speak no MQTT."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from api.answer import encode
from api.broker_link import BrokerLink
from api.context import UNLIMITED, Identifier, SettingsDep
from api.device_schemas import IngestTaken
from api.permissions import Allow, Permission
from api.problems import ProblemError, responses
from api.version import PREFIX
from citywatch.errors import BrokerError
from citywatch.settings import Settings
from devices.envelopes.network_server import WEBHOOK
from ingest.routes import NATIVE, WEBHOOKS

# A message names its device itself: who may send one may send for any.
router = APIRouter(prefix=f"{PREFIX}/ingest", tags=["ingest"], dependencies=[Allow(Permission.CONFIGURE), UNLIMITED])
PROBLEMS = responses(400, 403, 404, 413, 422, 503)


async def _hand_over(request: Request, settings: Settings, topic: str) -> Response:
    """Publish the body, and answer 202 once the broker has it; raise ProblemError 503 where it has not."""
    payload = await request.body()
    link: BrokerLink | None = getattr(request.app.state, "broker_link", None)
    if link is None:
        link = request.app.state.broker_link = BrokerLink(settings)
    try:
        await link.publish(topic, payload)
    except BrokerError as error:
        raise ProblemError(503, "broker-unavailable", str(error)) from None
    body = encode({"topic": topic, "bytes": len(payload)})
    return Response(body, 202, media_type="application/json")


@router.post("/devices/{device_id}", status_code=202, response_model=IngestTaken, responses=PROBLEMS)
async def ingest_from_device(
    request: Request,
    settings: SettingsDep,
    device_id: Annotated[Identifier, Path(description="device", examples=["bin-0017"])],
) -> Response:
    """One message of a registered device, as it would publish it: native JSON, a pack or SenML.

    A payload that states another id is rejected, with the reason kept.
    """
    return await _hand_over(request, settings, NATIVE.replace("{device_id}", device_id))


@router.post("/webhooks/{envelope}", status_code=202, response_model=IngestTaken, responses=PROBLEMS)
async def ingest_webhook(
    request: Request,
    settings: SettingsDep,
    envelope: Annotated[Literal[WEBHOOKS], Path(description="who speaks")],  # type: ignore[valid-type]
    event: Annotated[
        str | None, Query(max_length=40, description="ChirpStack names the kind of event here; the message says it too")
    ] = None,
) -> Response:
    """One message of a network server's webhook; the device is the one that the message names."""
    del event
    return await _hand_over(request, settings, WEBHOOK.format(envelope))
