"""What a route is given: the pool, the settings, who acts, and typed query parameters shared by several lists."""

from datetime import UTC, datetime
from typing import Annotated, Literal, cast
from urllib.parse import unquote

from fastapi import Depends, Header, Query, Request
from pydantic import StringConstraints

from api.plain import Word
from api.principal import Limits, Principal
from api.problems import ProblemError
from api.schemas import Instant
from citywatch.settings import Settings
from sql.connection import Pool
from sql.limited import LimitedPool

BBox = tuple[float, float, float, float]


async def get_whole_pool(request: Request) -> Pool:
    """Return the pool opened at start-up, which reads and writes everything."""
    pool: Pool = request.app.state.pool
    return pool


async def get_principal(request: Request) -> Principal:
    """Return who acts; the gate has found out."""
    principal: Principal = request.scope["citywatch.principal"]
    return principal


def limit_pool(pool: Pool, limits: Limits | None) -> Pool:
    """Return `pool` as it reads within `limits`: an account limited to a part of the city sees nothing else."""
    if limits is None:
        return pool
    return cast(Pool, LimitedPool(pool, limits.districts, limits.domains))


async def get_pool(
    pool: Annotated[Pool, Depends(get_whole_pool)], principal: Annotated[Principal, Depends(get_principal)]
) -> Pool:
    """Return the pool that reads what the caller may see."""
    return limit_pool(pool, principal.limits)


async def refuse_limited(principal: Annotated[Principal, Depends(get_principal)]) -> None:
    """Raise ProblemError 403 for an account that is limited to a part of the city."""
    if principal.limits is not None:
        raise ProblemError(
            403, "not-permitted", f"{principal.name} is limited to a part of the city: this concerns the whole of it"
        )


async def get_address(request: Request) -> str:
    """Return the network address of who asks, for the audit log."""
    return request.client.host if request.client is not None else ""


async def get_settings(request: Request) -> Settings:
    """Return the settings this process was started with."""
    settings: Settings = request.app.state.settings
    return settings


async def get_now() -> datetime:
    """Return the wall clock; the one place where a route reads it."""
    return datetime.now(UTC)


async def get_actor(
    principal: Annotated[Principal, Depends(get_principal)],
    operator: Annotated[
        str | None,
        Header(
            alias="X-Citywatch-Operator",
            min_length=1,
            max_length=480,  # 80 letters of two bytes each, percent-encoded
            pattern="^[!-~¡-¬®-ÿ][ -~¡-¬®-ÿ]*$",  # what prints of the characters that a header can hold
            description="who acts, in demo mode, percent-encoded (UTF-8); journalled as unverified",
        ),
    ] = None,
) -> str:
    """Return the name that goes into the journal. Demo mode believes what it is told, and says that it did."""
    if operator is None or principal.kind != "demo":
        return principal.name
    return f"{_decoded(operator)} (unverified)"


def _decoded(sent: str) -> str:
    """Return a name without its percent-encoding; as it was sent where that gives nothing that prints."""
    try:
        name = unquote(sent, errors="strict").strip()
    except UnicodeDecodeError:
        name = ""
    return name if name and name.isprintable() else sent.strip()


_DEGREES_180 = r"[+-]?(180(\.0+)?|(1[0-7]\d|\d?\d)(\.\d+)?)"
_DEGREES_90 = r"[+-]?(90(\.0+)?|[0-8]?\d(\.\d+)?)"
BBOX_PATTERN = f"^{_DEGREES_180},{_DEGREES_90},{_DEGREES_180},{_DEGREES_90}$"


async def get_bbox(
    bbox: Annotated[
        str | None,
        Query(
            max_length=100,
            pattern=BBOX_PATTERN,
            description="west,south,east,north in degrees; with west > east it crosses the antimeridian (RFC 7946)",
            examples=["2.2,48.8,2.4,48.9"],
        ),
    ] = None,
) -> BBox | None:
    """Return the map box asked for, None for everywhere."""
    if bbox is None:
        return None
    west, south, east, north = map(float, bbox.split(","))
    return west, south, east, north


Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
Serial = Annotated[int, Query(ge=1, le=2**63 - 1)]
DomainName = Literal["traffic", "waste", "air", "weather", "noise", "health"]

UNLIMITED = Depends(refuse_limited)  # for what acts on, or tells of, the whole city

PoolDep = Annotated[Pool, Depends(get_pool)]
WholePoolDep = Annotated[Pool, Depends(get_whole_pool)]
PrincipalDep = Annotated[Principal, Depends(get_principal)]
AddressDep = Annotated[str, Depends(get_address)]
SettingsDep = Annotated[Settings, Depends(get_settings)]
NowDep = Annotated[datetime, Depends(get_now)]
ActorDep = Annotated[str, Depends(get_actor)]
BBoxDep = Annotated[BBox | None, Depends(get_bbox)]
DomainQuery = Annotated[DomainName | None, Query(description="domain of the device")]
DeviceQuery = Annotated[Word | None, Query(description="device", examples=["bin-0017"])]
DistrictQuery = Annotated[Word | None, Query(description="district of the device")]
PropertyQuery = Annotated[Word | None, Query(alias="property", description="observed property", examples=["pm2_5"])]
SinceQuery = Annotated[Instant | None, Query(description="from this time on", examples=["2026-11-23T00:00:00Z"])]
UntilQuery = Annotated[Instant | None, Query(description="before this time", examples=["2026-11-24T00:00:00Z"])]
