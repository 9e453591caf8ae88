"""Looking after devices: their accounts at the broker, commands to them, and taking strangers in."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from api.answer import answer
from api.context import (
    UNLIMITED,
    ActorDep,
    AddressDep,
    DeviceQuery,
    Identifier,
    NowDep,
    PoolDep,
    SettingsDep,
    WholePoolDep,
)
from api.device_schemas import (
    Adopted,
    Adoption,
    Claim,
    Command,
    CommandPage,
    CommandRequest,
    CommandState,
    CredentialShown,
    CredentialState,
    StrangerList,
)
from api.once import SHOWN_ONCE
from api.paging import Cursor, Limit, decode_cursor, encode_cursor
from api.permissions import Allow, Permission
from api.problems import ProblemError, not_found, responses
from api.version import PREFIX
from citywatch.errors import BrokerError, RegistryError, SettingsError
from citywatch.telemetry import get_logger
from devices.broker_admin import BrokerAdmin
from devices.commands import create_command, list_commands
from devices.credentials import (
    Credential,
    broker_admin,
    check_claim,
    claim_credential,
    create_credentials,
    list_credentials,
    revoke_credentials,
)
from devices.profile_store import ProfileStore
from devices.profiles import BUILTIN, Profile
from devices.quarantine import list_strangers, register_stranger
from ingest.replay import ReplayCounts, replay_rejected
from sql.connection import Connection, Pool
from sql.queries import query

log = get_logger()
router = APIRouter(prefix=PREFIX, tags=["devices"])
READ, OPERATE = [Allow(Permission.READ)], [Allow(Permission.OPERATE)]
CONFIGURE, INSPECT = [Allow(Permission.CONFIGURE)], [Allow(Permission.INSPECT)]
PUBLIC = [Allow(Permission.PUBLIC)]
CHANGES = responses(400, 401, 403, 404, 409, 413, 422, 503)
DevicePath = Annotated[Identifier, Path(description="device", examples=["bin-0017"])]
_Answer = TypeVar("_Answer")


def profiles_of(request: Request) -> dict[str, Profile]:
    """Return the device types in force, files that changed included."""
    store: ProfileStore | None = getattr(request.app.state, "profiles", None)
    if store is None:
        store = request.app.state.profiles = ProfileStore(BUILTIN, *request.app.state.settings.devices.folders)
    store.reload_if_changed()
    return dict(store.profiles)


async def _at_broker(
    request: Request, pool: Pool, act: Callable[[Connection, BrokerAdmin], Awaitable[_Answer]]
) -> _Answer:
    """Return what `act` does with the store and the broker's accounts; raise ProblemError 409 or 503."""
    context = broker_admin(request.app.state.settings)
    turn: asyncio.Semaphore = request.app.state.broker_turn
    await turn.acquire()
    try:
        admin = await asyncio.to_thread(context.__enter__)
        try:
            async with pool.acquire() as connection:
                return await act(connection, admin)
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)
    except (SettingsError, RegistryError) as error:
        raise ProblemError(409, "not-possible", str(error)) from None
    except BrokerError as error:
        raise ProblemError(503, "broker-unavailable", str(error)) from None
    finally:
        turn.release()


async def refuse_unseen(pool: Pool, device_id: str) -> None:
    """Raise ProblemError 404 where the caller sees no such device."""
    if not await pool.fetchval("SELECT EXISTS (SELECT FROM device WHERE device_id = $1)", device_id):
        raise not_found("device", device_id)


def _shown(made: Credential) -> Response:
    shown = answer({"device_id": made.device_id, "username": made.device_id, "password": made.password})
    shown.headers["Cache-Control"] = SHOWN_ONCE
    return shown


@router.get(
    "/devices/{device_id}/credential",
    response_model=CredentialState,
    responses=responses(404, 422, 503),
    dependencies=CONFIGURE,
)
async def get_credential(pool: PoolDep, whole: WholePoolDep, device_id: DevicePath) -> Response:
    """Whether a device has an account at the broker, since when and from whom; never a secret."""
    await refuse_unseen(pool, device_id)
    async with whole.acquire() as connection:
        found = await list_credentials(connection, device_id)
    if not found:
        raise not_found("credential", device_id)
    return answer(asdict(found[0]))


@router.post(
    "/devices/{device_id}/credential", response_model=CredentialShown, responses=CHANGES, dependencies=CONFIGURE
)
async def create_credential(
    request: Request,
    pool: PoolDep,
    whole: WholePoolDep,
    actor: ActorDep,
    now: NowDep,
    address: AddressDep,
    device_id: DevicePath,
    rotate: Annotated[bool, Query(description="replace the one it has; who is connected with it is cut off")] = False,
) -> Response:
    """Give a device an account at the broker, bound to its own branch. The password is shown this once."""
    await refuse_unseen(pool, device_id)

    async def act(connection: Connection, admin: BrokerAdmin) -> list[Credential]:
        return await create_credentials(
            connection, admin, [device_id], actor=actor, now=now, rotate=rotate, address=address
        )

    return _shown((await _at_broker(request, whole, act))[0])


@router.delete(
    "/devices/{device_id}/credential",
    status_code=204,
    responses=CHANGES,
    dependencies=CONFIGURE,
    response_class=Response,
)
async def revoke_credential(
    request: Request,
    pool: PoolDep,
    whole: WholePoolDep,
    actor: ActorDep,
    now: NowDep,
    address: AddressDep,
    device_id: DevicePath,
) -> Response:
    """Take a device's account away; if it is connected it is cut off at once."""
    await refuse_unseen(pool, device_id)

    async def act(connection: Connection, admin: BrokerAdmin) -> list[str]:
        return await revoke_credentials(connection, admin, [device_id], actor=actor, now=now, address=address)

    await _at_broker(request, whole, act)
    return Response(status_code=204)


@router.post("/claims", response_model=CredentialShown, responses=CHANGES, dependencies=PUBLIC)
async def claim(request: Request, whole: WholePoolDep, now: NowDep, address: AddressDep, body: Claim) -> Response:
    """A device claims its own account with its fleet's key; that key, and nothing else, is what lets it."""

    try:
        async with whole.acquire() as connection:
            await check_claim(connection, body.device_id, body.key, now=now)  # before the broker is troubled
    except RegistryError as error:
        raise ProblemError(409, "not-possible", str(error)) from None

    async def act(connection: Connection, admin: BrokerAdmin) -> Credential:
        return await claim_credential(connection, admin, body.device_id, body.key, now=now, address=address)

    return _shown(await _at_broker(request, whole, act))


@router.post("/devices/{device_id}/commands", response_model=Command, responses=CHANGES, dependencies=OPERATE)
async def send_command(
    request: Request,
    pool: PoolDep,
    whole: WholePoolDep,
    settings: SettingsDep,
    actor: ActorDep,
    now: NowDep,
    address: AddressDep,
    device_id: DevicePath,
    body: CommandRequest,
) -> Response:
    """Queue a command for a device; it is sent at once, and what becomes of it is kept."""
    await refuse_unseen(pool, device_id)
    lasts = timedelta(seconds=body.expires_in_seconds)
    try:
        async with whole.acquire() as connection:
            made = await create_command(
                connection, profiles_of(request), settings.devices.downlinks, device_id, body.name, body.arguments,
                lasts=lasts, actor=actor, now=now, address=address,
            )  # fmt: skip
    except RegistryError as error:
        raise ProblemError(409, "not-possible", str(error)) from None
    return answer(asdict(made))


@router.get("/commands", response_model=CommandPage, responses=responses(404, 422, 503), dependencies=READ)
async def list_all_commands(
    pool: PoolDep,
    device_id: DeviceQuery = None,
    state: Annotated[CommandState | None, Query(description="where it stands")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """Commands and what became of them, the newest first."""
    at, after = decode_cursor(cursor, datetime, str)
    try:
        before = (at, UUID(after)) if isinstance(at, datetime) and isinstance(after, str) else None
    except ValueError:
        raise ProblemError(404, "no-such-page", "cursor: not one that this list gave out") from None
    async with pool.acquire() as connection:
        found = await list_commands(connection, device_id=device_id, state=state, before=before, limit=limit + 1)
    page = found[:limit]
    last = page[-1] if len(found) > limit else None
    more = None if last is None else encode_cursor(last.created_at, str(last.command_id))
    return answer({"items": [asdict(one) for one in page], "next_cursor": more})


@router.get("/commands/{command_id}", response_model=Command, responses=responses(404, 422, 503), dependencies=READ)
async def get_command(pool: PoolDep, command_id: Annotated[UUID, Path(description="command")]) -> Response:
    """One command and where it stands."""
    async with pool.acquire() as connection:
        found = await list_commands(connection, command_id=command_id)
    if not found:
        raise not_found("command", command_id)
    return answer(asdict(found[0]))


@router.get("/quarantine", response_model=StrangerList, responses=responses(422, 503), dependencies=INSPECT)
async def list_quarantine(
    pool: PoolDep,
    limit: Annotated[int, Query(ge=1, le=1000, description="how many at most")] = 100,
) -> Response:
    """Devices that send and that nobody registered. Their messages are kept. A limited account sees none: they have no
    place yet."""
    async with pool.acquire() as connection:
        found = await list_strangers(connection, limit=limit)
    items: list[dict[str, Any]] = []
    for one in found:
        entry = asdict(one)
        entry["payload_text"] = entry.pop("payload").decode("utf-8", "backslashreplace")[:4000]
        items.append(entry)
    return answer({"items": items})


@router.post(
    "/quarantine/{device_id}/adopt",
    response_model=Adopted,
    responses=CHANGES,
    dependencies=[*CONFIGURE, UNLIMITED],
)
async def adopt_stranger(
    request: Request,
    whole: WholePoolDep,
    settings: SettingsDep,
    actor: ActorDep,
    address: AddressDep,
    device_id: DevicePath,
    body: Adoption,
) -> Response:
    """Register a device that sends already, and decode what was kept of it from the start."""
    profile = profiles_of(request).get(body.profile)
    if profile is None:
        raise ProblemError(409, "not-possible", f"there is no profile {body.profile!r}")
    async with whole.acquire() as connection:
        if not await connection.fetchval(query("devices", "is_kept"), device_id):
            raise not_found("device in quarantine", device_id)
        entry = body.model_dump() | {"device_id": device_id, "expected_interval": profile.expected_interval}
        entry["domain"] = body.domain or profile.domain
        try:
            await register_stranger(connection, entry, actor=actor, address=address)
        except RegistryError as error:
            raise ProblemError(409, "not-possible", str(error)) from None
    counts, fault = ReplayCounts(), None
    try:
        # On a loop of its own: decoding thousands of messages must not hold up everybody else's requests.
        counts = await asyncio.to_thread(asyncio.run, replay_rejected(settings, device_id=device_id))
    except Exception as error:
        log.exception("replay_failed", device_id=device_id)
        fault = f"the messages stay kept, to be played with `citywatch rejected replay`: {type(error).__name__}"
    told = {name: getattr(counts, name) for name in ("played", "mended", "still", "stored")}
    return answer({"device_id": device_id, **told, "fault": fault})
