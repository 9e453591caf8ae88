"""Accounts at the broker for many devices: a job with progress, whose passwords are fetched once."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field, StringConstraints

from api.answer import answer
from api.context import UNLIMITED, ActorDep, AddressDep, NowDep, SettingsDep, WholePoolDep
from api.device_schemas import DomainWord, ProfileKey
from api.once import SHOWN_ONCE
from api.paging import Cursor, Limit, decode_cursor, encode_cursor
from api.permissions import Allow, Permission
from api.problems import ProblemError, not_found, responses
from api.schemas import Page, Schema
from api.version import PREFIX
from citywatch.errors import RegistryError, SettingsError
from devices import credential_job
from devices.credentials import accounts_kind
from devices.sealed_list import new_key
from sql.connection import Pool
from sql.queries import query

router = APIRouter(
    prefix=f"{PREFIX}/credential-jobs", tags=["devices"], dependencies=[Allow(Permission.CONFIGURE), UNLIMITED]
)
CHANGES = responses(400, 403, 404, 409, 413, 422, 503)
JobNumber = Annotated[int, Path(ge=1, le=2**63 - 1, description="job_id")]


class CredentialJobAsked(Schema):
    """Body of `POST /api/v1/credential-jobs`: which devices without an account are to get one."""

    domain: DomainWord | None = Field(None, description="only of this domain")
    profile: ProfileKey | None = Field(None, description="only of this type")
    at_restart: bool = Field(
        False, description="in the store only: seconds for thousands, from the broker's next start"
    )


class CredentialJob(Schema):
    """How far a job is."""

    job_id: int
    domain: str | None
    profile: str | None
    at_restart: bool
    actor: str
    state: Literal["running", "done", "failed", "cancelled", "lost"]
    done: int = Field(description="devices that have an account now")
    of: int = Field(description="devices in all")
    error: str | None
    created_at: datetime
    touched_at: datetime
    waiting: bool = Field(description="there are passwords to fetch")
    fetched_at: datetime | None


class CredentialJobBegun(CredentialJob):
    """A job just begun, with the key that opens its passwords: the only time that it is shown."""

    key: str


class CredentialJobPage(Page):
    """A page of jobs, newest first."""

    items: list[CredentialJob]


class CredentialJobKey(Schema):
    """Body of `POST /api/v1/credential-jobs/{job_id}/passwords`."""

    key: Annotated[str, StringConstraints(min_length=20, max_length=100, pattern=r"^[!-~]+$")]


async def _job(pool: Pool, number: int, now: datetime) -> dict[str, Any]:
    async with pool.acquire() as connection:
        found = await credential_job.find(connection, now, number)
    if not found:
        raise not_found("job", number)
    return dict(found[0])


@router.get("", response_model=CredentialJobPage, responses=responses(403, 404, 422, 503))
async def list_credential_jobs(pool: WholePoolDep, now: NowDep, cursor: Cursor = None, limit: Limit = 50) -> Response:
    """Jobs, newest first."""
    (after,) = decode_cursor(cursor, int)
    before = after if isinstance(after, int) else None
    async with pool.acquire() as connection:
        found = await credential_job.find(connection, now, None, before, limit + 1)
    page = [dict(row) for row in found[:limit]]
    more = encode_cursor(page[-1]["job_id"]) if len(found) > limit else None
    return answer({"items": page, "next_cursor": more})


@router.post("", response_model=CredentialJobBegun, responses=CHANGES)
async def begin_credential_job(
    request: Request,
    pool: WholePoolDep,
    settings: SettingsDep,
    actor: ActorDep,
    now: NowDep,
    address: AddressDep,
    body: CredentialJobAsked,
) -> Response:
    """Begin to give every device that has none an account; ask for the job's number until it is done, then fetch the
    passwords with its key. The key is shown this once: without it nobody opens them, the city's administrator included.
    """
    try:
        accounts_kind(settings)
        async with pool.acquire() as connection:
            number, devices = await credential_job.begin(
                connection, domain=body.domain, profile=body.profile, at_restart=body.at_restart, actor=actor, now=now,
                address=address,
            )  # fmt: skip
    except (RegistryError, SettingsError) as error:
        raise ProblemError(409, "not-possible", str(error)) from None
    key, dsn = new_key(), request.app.state.dsn
    shown = answer({**await _job(pool, number, now), "key": key})
    credential_job.run_apart(settings, dsn, number, devices, key, at_restart=body.at_restart, actor=actor)
    shown.headers["Cache-Control"] = SHOWN_ONCE
    return shown


@router.get("/{job_id}", response_model=CredentialJob, responses=responses(403, 404, 422, 503))
async def get_credential_job(pool: WholePoolDep, now: NowDep, job_id: JobNumber) -> Response:
    """One job and how far it is."""
    return answer(await _job(pool, job_id, now))


@router.delete("/{job_id}", response_model=CredentialJob, responses=CHANGES)
async def cancel_credential_job(pool: WholePoolDep, now: NowDep, job_id: JobNumber) -> Response:
    """Stop a job; what it did stays done, and its passwords can be fetched."""
    await _job(pool, job_id, now)
    if await pool.fetchval(query("provisioning", "end_job"), job_id, "cancelled", None, now) is None:
        raise ProblemError(409, "not-possible", "the job is over already")
    return answer(await _job(pool, job_id, now))


@router.post(
    "/{job_id}/passwords",
    responses={200: {"content": {"text/csv": {}}, "description": "device_id,username,password"}, **CHANGES},
    response_class=Response,
)
async def fetch_passwords(
    pool: WholePoolDep, actor: ActorDep, now: NowDep, address: AddressDep, job_id: JobNumber, body: CredentialJobKey
) -> Response:
    """What the job made, as CSV, this once: it is kept nowhere afterwards. Nobody fetches after a day."""
    job = await _job(pool, job_id, now)
    if job["state"] == "running":
        raise ProblemError(
            409, "not-possible", f"the job runs: {job['done']} of {job['of']}; wait for it, or cancel it"
        )
    try:
        async with pool.acquire() as connection:
            text = await credential_job.fetch(connection, job_id, body.key, actor=actor, now=now, address=address)
    except RegistryError as error:
        raise ProblemError(409, "not-possible", str(error)) from None
    headers = {"Cache-Control": SHOWN_ONCE, "Content-Disposition": f'attachment; filename="accounts-{job_id}.csv"'}
    return Response(text, media_type="text/csv", headers=headers)
