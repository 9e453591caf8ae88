"""What is out of service while somebody works on it: its alerts are kept, but call nobody."""

from typing import Annotated

import asyncpg
from fastapi import APIRouter, Path, Query, Response

from api.answer import answer, rows
from api.context import ActorDep, AddressDep, NowDep, PoolDep, PrincipalDep, WholePoolDep, refuse_limited
from api.permissions import Allow, Permission
from api.problems import ProblemError, responses
from api.version import PREFIX
from api.work_schemas import Maintenance, MaintenanceList
from citywatch.errors import AlertError
from rules.quiet import Place, end_window, take_out_of_service
from sql.queries import query

router = APIRouter(prefix=f"{PREFIX}/maintenance", tags=["maintenance"])
OPERATE = [Allow(Permission.OPERATE)]
PROBLEMS = responses(400, 403, 404, 409, 413, 422, 503)
MOST = 1000


@router.get("", response_model=MaintenanceList, responses=responses(422, 503), dependencies=[Allow(Permission.READ)])
async def list_maintenance(
    pool: PoolDep, now: NowDep, over: Annotated[bool, Query(description="those that are over too")] = False
) -> Response:
    """Maintenance windows, running, planned and, where asked for, past."""
    return answer({"items": rows(await pool.fetch(query("quiet", "windows"), now, over, MOST))})


@router.post("", response_model=MaintenanceList, responses=PROBLEMS, dependencies=OPERATE)
async def add_maintenance(
    pool: PoolDep,
    whole: WholePoolDep,
    actor: ActorDep,
    address: AddressDep,
    now: NowDep,
    principal: PrincipalDep,
    body: Maintenance,
) -> Response:
    """Take a device, a site, a district, or all that hangs on a tag out of service for a while."""
    place = Place(body.device_id, body.site_id, body.district_id, body.tag)
    if sum(each is not None for each in (place.device_id, place.site_id, place.district_id, place.tag)) != 1:
        raise ProblemError(409, "not-possible", "name a device, a site, a district or a tag, one of them")
    if place.tag is not None:
        await refuse_limited(principal)  # a tag has no place: it may hang on any device
    elif not await pool.fetchval(query("quiet", "place_exists"), *place.names()):
        raise ProblemError(404, "not-found", "there is no such device, site or district")
    async with whole.acquire() as connection:
        try:
            await take_out_of_service(
                connection, place, actor, now, body.starts_at or now, body.ends_at, body.reason, address
            )
        except asyncpg.ForeignKeyViolationError:
            raise ProblemError(404, "not-found", "there is no such device, site or district") from None
        except AlertError as error:
            raise ProblemError(409, "not-possible", str(error)) from None
    return answer({"items": rows(await pool.fetch(query("quiet", "windows"), now, False, MOST))})


@router.post("/{window_id}/end", response_model=MaintenanceList, responses=PROBLEMS, dependencies=OPERATE)
async def end_maintenance(
    pool: PoolDep,
    whole: WholePoolDep,
    actor: ActorDep,
    address: AddressDep,
    now: NowDep,
    window_id: Annotated[int, Path(ge=1, le=2**63 - 1, description="window_id")],
) -> Response:
    """End a window before its time; a planned one is taken back."""
    seen = await pool.fetch(query("quiet", "windows"), now, True, MOST)
    if window_id not in {row["window_id"] for row in seen}:
        raise ProblemError(404, "not-found", f"there is no maintenance window {window_id}")
    async with whole.acquire() as connection:
        try:
            await end_window(connection, window_id, actor, now, address)
        except AlertError as error:
            raise ProblemError(409, "not-possible", str(error)) from None
    return answer({"items": rows(await pool.fetch(query("quiet", "windows"), now, False, MOST))})
