"""Calibration records: what a device was held against, when, and what came of it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.answer import answer, rows
from api.context import ActorDep, AddressDep, NowDep, PoolDep, WholePoolDep
from api.paging import Cursor, Limit, decode_cursor, encode_cursor
from api.permissions import Allow, Permission
from api.plain import Name, Note, Word
from api.problems import ProblemError, responses
from api.routes.device_care import DevicePath, refuse_unseen
from api.schemas import Instant, Page
from api.version import PREFIX
from sql.audit import audit
from sql.queries import query

router = APIRouter(prefix=PREFIX, tags=["city"])
READ, OPERATE = [Allow(Permission.READ)], [Allow(Permission.OPERATE)]
READS = responses(404, 422, 503)
CHANGES = responses(400, 403, 404, 409, 412, 413, 422, 503)
# Strict: `false` is no number.
Number = Annotated[float, Field(strict=True)]


class CalibrationWritten(BaseModel):
    """Body of `POST /api/v1/devices/{device_id}/calibrations`: what was held against what, and what came of it."""

    model_config = ConfigDict(extra="forbid")

    property: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")] = Field(examples=["pm2_5"])
    calibrated_at: Instant
    reference: Name = Field(description="what it was held against", examples=["reference station, 24 h mean"])
    result: Number | None = Field(None, description="what the device said, in the property's unit")
    expected: Number | None = Field(None, description="what the reference said")
    gain: Number | None = Field(None, description="set in the device since")
    zero: Number | None = Field(None, description="set in the device since, in the property's unit")
    certificate: Word | None = None
    valid_until: Instant | None = None
    note: Note = ""


class Calibration(CalibrationWritten):
    """One record; it is never changed."""

    calibration_id: int
    device_id: str
    recorded_at: datetime
    recorded_by: str


class CalibrationPage(Page):
    """A page of calibration records of a device, the one recorded last first."""

    items: list[Calibration]


@router.get("/devices/{device_id}/calibrations", response_model=CalibrationPage, responses=READS, dependencies=READ)
async def list_calibrations(
    pool: PoolDep, device_id: DevicePath, cursor: Cursor = None, limit: Limit = 100
) -> Response:
    """A device's calibration records, the one recorded last first."""
    await refuse_unseen(pool, device_id)
    (before,) = decode_cursor(cursor, int)
    found = rows(await pool.fetch(query("places", "calibrations"), device_id, None, before, limit + 1))
    page = found[:limit]
    more = encode_cursor(page[-1]["calibration_id"]) if len(found) > limit else None
    return answer({"items": page, "next_cursor": more})


@router.post(
    "/devices/{device_id}/calibrations",
    status_code=201,
    response_model=Calibration,
    responses=CHANGES,
    dependencies=OPERATE,
)
async def record_calibration(
    pool: PoolDep,
    whole: WholePoolDep,
    actor: ActorDep,
    address: AddressDep,
    now: NowDep,
    device_id: DevicePath,
    body: CalibrationWritten,
) -> Response:
    """Record that a device was held against a reference. A record stays as it is; a mistake is told by another one."""
    await refuse_unseen(pool, device_id)
    if body.calibrated_at > now:
        raise ProblemError(409, "not-possible", f"calibrated_at: {body.calibrated_at.isoformat()} is still to come")
    async with whole.acquire() as connection, connection.transaction():
        values = (getattr(body, name) for name in CalibrationWritten.model_fields)
        record = query("places", "record_calibration")
        property_name, *rest = values
        number = await connection.fetchval(record, device_id, property_name, *rest, now, actor)
        made = await connection.fetchrow(query("places", "calibrations"), device_id, number, None, 1)
        detail = {"property": property_name, "calibration_id": number}
        await audit(connection, actor, "calibration.record", f"device/{device_id}", detail, address)
    shown = answer(dict(made or {}))
    shown.status_code = 201
    return shown
