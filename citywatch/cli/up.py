"""`citywatch up`: a whole living city on this machine, from embedded servers to the dashboard."""

import asyncio
import json
import os
import shutil
import signal
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import asyncpg
import typer

from citywatch.cli.registering import in_store, publish_city, register
from citywatch.cli.serve import first_admin
from citywatch.durations import parse_duration
from citywatch.errors import SettingsError
from citywatch.local.broker import LocalBroker
from citywatch.local.dynamic_security import SERVICE, make_account, new_password, write_document
from citywatch.local.link import ROOT
from citywatch.local.postgres import LocalPostgres
from citywatch.local.process import free_port
from citywatch.local.running import Running, forget_running, save_running, scheme, trust
from citywatch.local.server import create_database, only_one
from citywatch.local.supervisor import Supervisor, Worker
from citywatch.settings import Settings, load_settings
from citywatch.telemetry import configure_logging
from devices.credentials import active_accounts
from ingest.anchor import sessions
from ingest.broker_claim import claim_session
from simulators.placing import build_city
from simulators.registry import basemap, registry_document
from sql.migrate import migrate_at

HISTORY = "24h"  # of the simulated city, published at the first start so that the charts are full at the first look

SAMPLES = ROOT / "simulators" / "samples"  # real historic days, replayed once beside the simulated city
SAMPLES_WITHIN = "24m"


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What the command line asked for."""

    seconds: float | None
    fresh: bool
    devices: int
    seed: int
    http_port: int
    mqtt_port: int
    simulator: bool


def _say(text: str) -> None:
    print(text, flush=True)


async def _prepare_store(postgres: LocalPostgres) -> None:
    await create_database(postgres)
    await migrate_at(postgres.dsn())


async def _is_empty(dsn: str) -> bool:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval("SELECT 1 FROM ingest_batch WHERE size > 0 LIMIT 1") is None
    finally:
        await connection.close()


def _wait_until_ready(url: str, trusted: ssl.SSLContext, supervisor: Supervisor) -> None:
    while not supervisor.stopping.wait(0.1):
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=5, context=trusted) as answer:  # noqa: S310  ours
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            continue


def _who_may(settings: Settings) -> str:
    if settings.serve.demo:
        return "Demo mode: open to everybody on this machine, reachable from nowhere else. Ctrl-C stops it."
    return (
        "Sign-in is on: `citywatch accounts` makes accounts and keys (`. .venv/bin/activate` puts it on the path)."
        " Ctrl-C stops it."
    )


def _explain_port(what: str, wanted: int, got: int) -> None:
    if wanted != got:
        _say(f"  port {wanted} is taken: the {what} listens on {got}")


def up(
    for_: Annotated[str, typer.Option("--for", help="stop by itself after this long, as in 60s")] = "",
    data_dir: Annotated[Path | None, typer.Option(help="where servers, data and logs live")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="start anew: remove the data kept here")] = False,
    devices: Annotated[int | None, typer.Option(help="how many simulated devices", min=1, max=100_000)] = None,
    seed: Annotated[int | None, typer.Option(help="the same seed gives the same city", min=0)] = None,
    http_port: Annotated[int | None, typer.Option(help="port of the dashboard", min=1, max=65535)] = None,
    mqtt_port: Annotated[int | None, typer.Option(help="port of the broker", min=1, max=65535)] = None,
    no_simulator: Annotated[bool, typer.Option("--no-simulator", help="your own devices only")] = False,
) -> None:
    """Start a whole living city on this machine and show where to look at it.

    Example: `citywatch up --devices 1000 --for 10m`
    """
    settings = load_settings()
    refuse_servers_elsewhere(settings)
    if data_dir is not None:
        settings = settings.model_copy(update={"data_dir": data_dir})
    configure_logging("up", settings.log_level, settings.log_format)
    options = UpOptions(
        seconds=parse_duration(for_).total_seconds() if for_ else None,
        fresh=fresh,
        devices=settings.simulator.devices if devices is None else devices,
        seed=settings.simulator.seed if seed is None else seed,
        http_port=settings.serve.port if http_port is None else http_port,
        mqtt_port=settings.broker.port if mqtt_port is None else mqtt_port,
        simulator=not no_simulator,
    )
    run_up(settings, options)


def refuse_servers_elsewhere(settings: Settings) -> None:
    """Raise SettingsError where other servers are named than those that `up` starts: its processes would go there."""
    elsewhere = {"CITYWATCH_STORE__DSN": settings.store.dsn, "CITYWATCH_BROKER__HOST": settings.broker.host}
    named = [key for key, value in elsewhere.items() if value is not None]
    if named:
        raise SettingsError(
            f"{' and '.join(named)} name servers of your own, and `citywatch up` starts its own: take them out, "
            'or start the processes one by one (docs/operations.md, "Without Docker")'
        )


def run_up(settings: Settings, options: UpOptions) -> None:
    """Start everything, watch it, and stop it cleanly."""
    data_dir = settings.data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    with only_one(data_dir):
        if options.fresh:
            for name in ("postgres", "broker", "logs", "city"):
                shutil.rmtree(data_dir / name, ignore_errors=True)
        supervisor = Supervisor(on_restart=lambda name: _say(f"  restarted {name}"))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: supervisor.stopping.set())
        started = time.monotonic()
        try:
            url, broker = _start(settings, options, data_dir, supervisor)
            if not supervisor.stopping.is_set():
                _say(f"\nCitywatch is up after {time.monotonic() - started:.1f} s:  {url}")
                _say(f"Devices publish to {broker}\n")
                _say(_who_may(settings))
            supervisor.run(options.seconds)
        finally:
            _say("Stopping ...")
            supervisor.stop()
            forget_running(data_dir)
            _say(f"Stopped. Data is kept in {settings.data_dir}.")


def _secure(settings: Settings, dsn: str, broker: LocalBroker) -> tuple[str | None, str | None]:
    """Give the broker its file of accounts, where devices are to have any; return our own account there."""
    if settings.broker.accounts == "open":
        return None, None
    if settings.broker.accounts != "dynamic-security":
        raise SettingsError("the embedded broker does not read the store: CITYWATCH_BROKER__ACCOUNTS=dynamic-security")
    password = new_password()
    broker.folder.mkdir(exist_ok=True)
    broker.security = broker.folder.resolve() / "dynamic-security.json"
    write_document(broker.security, make_account(SERVICE, password), in_store(active_accounts, dsn))
    return SERVICE, password


def _start(settings: Settings, options: UpOptions, data_dir: Path, supervisor: Supervisor) -> tuple[str, str]:
    """Return the addresses of the dashboard and of the broker."""
    _say("Starting PostgreSQL ...")
    postgres = LocalPostgres(data_dir / "postgres")
    supervisor.add("postgres", postgres)
    asyncio.run(_prepare_store(postgres))
    _say("Starting the MQTT broker ...")
    broker = LocalBroker(data_dir / "broker", options.mqtt_port, settings.broker.autosave)
    account = _secure(settings, postgres.dsn(), broker)
    supervisor.add("broker", broker)
    assert broker.program is not None
    _explain_port("MQTT broker", options.mqtt_port, broker.port)
    # The session must be there before anybody publishes: a broker keeps nothing for a worker it has not met.
    for client_id, filters in sessions(settings.ingest):
        claim_session("127.0.0.1", broker.port, client_id, filters, account)
    for limit in broker.program.limits:
        _say(f"  note: {limit}")
    if not settings.serve.demo and (told := asyncio.run(first_admin(postgres.dsn()))) is not None:
        _say(f"  {told}")
    http_port = free_port(options.http_port, settings.serve.host)
    _explain_port("dashboard", options.http_port, http_port)
    running = Running(
        os.getpid(),
        postgres.dsn(),
        "127.0.0.1",
        broker.port,
        broker.program.kind,
        settings.serve.host,
        http_port,
        *account,
    )
    save_running(data_dir, running)
    environment = {"CITYWATCH_DATA_DIR": str(data_dir), "CITYWATCH_SERVE__PORT": str(http_port)}
    logs = data_dir / "logs"
    logs.mkdir(exist_ok=True)
    if options.simulator:
        city = build_city(options.seed, options.devices)
        document = registry_document(city)
        register(postgres.dsn(), document)
        if settings.serve.demo:
            publish_city(postgres.dsn(), document)
        drawing = data_dir / "city" / "basemap.geojson"
        drawing.parent.mkdir(exist_ok=True)
        drawing.write_text(json.dumps(basemap(city)), encoding="utf-8")
        if settings.serve.basemap is None:
            environment["CITYWATCH_SERVE__BASEMAP"] = str(drawing)
    _say("Starting the dashboard and the workers ...")
    supervisor.add("serve", Worker(["serve"], logs / "serve.log", environment))
    for slot in range(settings.ingest.workers):
        name = "ingest" if settings.ingest.workers == 1 else f"ingest-{slot}"
        of_slot = {**environment, "CITYWATCH_INGEST__SLOT": str(slot)}
        supervisor.add(name, Worker(["ingest", "run"], logs / f"{name}.log", of_slot))
    for name in ("fold", "rules", "indicators", "devices"):
        supervisor.add(name, Worker([name, "run"], logs / f"{name}.log", environment))
    if options.simulator:
        simulate = ["simulate", "--steered", "--devices", str(options.devices), "--seed", str(options.seed)]
        empty = asyncio.run(_is_empty(postgres.dsn()))
        if empty:
            simulate += ["--history", HISTORY]
        supervisor.add("simulator", Worker(simulate, logs / "simulator.log", environment))
        if empty:
            samples = [str(path) for path in sorted(SAMPLES.glob("*.csv"))]
            replay = ["replay", *samples, "--within", SAMPLES_WITHIN]
            supervisor.add("replay", Worker(replay, logs / "replay.log", environment, once=True))
    url = f"{scheme(settings)}://{settings.serve.host}:{http_port}"
    _wait_until_ready(url, trust(settings), supervisor)
    return url, f"mqtt://127.0.0.1:{broker.port}"
