"""Signing in and out, one's own password, and who one is."""

from datetime import timedelta
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.responses import RedirectResponse

from api.answer import answer
from api.context import AddressDep, PrincipalDep, SettingsDep, WholePoolDep
from api.identity.accounts import token_hash
from api.identity.pages import STYLE, password_page, sign_in_page
from api.identity.passwords import check_password, hash_soon, is_right
from api.identity.sessions import begin_session, cookie_name, set_cookie
from api.identity.throttle import attempt, succeed
from api.permissions import Allow, Permission, permits
from api.problems import ProblemError, responses
from api.schemas import Me
from api.version import PREFIX
from citywatch.settings import Settings
from sql.audit import audit
from sql.connection import Connection
from sql.queries import query

router = APIRouter(tags=["identity"])

LONGEST_FORM = 8192  # bytes
_BAD_FORM = ProblemError(422, "invalid", "the form is larger than a sign-in, or not a form")


def local_path(wanted: str) -> str:
    """Return `wanted` if it is a path of ours, else `/`: a link must not lead through the sign-in to another site."""
    try:
        parts = urlsplit(wanted)
    except ValueError:  # such as //[
        return "/"
    plain = wanted.isprintable() and "\\" not in wanted and not parts.scheme and not parts.netloc
    return wanted if plain and wanted.startswith("/") and not wanted.startswith("//") else "/"


async def _form(request: Request) -> dict[str, str]:
    """Return a small form's fields; the last of a name counts."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise _BAD_FORM
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_FORM:
            raise _BAD_FORM
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=10, errors="strict"))
    except ValueError:
        raise _BAD_FORM from None


FormDep = Annotated[dict[str, str], Depends(_form)]
NextQuery = Annotated[str, Query(alias="next", max_length=2000, description="where to go afterwards")]


async def enter(
    connection: Connection, request: Request, settings: Settings, account_id: int, after: str
) -> RedirectResponse:
    """Begin a session and send the browser on its way."""
    held = request.cookies.get(cookie_name(settings.serve))
    lifetime: timedelta = settings.identity.session
    token = await begin_session(connection, account_id, lifetime, held)
    response = RedirectResponse(local_path(after), 303)
    set_cookie(response, settings.serve, token, lifetime)
    return response


@router.get("/sign-in.css", include_in_schema=False, dependencies=[Allow(Permission.PUBLIC)])
async def style() -> Response:
    """The look of the pages here."""
    return Response(STYLE, media_type="text/css", headers={"Cache-Control": "max-age=3600"})


@router.get("/sign-in", include_in_schema=False, dependencies=[Allow(Permission.PUBLIC)])
async def show_sign_in(principal: PrincipalDep, settings: SettingsDep, after: NextQuery = "/") -> Response:
    """The page that asks who one is."""
    if settings.serve.demo or permits(principal, Permission.READ):
        return RedirectResponse(local_path(after), 303)
    return sign_in_page(local_path(after), provider=settings.identity.oidc_issuer is not None)


@router.post("/sign-in", include_in_schema=False, dependencies=[Allow(Permission.PUBLIC)])
async def sign_in(
    request: Request, pool: WholePoolDep, settings: SettingsDep, address: AddressDep, form: FormDep
) -> Response:
    """Begin a session for whoever knows the password."""
    if settings.serve.demo:
        raise ProblemError(404, "not-found", "demo mode has no sign-in")
    name, after = form.get("name", "").strip().lower()[:80].replace("\0", ""), form.get("next", "/")
    provider = settings.identity.oidc_issuer is not None
    async with pool.acquire() as connection:
        wait = await attempt(connection, name, address)
        if wait:
            words = f"Too many failed attempts. Try again in {wait} s."
            return sign_in_page(local_path(after), fault=words, name=name, provider=provider, status=429, wait=wait)
        account = await connection.fetchrow(query("identity", "account_by_name"), name)
    right = await is_right(form.get("password", ""), account["password_hash"] if account is not None else None)
    async with pool.acquire() as connection, connection.transaction():
        judged = (account["account_id"], account["password_hash"]) if account is not None and right else None
        if (
            account is None
            or judged is None
            # A reset, or a lock-out, may have come while the password was being judged.
            or not await connection.fetchval(query("identity", "account_unchanged"), *judged)
        ):
            # Names that there are not too: else the time that this takes would tell them apart.
            await audit(connection, name, "sign_in.refused", f"account {name}", None, address)
            # One sentence for every reason: it must not say which names exist.
            words = "Name or password is wrong."
            return sign_in_page(local_path(after), fault=words, name=name, provider=provider, status=401)
        await succeed(connection, name, address)
        response = await enter(connection, request, settings, account["account_id"], after)
        await audit(connection, name, "sign_in", f"account {name}", None, address)
    return response


@router.post("/sign-out", include_in_schema=False, dependencies=[Allow(Permission.OWN)])
async def sign_out(
    request: Request, pool: WholePoolDep, settings: SettingsDep, principal: PrincipalDep, address: AddressDep
) -> Response:
    """End the session, here and in the store."""
    name = cookie_name(settings.serve)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(query("identity", "session_end"), token_hash(request.cookies.get(name, "")))
        await audit(connection, principal.name, "sign_out", f"account {principal.name}", None, address)
    response = RedirectResponse("/sign-in", 303)
    set_cookie(response, settings.serve, "", timedelta())
    return response


@router.get("/password", include_in_schema=False, dependencies=[Allow(Permission.OWN)])
async def show_password(principal: PrincipalDep) -> Response:
    """The page that changes one's own password."""
    return password_page(principal.name, must=principal.must_change_password)


@router.post("/password", include_in_schema=False, dependencies=[Allow(Permission.OWN)])
async def change_password(
    request: Request,
    pool: WholePoolDep,
    settings: SettingsDep,
    principal: PrincipalDep,
    address: AddressDep,
    form: FormDep,
) -> Response:
    """Change one's own password: all sessions end, and this browser gets a new one."""

    def fault(words: str, status: int = 422) -> Response:
        return password_page(principal.name, must=principal.must_change_password, fault=words, status=status)

    if principal.kind != "session" or principal.account_id is None:
        raise ProblemError(403, "not-permitted", "a key cannot change a password")
    old, new = form.get("old", ""), form.get("new", "")
    if new != form.get("again", ""):
        return fault("The two new passwords differ.")
    if new == old:
        return fault("The new password is the present one.")
    try:
        check_password(new, principal.name)
    except ProblemError as error:
        return fault(f"{str(error)[0].upper()}{str(error)[1:]}.")
    async with pool.acquire() as connection:
        wait = await attempt(connection, principal.name, address)
        account = await connection.fetchrow(query("identity", "account_by_name"), principal.name)
    if wait:
        return fault(f"Too many failed attempts. Try again in {wait} s.", 429)
    if account is None or not await is_right(old, account["password_hash"]):
        return fault("The present password is wrong.", 403)
    hashed = await hash_soon(new)
    async with pool.acquire() as connection, connection.transaction():
        judged = principal.account_id, account["password_hash"]
        if not await connection.fetchval(query("identity", "account_unchanged"), *judged):
            return fault("The present password is wrong.", 403)
        await succeed(connection, principal.name, address)
        await connection.execute(query("identity", "password_set"), principal.account_id, hashed, False)
        await connection.execute(query("identity", "sessions_end"), principal.account_id)
        response = await enter(connection, request, settings, principal.account_id, "/")
        await audit(connection, principal.name, "account.password", f"account {principal.name}", None, address)
    return response


@router.get(f"{PREFIX}/me", response_model=Me, responses=responses(422), dependencies=[Allow(Permission.READ)])
async def get_me(principal: PrincipalDep) -> Response:
    """Who the caller is, what it may do and which part of the city it sees."""
    limits = principal.limits
    return answer(
        {
            "name": principal.name,
            "kind": principal.kind,
            "roles": sorted(principal.roles),
            "permissions": [permission for permission in Permission if permits(principal, permission)],
            "districts": sorted(limits.districts) if limits is not None and limits.districts is not None else None,
            "domains": sorted(limits.domains) if limits is not None and limits.domains is not None else None,
        }
    )


@router.post(
    f"{PREFIX}/me/seen",
    status_code=204,
    response_class=Response,
    responses=responses(400, 422),
    dependencies=[Allow(Permission.OWN)],
)
async def post_seen() -> Response:
    """Tell that somebody is at the screen, so that their session does not end as one left alone."""
    return Response(status_code=204)
