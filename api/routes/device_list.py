"""The registry written: one device by a form, thousands by a list; nobody overwrites what they have not seen."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.answer import answer
from api.context import (
    UNLIMITED,
    ActorDep,
    AddressDep,
    DistrictQuery,
    DomainQuery,
    Identifier,
    PoolDep,
    WholePoolDep,
)
from api.device_schemas import DeviceChange, DeviceNew, ListReport
from api.permissions import Allow, Permission
from api.problems import ProblemError, not_found, responses
from api.routes.device_care import profiles_of
from api.routes.devices import ProfileQuery, get_device
from api.schemas import Device
from api.version import PREFIX
from citywatch.errors import RegistryError
from devices.bulk import StaleError, import_devices, put_device, read_devices
from devices.device_file import write_lines
from devices.model import Domain
from sql.audit import audit
from sql.connection import Pool
from sql.queries import query

router = APIRouter(prefix=PREFIX, tags=["devices"])
CHANGE = [Allow(Permission.CONFIGURE), UNLIMITED]
CHANGES = responses(400, 401, 403, 404, 409, 412, 413, 422, 503)


def _domains(request: Request) -> dict[str, Domain]:
    return {key: profile.domain for key, profile in profiles_of(request).items()}


async def _shown(pool: Pool, device_id: str, status: int = 200) -> Response:
    shown = await get_device(pool, device_id)
    version = await pool.fetchval(query("devices", "version_of"), device_id)
    shown.headers["ETag"] = f'"{version}"'
    shown.status_code = status
    return shown


@router.post("/devices", status_code=201, response_model=Device, responses=CHANGES, dependencies=CHANGE)
async def register_device(
    request: Request, whole: WholePoolDep, actor: ActorDep, address: AddressDep, body: DeviceNew
) -> Response:
    """Register a device; 409 where something is wrong with it, every fault named, or it is registered already."""
    given = body.model_dump(exclude_unset=True, exclude={"device_id"})
    try:
        async with whole.acquire() as connection, connection.transaction():
            await put_device(connection, body.device_id, given, _domains(request), version=None)
            await audit(connection, actor, "device.create", f"device/{body.device_id}", given, address)
    except RegistryError as error:
        raise ProblemError(409, "not-possible", str(error)) from None
    return await _shown(whole, body.device_id, 201)


@router.patch("/devices/{device_id}", response_model=Device, responses=CHANGES, dependencies=CHANGE)
async def change_device(
    request: Request,
    whole: WholePoolDep,
    actor: ActorDep,
    address: AddressDep,
    device_id: Annotated[Identifier, Path(description="device", examples=["bin-0017"])],
    if_match: Annotated[
        str, Header(alias="If-Match", pattern=r'^"[1-9][0-9]{0,8}"$', description='"version", as the device says it')
    ],
    body: DeviceChange,
) -> Response:
    """Change a device that is still at the version that you saw; 412 where somebody changed it since."""
    given = body.model_dump(exclude_unset=True)
    try:
        async with whole.acquire() as connection, connection.transaction():
            if await connection.fetchval(query("devices", "version_of"), device_id) is None:
                raise not_found("device", device_id)
            await put_device(connection, device_id, given, _domains(request), version=int(if_match.strip('"')))
            await audit(connection, actor, "device.change", f"device/{device_id}", given, address)
    except StaleError as error:
        raise ProblemError(412, "changed-since", str(error)) from None
    except RegistryError as error:
        raise ProblemError(409, "not-possible", str(error)) from None
    return await _shown(whole, device_id)


@router.post("/device-list", response_model=ListReport, responses=CHANGES, dependencies=CHANGE)
async def import_list(
    request: Request,
    whole: WholePoolDep,
    actor: ActorDep,
    address: AddressDep,
    dry_run: Annotated[bool, Query(description="do everything and take it back")] = False,
) -> Response:
    """Register and change the devices of a list: the body is the CSV that `GET` gives and `devices import`
    takes. With a single fault nothing is changed; `faults` names every one by line, column, value and limit."""
    content = await request.body()
    try:
        async with whole.acquire() as connection, connection.transaction():
            report = await import_devices(connection, content, _domains(request), dry_run=dry_run)
            if (report.new or report.changed) and not dry_run:
                counts = {"new": report.new, "changed": report.changed}
                await audit(connection, actor, "devices.import", "devices", counts, address)
    except RegistryError as error:
        raise ProblemError(409, "not-possible", str(error)) from None
    return answer({**asdict(report), "unchanged": report.unchanged})


@router.get(
    "/device-list",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}, "description": "CSV, header first"}, **responses(422, 503)},
    dependencies=[Allow(Permission.READ)],
)
async def export_list(
    pool: PoolDep, domain: DomainQuery = None, district_id: DistrictQuery = None, profile: ProfileQuery = None
) -> Response:
    """The devices as a CSV list, to be edited and given back; with versions, so that nobody is overwritten."""
    async with pool.acquire() as connection:
        found = [one async for one in read_devices(connection, domain=domain, district_id=district_id, profile=profile)]

    async def parts() -> AsyncIterator[str]:
        for part in write_lines(found):
            yield part

    return StreamingResponse(
        parts(), media_type="text/csv", headers={"Content-Disposition": 'attachment; filename="devices.csv"'}
    )
