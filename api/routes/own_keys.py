"""One's own API keys over HTTP: seen, made and ended by whoever has signed in, without an administrator."""

from datetime import timedelta

from fastapi import APIRouter, Response

from api.answer import answer, rows
from api.context import AddressDep, PrincipalDep, WholePoolDep
from api.identity import accounts
from api.people_schemas import ApiKeyEntries, ApiKeyShown, NewApiKey
from api.permissions import Allow, Permission
from api.principal import Principal
from api.problems import ProblemError, not_found, responses
from api.routes.people import CHANGES, KeyPath, possible, secret_answer
from api.version import PREFIX
from sql.queries import query

router = APIRouter(prefix=PREFIX, tags=["identity"], dependencies=[Allow(Permission.OWN)])


def _signed_in(principal: Principal) -> None:
    """Raise ProblemError unless a person has signed in for good: what got hold of a key must not outlive it."""
    if principal.kind != "session" or principal.must_change_password:
        raise ProblemError(409, "not-possible", "keys are made and ended by a person who has signed in, not by a key")


@router.get("/me/keys", response_model=ApiKeyEntries, responses=responses(422, 503))
async def list_own_keys(pool: WholePoolDep, principal: PrincipalDep) -> Response:
    """One's own keys that were not revoked, without their secrets."""
    return answer({"items": rows(await pool.fetch(query("identity", "own_keys"), principal.account_id))})


@router.post("/me/keys", response_model=ApiKeyShown, responses=CHANGES)
async def add_own_key(pool: WholePoolDep, principal: PrincipalDep, address: AddressDep, body: NewApiKey) -> Response:
    """Make a key for oneself: at most one's role, within one's limits, and expiring. Shown this once."""
    _signed_in(principal)
    async with pool.acquire() as connection:
        with possible():
            made = await accounts.add_key(
                connection, principal.name, principal.name, body.label, timedelta(days=body.days), body.role,
                body.districts, body.domains, address=address,
            )  # fmt: skip
    return secret_answer({"key_id": made.key_id, "key": made.text, "expires_at": made.expires_at})


@router.delete("/me/keys/{key_id}", status_code=204, response_class=Response, responses=CHANGES)
async def revoke_own_key(pool: WholePoolDep, principal: PrincipalDep, address: AddressDep, key_id: KeyPath) -> Response:
    """End one of one's own keys now."""
    async with pool.acquire() as connection:
        own = await connection.fetch(query("identity", "own_keys"), principal.account_id)
        if key_id not in {row["key_id"] for row in own}:
            raise not_found("key of yours in use", key_id)
        _signed_in(principal)
        with possible():
            await accounts.revoke_key(connection, principal.name, key_id, address=address)
    return Response(status_code=204)
