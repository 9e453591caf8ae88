"""Signing in at the organisation's OpenID provider: there and back."""

import hmac
import time
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import RedirectResponse

from api.context import AddressDep, SettingsDep, WholePoolDep
from api.identity.accounts import person_account, shut_out, token_hash
from api.identity.oidc import CALLBACK, Provider
from api.identity.pages import sign_in_page
from api.identity.sessions import cookie_name, set_cookie
from api.permissions import Allow, Permission
from api.problems import ProblemError
from api.routes.identity import NextQuery, enter, local_path
from citywatch.errors import AccountError
from citywatch.telemetry import get_logger
from sql.audit import audit
from sql.queries import query

log = get_logger()
router = APIRouter(tags=["identity"], dependencies=[Allow(Permission.PUBLIC)])

FLOW = timedelta(minutes=10)  # to sign in over there
Answered = Annotated[str, Query(max_length=4000)]


def _provider(request: Request) -> Provider:
    provider: Provider | None = request.app.state.provider
    if provider is None:
        raise ProblemError(404, "not-found", "no provider to sign in at is set")
    return provider


@router.get("/sign-in/provider", include_in_schema=False)
async def begin(request: Request, pool: WholePoolDep, settings: SettingsDep, after: NextQuery = "/") -> Response:
    """Send the browser to the provider."""
    try:
        begun = await _provider(request).begin()
    except AccountError as error:
        log.warning("provider_away", reason=str(error))
        return sign_in_page(
            local_path(after), fault="The provider cannot be reached just now.", provider=True, status=503
        )
    kept = (token_hash(begun.state), begun.nonce, begun.verifier, local_path(after), FLOW)
    await pool.execute(query("identity", "flow_add"), *kept)
    response = RedirectResponse(begun.address, 303)
    # Ties the answer to this browser: else a stranger's answer would sign its owner's visitor in as the stranger.
    set_cookie(response, settings.serve, begun.state, FLOW, "flow")
    return response


@router.get(CALLBACK, include_in_schema=False)
async def answered(
    request: Request,
    pool: WholePoolDep,
    settings: SettingsDep,
    address: AddressDep,
    state: Answered = "",
    code: Answered = "",
) -> Response:
    """Take what the provider says, and begin a session if it holds."""
    provider = _provider(request)
    held = request.cookies.get(cookie_name(settings.serve, "flow"), "")
    flow = None
    if state and hmac.compare_digest(held.encode(), state.encode()):
        flow = await pool.fetchrow(query("identity", "flow_take"), token_hash(state))
    if flow is None:
        return sign_in_page(
            "/", fault="This sign-in has expired or began elsewhere. Try again.", provider=True, status=403
        )
    try:
        if not code:
            raise AccountError(f"the provider refused: {request.query_params.get('error', 'no reason given')[:80]}")
        person = await provider.finish(code, flow["nonce"], flow["verifier"], time.time())
        if person.role is None:
            async with pool.acquire() as connection:
                await shut_out(connection, person)
            raise AccountError("the provider knows you, but nothing there gives you a role here")
        async with pool.acquire() as connection, connection.transaction():
            account_id, name = await person_account(connection, person, person.role)
            response = await enter(connection, request, settings, account_id, flow["next"])
            await audit(connection, name, "sign_in", f"account {name}", {"issuer": person.issuer}, address)
    except AccountError as error:
        log.warning("sign_in_refused", reason=str(error), request_id=request.scope["citywatch.request_id"])
        return sign_in_page(flow["next"], fault=f"Not signed in: {error}.", provider=True, status=403)
    set_cookie(response, settings.serve, "", timedelta(), "flow")
    return response
