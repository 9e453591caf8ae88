"""Calculated datastreams: formulas over datastreams that users set, with every version kept."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.answer import answer, rows
from api.calculation_schemas import CalculationBody, CalculationList, Name
from api.context import UNLIMITED, ActorDep, AddressDep, DeviceQuery, Identifier, NowDep, PoolDep, WholePoolDep
from api.permissions import Allow, Permission
from api.problems import ProblemError, not_found, responses
from api.version import PREFIX
from indicators.calculations import end_calculation, set_calculation
from indicators.errors import IndicatorError
from sql.connection import Pool
from sql.queries import query

router = APIRouter(prefix=f"{PREFIX}/calculations", tags=["meaning"])
CONFIGURE = [Allow(Permission.CONFIGURE), UNLIMITED]  # a formula may take the datastreams of the whole city
PROBLEMS = responses(400, 403, 404, 409, 413, 422, 503)
DevicePath = Annotated[Identifier, Path(description="device that carries the values", examples=["air-001"])]
NamePath = Annotated[Name, Path(description="observed property of the values", examples=["fine_share"])]


@router.get("", response_model=CalculationList, responses=responses(422, 503), dependencies=[Allow(Permission.READ)])
async def list_calculations(
    pool: PoolDep,
    device_id: DeviceQuery = None,
    ended: Annotated[bool, Query(description="versions that are no longer in force too")] = False,
) -> Response:
    """Calculated datastreams with their formula, inputs, and who set them and why."""
    return await _listed(pool, device_id, ended)


@router.put("/{device_id}/{property}", response_model=CalculationList, responses=PROBLEMS, dependencies=CONFIGURE)
async def put_calculation(
    whole: WholePoolDep,
    actor: ActorDep,
    address: AddressDep,
    now: NowDep,
    device_id: DevicePath,
    property: NamePath,
    body: CalculationBody,
    dry_run: Annotated[bool, Query(description="check everything and set nothing")] = False,
) -> Response:
    """Set a calculated datastream, or a new version of one; its units are checked. From the next period on it holds."""
    inputs = {name: (each.device_id, each.property) for name, each in body.inputs.items()}
    target = (device_id, property)
    async with whole.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        kept = False
        try:
            await set_calculation(
                connection, actor, now, target, body.formula, inputs, body.unit, body.every, body.reason, address
            )
            kept = not dry_run
        except IndicatorError as error:
            raise ProblemError(409, "not-possible", str(error)) from None
        finally:
            await (transaction.commit() if kept else transaction.rollback())
    return await _listed(whole, device_id, True)


@router.delete("/{device_id}/{property}", response_model=CalculationList, responses=PROBLEMS, dependencies=CONFIGURE)
async def delete_calculation(
    whole: WholePoolDep,
    actor: ActorDep,
    address: AddressDep,
    now: NowDep,
    device_id: DevicePath,
    property: NamePath,
) -> Response:
    """Have a datastream no longer calculated; its values and versions stay."""
    async with whole.acquire() as connection:
        if not await end_calculation(connection, actor, now, (device_id, property), address):
            raise not_found("calculation in force", f"{device_id} {property}")
    return await _listed(whole, device_id, True)


async def _listed(pool: Pool, device_id: str | None, ended: bool) -> Response:
    return answer({"items": rows(await pool.fetch(query("calculations", "list_calculations"), device_id, ended))})
