"""For those who run it: is it alive, is it ready, how does it do."""

import asyncio

import asyncpg
from fastapi import APIRouter, Request, Response

from api.answer import answer, encode
from api.context import PoolDep
from api.metrics import render
from api.permissions import Allow, Permission
from api.problems import responses
from api.status_schemas import Health
from sql.migrate import load_migrations
from sql.queries import query

router = APIRouter(tags=["system"])

PATIENCE = 2.0  # seconds a probe waits for the store


@router.get("/health/live", response_model=Health, dependencies=[Allow(Permission.PUBLIC)])
async def health_live() -> Response:
    """Answers while the process can answer at all."""
    return answer({"status": "ok", "checks": {}})


@router.get(
    "/health/ready",
    response_model=Health,
    responses={503: {"model": Health, "description": "Not ready; why"}},
    dependencies=[Allow(Permission.PUBLIC)],
)
async def health_ready(pool: PoolDep) -> Response:
    """Answers 200 when the store can be reached and has the tables this version knows, else 503 with the reason."""
    try:
        async with asyncio.timeout(PATIENCE):
            applied = {row["name"] for row in await pool.fetch(query("api", "schema_names"))}
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        checks = {"store": type(error).__name__}
    else:
        missing = [migration.name for migration in load_migrations() if migration.name not in applied]
        checks = {"store": "ok", "migrations": f"missing {', '.join(missing)}" if missing else "ok"}
    ready = all(value == "ok" for value in checks.values())
    body = {"status": "ok" if ready else "unavailable", "checks": checks}
    return Response(encode(body), 200 if ready else 503, media_type="application/json")


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus exposition format"},
        **responses(503),
    },
    dependencies=[Allow(Permission.INSPECT)],
)
async def metrics(request: Request, pool: PoolDep) -> Response:
    """Metrics for Prometheus: requests, live sockets, devices, alerts, lag of the consumers, the account."""
    body = await render(request.app.state.metrics, pool)
    return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")
