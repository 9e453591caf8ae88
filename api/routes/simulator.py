"""The simulator, where one is listening: what it plays, another scenario, a city that stands still; and the scores."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from api.answer import answer
from api.context import UNLIMITED, ActorDep, AddressDep, SettingsDep, WholePoolDep
from api.permissions import Allow, Permission
from api.problems import ProblemError, not_found, responses
from api.routes.scenarios import read_scenarios
from api.schemas import Instant, Schema
from api.scores import Score, read_scores
from api.version import PREFIX
from sql.audit import audit
from sql.connection import Pool
from sql.queries import query

router = APIRouter(prefix=PREFIX, tags=["simulator"], dependencies=[Allow(Permission.CONFIGURE), UNLIMITED])
CHANGES = responses(400, 404, 409, 413, 422, 503)


class Start(Schema):
    """Body of `POST /api/v1/simulator/start`."""

    scenario: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[a-z0-9-]+$", examples=["gateway-storm"])]


class Simulation(Schema):
    """How the simulator stands."""

    enabled: bool = Field(description="one is listening; false where the city is a real one")
    playing: str | None = Field(description="scenario; null: nothing, the city stands still")
    playing_since: Instant | None
    asked: str | None = Field(description="what somebody asked for; it begins within a few seconds")
    asked_by: str | None
    asked_at: Instant | None
    devices: int | None
    seed: int | None


class ScoreList(Schema):
    """What scenarios scored, newest last."""

    items: list[Score]


async def _state(pool: Pool) -> Response:
    row = await pool.fetchrow(query("simulation", "read_simulation"))
    on = row if row is not None and row["enabled"] else None
    names = ("playing", "asked", "asked_by", "asked_at", "devices", "seed")
    body = {name: None if on is None else on[name] for name in names}
    since = None if on is None else on["playing_at"]
    return answer({"enabled": on is not None, **body, "playing_since": since})


async def _ask(pool: Pool, scenario: str | None, actor: str, address: str) -> Response:
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(query("simulation", "ask_simulation"), scenario, actor):
            raise ProblemError(409, "no-simulator", "no simulator is listening: `citywatch up` starts one")
        action = "simulator.stop" if scenario is None else "simulator.start"
        await audit(connection, actor, action, "simulator", {"scenario": scenario}, address)
    return await _state(pool)


@router.get("/simulator", response_model=Simulation, responses=responses(422, 503))
async def get_simulator(pool: WholePoolDep) -> Response:
    """What the simulated city goes through now."""
    return await _state(pool)


@router.post("/simulator/start", response_model=Simulation, responses=CHANGES)
async def start_scenario(pool: WholePoolDep, actor: ActorDep, address: AddressDep, body: Start) -> Response:
    """Have the city go through a scenario from now on; one that plays already begins anew."""
    if body.scenario not in {each.name for each in read_scenarios()}:
        raise not_found("scenario", body.scenario)
    return await _ask(pool, body.scenario, actor, address)


@router.post("/simulator/stop", response_model=Simulation, responses=CHANGES)
async def stop_scenario(pool: WholePoolDep, actor: ActorDep, address: AddressDep) -> Response:
    """Have the city stand still: no device sends, until a scenario is started or the simulator itself anew."""
    return await _ask(pool, None, actor, address)


@router.get("/scores", response_model=ScoreList, responses=responses(422))
async def list_scores(settings: SettingsDep) -> Response:
    """What `citywatch score` has written down here, and the runs that came with this version."""
    return answer({"items": [each.model_dump() for each in read_scores(settings.data_dir)]})
