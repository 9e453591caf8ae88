"""What became of every delivery: the account, and what was turned away, to be played again after a mend."""

import asyncio
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from api.answer import answer, rows
from api.context import (
    UNLIMITED,
    ActorDep,
    AddressDep,
    DeviceQuery,
    PoolDep,
    SettingsDep,
    SinceQuery,
    UntilQuery,
    WholePoolDep,
)
from api.ingest_schemas import AccountPage, ReasonCounts, RejectedPage, Replay, Replayed
from api.paging import Cursor, Limit, decode_cursor, encode_cursor
from api.permissions import Allow, Permission
from api.plain import Word
from api.problems import ProblemError, responses
from api.version import PREFIX
from ingest.replay import replay_rejected
from sql.audit import audit
from sql.queries import query

router = APIRouter(prefix=PREFIX, tags=["account"], dependencies=[Allow(Permission.READ)])

SHOWN = 4000  # characters of a payload
COUNTED = 100_000  # messages, by their reason


@router.get("/account", response_model=AccountPage, responses=responses(404, 422, 503))
async def list_account(
    pool: PoolDep,
    device_id: DeviceQuery = None,
    since: SinceQuery = None,
    until: UntilQuery = None,
    by: Annotated[
        Literal["device", "hour"], Query(description="one row per device, or per device and hour")
    ] = "device",
    cursor: Cursor = None,
    limit: Limit = 1000,
) -> Response:
    """Messages and readings per device, with both sums; `total` is over everything asked for, not over the page."""
    device, hour = decode_cursor(cursor, str, datetime)
    found = rows(
        await pool.fetch(query("api", "account"), device_id, since, until, by == "hour", device, hour, limit + 1)
    )
    (total,) = rows(await pool.fetch(query("api", "account_total"), device_id, since, until))
    page = found[:limit]
    more = encode_cursor(page[-1]["device_id"], page[-1]["hour"]) if len(found) > limit else None
    return answer({"items": page, "total": total, "next_cursor": more})


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    payload = row.pop("payload").decode("utf-8", "backslashreplace")
    return {**row, "payload_text": payload[:SHOWN]}


@router.get(
    "/rejected",
    response_model=RejectedPage,
    responses=responses(404, 422, 503),
    dependencies=[Allow(Permission.INSPECT)],
)
async def list_rejected(
    pool: PoolDep,
    device_id: DeviceQuery = None,
    reason: Annotated[Word | None, Query(description="why it was turned away", examples=["bad_json"])] = None,
    fate: Annotated[
        Literal["rejected", "refused"] | None, Query(description="whole message rejected, or one reading refused")
    ] = None,
    since: SinceQuery = None,
    until: UntilQuery = None,
    cursor: Cursor = None,
    # Not `Limit`: a row may hold 16 kB of what was sent.
    limit: Annotated[int, Query(ge=1, le=1000, description="items per page")] = 100,
) -> Response:
    """Messages that were turned away, newest first, with the reason and what they said."""
    (below,) = decode_cursor(cursor, int)
    found = rows(await pool.fetch(query("api", "rejected"), device_id, reason, fate, since, until, below, limit + 1))
    page = found[:limit]
    more = encode_cursor(page[-1]["rejected_id"]) if len(found) > limit else None
    return answer({"items": [_shown(row) for row in page], "next_cursor": more})


@router.get(
    "/rejected/reasons",
    response_model=ReasonCounts,
    responses=responses(404, 422, 503),
    dependencies=[Allow(Permission.INSPECT)],
)
async def count_reasons(
    pool: PoolDep, device_id: DeviceQuery = None, since: SinceQuery = None, until: UntilQuery = None
) -> Response:
    """How many messages were turned away for each reason, of the newest 100,000 that are asked for."""
    found = rows(await pool.fetch(query("api", "rejected_reasons"), device_id, since, until, COUNTED))
    return answer({"items": found, "complete": sum(row["messages"] for row in found) < COUNTED})


@router.post(
    "/rejected/replay",
    response_model=Replayed,
    responses=responses(400, 409, 413, 422, 503),
    dependencies=[Allow(Permission.CONFIGURE), UNLIMITED],
)
async def replay(
    request: Request,
    pool: WholePoolDep,
    settings: SettingsDep,
    actor: ActorDep,
    address: AddressDep,
    body: Replay,
) -> Response:
    """Play kept messages again, those that were not yet, through the same decoder and checks as on the day."""
    turn: asyncio.Semaphore = request.app.state.replay_turn
    if turn.locked():
        raise ProblemError(409, "in-progress", "messages are being played already: ask again when that has ended")
    async with turn:
        asked = body.model_dump(exclude_none=True)
        # On a loop of its own: decoding thousands of messages must not hold up everybody else's requests.
        counts = await asyncio.to_thread(asyncio.run, replay_rejected(settings, **asked))
        async with pool.acquire() as connection, connection.transaction():
            detail = {"asked": asked, "played": counts.played, "mended": counts.mended}
            await audit(connection, actor, "rejected.replay", "rejected messages", detail, address)
    return answer(asdict(counts))
