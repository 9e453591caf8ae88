"""The API as one ASGI application; the dashboard may be mounted on it, and reads through it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware

from api.conditional import Conditional
from api.export import Exports
from api.gate import Gate, check_demo, identify_demo, in_process, published
from api.identity.oidc import Provider, check_oidc
from api.identity.sessions import identify
from api.live import live_router
from api.live_events import events_router
from api.live_hub import Hub
from api.live_seats import Seats
from api.metrics import Metrics
from api.once import Once
from api.openapi import document_doors
from api.permissions import read_doors
from api.place_index import PlaceIndex
from api.problems import install_problems
from api.routes import (
    accounts,
    actions,
    alarm_health,
    alerts,
    audit,
    backtests,
    calculations,
    calibrations,
    credential_jobs,
    curves,
    device_care,
    device_clusters,
    device_list,
    device_profiles,
    devices,
    districts,
    exports,
    identity,
    incidents,
    ingest,
    maintenance,
    meaning,
    notifications,
    observations,
    open_data,
    overview,
    own_keys,
    people,
    places,
    provider,
    quality,
    reports,
    routes,
    rules,
    scenarios,
    simulator,
    system,
    work_orders,
)
from api.standards.ngsi_ld.routes import router as ngsi_ld_router
from api.standards.open311 import router as open311_router
from api.standards.sensorthings.routes import router as sensorthings_router
from api.standards.sensorthings.routes import sync_catalogue
from api.strict_query import check_query
from api.version import PREFIX, VERSION
from citywatch.errors import SettingsError, StoreError
from citywatch.local.running import store_dsn
from citywatch.settings import Settings
from sql.connection import Pool
from sql.pool import open_pool
from sql.retry import insist

DESCRIPTION = """\
Everything Citywatch knows about the city, and what may be done about it.

Times are RFC 3339 in UTC, units are UCUM codes. Lists page by cursor: pass `next_cursor` back as `cursor`.
A change that carries an `Idempotency-Key` may be sent again: it is done once, and answered the same for a day.
Every error is an RFC 9457 problem (`application/problem+json`) with the id of the request.
Live changes come over the WebSocket `/api/v1/live`.
"""


def create_app(settings: Settings) -> FastAPI:
    """Return the application; its pool opens at start-up. Raises SettingsError if the demo would be open
    to others, StoreError if no store is known."""
    check_demo(settings.serve)
    check_oidc(settings)
    dsn = store_dsn(settings)
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        check_closed(app)
        opened: list[Pool] = []

        async def open_up() -> None:
            pool = await open_pool(
                app.state.dsn,
                process="serve",
                size=settings.store.pool_max,
                statement_timeout=settings.store.statement_timeout,
            )
            try:
                await sync_catalogue(pool)
            except BaseException:
                pool.terminate()
                raise
            opened.append(pool)

        if not await insist(open_up, app.state.stop):
            raise StoreError("stopped while the store was away")
        pool = app.state.pool = opened[0]
        try:
            app.state.exports = Exports(pool)
            app.state.broker_turn = asyncio.Semaphore(2)  # connections to the broker's own administration
            app.state.replay_turn = asyncio.Semaphore(1)  # of kept messages, a long one
            app.state.solver_turn = asyncio.Semaphore(1)  # processes that plan routes
            app.state.seats = Seats()
            app.state.places = PlaceIndex(pool)
            async with Hub(pool, app.state.dsn, metrics) as app.state.hub:
                yield
        finally:
            if hasattr(app.state, "places"):
                await app.state.places.close()
            await pool.close()
            for held in (getattr(app.state, "broker_link", None), getattr(app.state, "profiles", None)):
                if held is not None:
                    held.close()

    app = FastAPI(
        title="Citywatch",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url=f"{PREFIX}/openapi.json",
        # The stock documentation pages load scripts from elsewhere; this product works without a network.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.state.dsn = dsn
    app.state.stop = asyncio.Event()  # whoever serves puts its own here
    app.state.metrics = metrics
    closed_with_provider = not settings.serve.demo and settings.identity.oidc_issuer is not None
    app.state.provider = Provider(settings) if closed_with_provider else None
    app.state.identify = identify_demo if settings.serve.demo else identify
    install_problems(app)
    parts = (
        overview,
        districts,
        places,
        calibrations,
        devices,
        device_clusters,
        device_care,
        device_list,
        device_profiles,
        ingest,
        observations,
        curves,
        alerts,
        actions,
        accounts,
        own_keys,
        people,
        rules,
        exports,
        incidents,
        quality,
        meaning,
        calculations,
        routes,
        alarm_health,
        backtests,
        credential_jobs,
        maintenance,
        notifications,
        work_orders,
        audit,
        open_data,
        reports,
        scenarios,
        simulator,
    )
    for router in (*(part.router for part in parts), ngsi_ld_router):
        app.include_router(router, dependencies=[Depends(check_query)])
    app.include_router(sensorthings_router)
    app.include_router(open311_router)
    app.include_router(open_data.feeds_router)
    app.include_router(live_router)
    app.include_router(events_router)
    app.include_router(identity.router)
    app.include_router(provider.router)
    app.include_router(system.router)
    app.add_middleware(Conditional)
    app.add_middleware(Once)
    # Level 1: a large list is sent once and compressed each time, so speed counts for more than the last percent.
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=1)
    app.add_middleware(
        Gate,
        settings=settings.serve,
        identify=app.state.identify,
        observe=metrics.observe,
    )
    app.state.in_process = in_process(app)
    app.state.published = published(app)
    document_doors(app, demo=settings.serve.demo)
    return app


def check_closed(app: FastAPI) -> None:
    """Raise SettingsError if a route of `app` says nothing of who may use it, or the gate can be passed by."""
    list(read_doors(app))
    if getattr(app.user_middleware[0].cls, "__name__", "") != Gate.__name__:
        raise SettingsError("something stands before the gate: it must be the outermost layer")
