"""Accounts and keys over HTTP, for administrators of the whole city; what `citywatch accounts` does on the machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.answer import answer, rows
from api.context import UNLIMITED, ActorDep, AddressDep, PrincipalDep, WholePoolDep
from api.identity import accounts
from api.once import SHOWN_ONCE
from api.people_schemas import (
    AccountChange,
    AccountEntries,
    AccountName,
    ApiKeyEntries,
    ApiKeyShown,
    NewAccount,
    NewApiKey,
    OneTimePassword,
)
from api.permissions import Allow, Permission
from api.principal import Principal
from api.problems import ProblemError, not_found, responses
from api.version import PREFIX
from citywatch.errors import AccountError
from sql.connection import Connection
from sql.queries import query

router = APIRouter(prefix=PREFIX, tags=["accounts"], dependencies=[Allow(Permission.ADMINISTER), UNLIMITED])
CHANGES = responses(400, 404, 409, 413, 422, 503)
NamePath = Annotated[AccountName, Path(description="account", examples=["ada"])]
KeyPath = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$", description="key", examples=["0a1b2c3d4e5f"])]


@contextmanager
def possible() -> Iterator[None]:
    """Turn what an account refuses into an answer: 409, in its words."""
    try:
        yield
    except AccountError as error:
        raise ProblemError(409, "not-possible", str(error)) from None


async def _known(connection: Connection, name: str, principal: Principal | None = None) -> None:
    """Raise ProblemError 404 for no account, 409 where it is that of `principal`: nobody shuts themselves out."""
    found = await connection.fetchrow(query("identity", "account_by_name"), name)
    if found is None:
        raise not_found("account", name)
    if principal is not None and found["account_id"] == principal.account_id:
        raise ProblemError(409, "own-account", "your own role and access are changed by another administrator")


def secret_answer(body: object) -> Response:
    """Return an answer that nobody keeps."""
    shown = answer(body)
    shown.headers["Cache-Control"] = SHOWN_ONCE
    return shown


@router.get("/accounts", response_model=AccountEntries, responses=responses(422, 503))
async def list_accounts(pool: WholePoolDep) -> Response:
    """Who may sign in, with which role and limits."""
    return answer({"items": rows(await pool.fetch(query("identity", "accounts")))})


@router.post("/accounts", response_model=OneTimePassword, responses=CHANGES)
async def add_account(pool: WholePoolDep, actor: ActorDep, address: AddressDep, body: NewAccount) -> Response:
    """Add an account. Its one-time password is shown this once."""
    with possible():
        async with pool.acquire() as connection:
            password = await accounts.add_account(
                connection, actor, body.name, body.role, body.districts, body.domains, address=address
            )
    return secret_answer({"name": body.name, "password": password})


@router.put("/accounts/{name}", status_code=204, response_class=Response, responses=CHANGES)
async def change_account(
    pool: WholePoolDep,
    principal: PrincipalDep,
    actor: ActorDep,
    address: AddressDep,
    name: NamePath,
    body: AccountChange,
) -> Response:
    """Give an account a role and limits; they hold from its next request on."""
    async with pool.acquire() as connection:
        await _known(connection, name, principal)
        with possible():
            await accounts.set_account(
                connection, actor, name, body.role, body.districts, body.domains, address=address
            )
    return Response(status_code=204)


@router.post("/accounts/{name}/disable", status_code=204, response_class=Response, responses=CHANGES)
async def disable_account(
    pool: WholePoolDep, principal: PrincipalDep, actor: ActorDep, address: AddressDep, name: NamePath
) -> Response:
    """Shut an account out: its sessions and keys end now."""
    async with pool.acquire() as connection:
        await _known(connection, name, principal)
        await accounts.enable_account(connection, actor, name, able=False, address=address)
    return Response(status_code=204)


@router.post("/accounts/{name}/enable", status_code=204, response_class=Response, responses=CHANGES)
async def enable_account(pool: WholePoolDep, actor: ActorDep, address: AddressDep, name: NamePath) -> Response:
    """Let a disabled account in again."""
    async with pool.acquire() as connection:
        await _known(connection, name)
        await accounts.enable_account(connection, actor, name, able=True, address=address)
    return Response(status_code=204)


@router.post("/accounts/{name}/reset", response_model=OneTimePassword, responses=CHANGES)
async def reset_password(
    pool: WholePoolDep, principal: PrincipalDep, actor: ActorDep, address: AddressDep, name: NamePath
) -> Response:
    """Give somebody who lost their password a new one, shown this once; their sessions end."""
    async with pool.acquire() as connection:
        await _known(connection, name, principal)
        with possible():
            password = await accounts.reset_password(connection, actor, name, address=address)
    return secret_answer({"name": name, "password": password})


@router.get("/keys", response_model=ApiKeyEntries, responses=responses(422, 503))
async def list_keys(pool: WholePoolDep) -> Response:
    """Keys that were not revoked, without their secrets."""
    return answer({"items": rows(await pool.fetch(query("identity", "keys")))})


@router.post("/accounts/{name}/keys", response_model=ApiKeyShown, responses=CHANGES)
async def add_key(
    pool: WholePoolDep, actor: ActorDep, address: AddressDep, name: NamePath, body: NewApiKey
) -> Response:
    """Make a key for an account: at most its role, within its limits, and expiring. Shown this once."""
    async with pool.acquire() as connection:
        await _known(connection, name)
        with possible():
            made = await accounts.add_key(
                connection, actor, name, body.label, timedelta(days=body.days), body.role, body.districts,
                body.domains, address=address,
            )  # fmt: skip
    return secret_answer({"key_id": made.key_id, "key": made.text, "expires_at": made.expires_at})


@router.delete("/keys/{key_id}", status_code=204, response_class=Response, responses=CHANGES)
async def revoke_key(pool: WholePoolDep, actor: ActorDep, address: AddressDep, key_id: KeyPath) -> Response:
    """End a key now."""
    async with pool.acquire() as connection:
        try:
            await accounts.revoke_key(connection, actor, key_id, address=address)
        except AccountError:
            raise not_found("key in use", key_id) from None
    return Response(status_code=204)
