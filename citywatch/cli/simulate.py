"""`citywatch simulate`: a city with an answer key."""

import asyncio
import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from citywatch.cli.process import run_process
from citywatch.cli.steering import Desk, follow
from citywatch.durations import parse_duration
from citywatch.local.running import store_dsn
from citywatch.settings import Settings, load_settings
from citywatch.telemetry import get_logger
from simulators.answer_key import AnswerKey
from simulators.bench import build_bench
from simulators.fleet import Fleet
from simulators.listening import answers
from simulators.living import Links, Pace, live, send_history, start_time
from simulators.placing import build_city
from simulators.progress import Progress
from simulators.publisher import Endpoint
from simulators.registry import basemap, registry_document
from simulators.scenarios import load_scenario

DEFAULT_SCENARIO = "living-city"
WARPED_SOURCE = "simulator"
log = get_logger()


def simulate(
    devices: Annotated[int | None, typer.Option(help="How many devices the city has.", min=1, max=100_000)] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same city and readings.", min=0)] = None,
    scenario: Annotated[str, typer.Option(help="What is planted: a shipped name or a YAML file.")] = DEFAULT_SCENARIO,
    for_: Annotated[str | None, typer.Option("--for", help="Stop after this long, e.g. 60s.")] = None,
    warp: Annotated[float, typer.Option(help="Run simulated time this many times as fast.", min=0.01)] = 1.0,
    start: Annotated[str | None, typer.Option(help="Where a warped clock starts (RFC 3339).")] = None,
    history: Annotated[str | None, typer.Option(help="First publish the past this long, e.g. 24h.")] = None,
    history_step: Annotated[str, typer.Option(help="Least time between records of the past.")] = "10m",
    connections: Annotated[
        str, typer.Option(help="`gateway`: one each gateway; `device`: one each device.")
    ] = "gateway",
    dialects: Annotated[
        bool, typer.Option("--dialects", help="Some devices speak packs, SenML, The Things Stack and ChirpStack.")
    ] = False,
    profile: Annotated[
        str, typer.Option(help="Bench work: devices of one type only (VENDOR/MODEL), as many as --devices.")
    ] = "",
    registry: Annotated[
        Path | None, typer.Option(help="Write the city's registry here, its base map beside it, and exit.")
    ] = None,
    answer_key: Annotated[Path | None, typer.Option(help="Where to write what was planted.")] = None,
    steered: Annotated[
        bool,
        typer.Option("--steered", help="Play what /api/v1/simulator asks for; needs the store, on the wall clock."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON line of figures.")] = False,
) -> None:
    """Run a simulated city, and write down what was planted in it.

    Example: `citywatch simulate --devices 300 --seed 7 --for 60s`

    One device type on the bench: `citywatch simulate --profile milesight/em310-udl --devices 3 --for 1h`

    With --dialects, ingest must hear the network servers' topics:
    `CITYWATCH_INGEST__ROUTES='{"v3/+/devices/{device_id}/up": "tts_v3",
    "application/+/device/{device_id}/event/up": "chirpstack_v4"}'`

    The registry of the same city: `citywatch simulate --devices 300 --seed 7 --registry city.json`
    """
    settings = load_settings()
    size = devices if devices is not None else settings.simulator.devices
    number = seed if seed is not None else settings.simulator.seed
    if connections not in ("gateway", "device"):
        raise typer.BadParameter("gateway or device", param_hint="--connections")
    city = build_bench(number, profile, size) if profile else build_city(number, size, dialects=dialects)
    # What a whole city's scenario plants, one type of device may not have: alone it has a quiet day unless told.
    chosen = load_scenario("quiet-day" if profile and scenario == DEFAULT_SCENARIO else scenario)
    if registry is not None:
        source = "live" if warp == 1.0 else WARPED_SOURCE
        _write_registry(registry, registry_document(city, source), basemap(city))
        typer.echo(f"{registry}: {len(city.devices)} devices in {len(city.districts)} districts")
        return
    # A scenario's own date needs a warped clock; on the wall clock it begins now.
    asked = datetime.fromisoformat(start) if start is not None else chosen.start if warp != 1.0 else None
    pace = Pace(
        start_time(datetime.now(UTC), asked, warp),
        time.monotonic(),
        warp,
        parse_duration(for_) if for_ is not None else None,
    )
    if steered and (warp != 1.0 or profile):
        raise typer.BadParameter("a whole city on the wall clock only", param_hint="--steered")
    span = parse_duration(history) if history is not None else timedelta()
    step = parse_duration(history_step)
    path = answer_key or settings.data_dir / "simulator" / "answer_key.jsonl"

    async def process(settings: Settings, stop: asyncio.Event) -> None:
        fleet = Fleet(city, chosen, pace.start, AnswerKey(path), replay=warp != 1.0)
        stage = {"now": fleet}  # what plays; commands are answered by it
        endpoint = Endpoint.of(settings)
        links = Links(endpoint, city, own=connections == "device", name=f"citywatch-simulator-{os.getpid()}")
        links.listen(
            lambda topic, payload: answers(stage["now"], topic, payload, datetime.now(UTC), pace.now(time.monotonic()))
        )
        await links.open()
        log.info("city_started", devices=size, seed=number, scenario=chosen.name, warp=warp, answer_key=str(path))
        try:
            await links.announce(b"online")
            past = 0
            if span:
                progress = Progress("history")
                past = await send_history(fleet, links, span, step, stop, progress)
                progress.close()
                log.info("history_published", readings=past)
            if steered:
                sent = await _play_as_asked(settings, stage, links, pace, stop, path)
            else:
                sent = await live(fleet, links, pace, stop)
            await links.announce(b"offline")
            await links.drain()
            log.info("city_stopped", messages=sent, acknowledged=links.acknowledged)
            if as_json:
                typer.echo(json.dumps({"messages": sent, "history_readings": past, "answer_key": str(path)}))
        finally:
            await links.close()

    run_process("simulator", process)


async def _play_as_asked(
    settings: Settings, stage: dict[str, Fleet], links: Links, pace: Pace, stop: asyncio.Event, path: Path
) -> int:
    """Play one scenario after another as the API asks; return how many messages."""
    first = stage["now"]
    sent, fresh = 0, True

    async def play(scenario: str | None, turn: asyncio.Event) -> None:
        nonlocal sent, fresh
        if scenario is None:
            await links.announce(b"offline")
            await turn.wait()
            await links.announce(b"online")
        elif fresh:
            sent += await live(first, links, pace, turn)
        else:
            now = start_time(datetime.now(UTC), None, 1.0)
            stage["now"] = Fleet(first.city, load_scenario(scenario), now, AnswerKey(path))
            log.info("scenario_started", scenario=scenario)
            sent += await live(stage["now"], links, Pace(now, time.monotonic(), 1.0, pace.lasts), turn)
        fresh = False

    desk = Desk(store_dsn(settings))
    begun = await desk.begin(first.scenario.name, len(first.city.devices), first.city.seed)
    await follow(desk, first.scenario.name, begun, stop, play)
    return sent


def _write_registry(path: Path, document: dict[str, object], drawing: dict[str, object]) -> None:
    """Write the registry, and the base map beside it as `basemap.geojson`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    path.with_name("basemap.geojson").write_text(json.dumps(drawing), encoding="utf-8")
