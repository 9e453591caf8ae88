"""`citywatch score`: a scenario through the live system, and what it said held against the answer key."""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import httpx
import typer

from api.scores import scores_file
from citywatch.cli.score_system import AT_END, System, look_after, own_system, scratch
from citywatch.durations import parse_duration
from citywatch.errors import CitywatchError
from citywatch.settings import load_settings
from citywatch.telemetry import configure_logging
from simulators.answer_key import AnswerKey, read_answer_key
from simulators.city import City
from simulators.dialects import topic_of
from simulators.fleet import Fleet
from simulators.listing import read_alerts, read_flags
from simulators.living import Links, Pace, live, start_time
from simulators.placing import build_city
from simulators.planting import Planted
from simulators.progress import Progress
from simulators.publisher import Endpoint
from simulators.registry import registry_document
from simulators.scenarios import Scenario, load_scenario
from simulators.scoring import alert_names
from simulators.scoring import score as score_of

DEVICES = 120
START = datetime(2026, 3, 3, tzinfo=UTC)  # a Tuesday: where the scenario names no day of its own
SLICE = timedelta(minutes=10)  # of simulated time, published as fast as the system takes it
SETTLE = timedelta(hours=1)  # after the scenario, so that what began late can still be told
SOURCE = "simulator"


def score(
    scenario: Annotated[str, typer.Argument(help="a shipped scenario or a YAML file")],
    seed: Annotated[int, typer.Option(help="the same seed plants the same things", min=0)] = 1,
    devices: Annotated[int, typer.Option(help="how many devices the city has", min=10, max=100_000)] = DEVICES,
    lasts: Annotated[str, typer.Option("--for", help="simulated time, e.g. 6h; none: the scenario's own")] = "",
    against: Annotated[str, typer.Option(help="URL that lists the alerts of another system")] = "",
    warp: Annotated[float, typer.Option(help="with --against: simulated time so many times as fast", min=0.01)] = 1.0,
    names: Annotated[Path | None, typer.Option(help="with --against: YAML, which alert names stand for what")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Run a scenario through a live system of its own, and compare its alerts and flags with the answer key.

    Everything goes the usual way (broker, ingest, store, rules, HTTP) on a replay source, so that a day takes a minute
    or so. Nothing of the installation around it is touched; the score is written down in its
    data folder, for the page of the simulator.

    Another system is scored with `--against`: the scenario is published to the broker of the settings on the wall
    clock, or `--warp` times as fast, and its alerts are read in the format of docs/simulators.md.

    Example: `citywatch score rush-hour-crash --seed 7 --json`
    """
    settings = load_settings()
    configure_logging("score", settings.log_level, settings.log_format)
    chosen = load_scenario(scenario)
    span = parse_duration(lasts) if lasts else chosen.lasts
    city = build_city(seed, devices)
    table = alert_names(names)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=scratch(), prefix="citywatch-score-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs under an account of its own where we are root
        if against:
            figures = asyncio.run(_score_other(city, chosen, span, folder, against, warp, table))
        else:
            figures = run_scenario(city, chosen, span, folder, table)
    figures = {"scenario": chosen.name, "seed": seed, "devices": devices, **figures}
    figures["seconds"] = round(time.monotonic() - began, 1)
    _keep(scores_file(settings.data_dir), figures)
    print(json.dumps(figures) if as_json else render(figures))


def _keep(path: Path, figures: dict[str, Any]) -> None:
    """Write a score down for the API and the page of the simulator; a folder that cannot be written spoils no run."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"at": datetime.now(UTC).isoformat(), **figures}) + "\n")
    except OSError as error:
        typer.echo(f"the score is not written down: {error}", err=True)


def run_scenario(
    city: City, scenario: Scenario, span: timedelta, folder: Path, names: dict[str, frozenset[str]]
) -> dict[str, Any]:
    """Return the score of a system of its own, started in `folder`."""
    with own_system(folder, registry_document(city, SOURCE)) as system:
        return asyncio.run(_score_own(system, city, scenario, span, names))


async def _score_own(
    system: System, city: City, scenario: Scenario, span: timedelta, names: dict[str, frozenset[str]]
) -> dict[str, Any]:
    key = system.folder / "answer_key.jsonl"
    start = scenario.start or START
    fleet = Fleet(city, scenario, start, AnswerKey(key), replay=True)
    progress = Progress(f"score {scenario.name}")
    sent = 0
    connection = await asyncpg.connect(system.dsn)
    try:
        async with _links(Endpoint("127.0.0.1", system.broker_port), city) as links:
            at, end = start, start + span + SETTLE
            while at < end:
                at = min(at + SLICE, end)
                for message in fleet.until(at.timestamp()):
                    await links.of(message.device.device_id).publish(topic_of(message.device), message.payload)
                    sent += 1
                await links.drain()
                await system.settled(connection, sent)
                look_after(system)
                progress(int((at - start).total_seconds()), int((end - start).total_seconds()), f"{sent:,} messages")
            await system.settled(connection, sent, AT_END)
    finally:
        progress.close()
        await connection.close()
    planted = list(read_answer_key(key))
    return await asyncio.to_thread(_listen, system.url, city, planted, start, start + span, names, sent)


def _listen(
    url: str,
    city: City,
    planted: list[Planted],
    begin: datetime,
    end: datetime,
    names: dict[str, frozenset[str]],
    sent: int,
) -> dict[str, Any]:
    with httpx.Client(timeout=60) as client:
        _wait_until_ready(client, url)
        alerts = read_alerts(client, f"{url}/api/v1/alerts?limit=1000", names)
        runs = read_flags(client, url, begin, end + SETTLE)
    outside = [a for a in alerts if not begin <= a.raised_at <= end + SETTLE]
    figures = score_of(city, planted, alerts, runs, begin, end)
    return {"messages": sent, **figures, "alerts_outside_simulated_time": len(outside)}


def _wait_until_ready(client: httpx.Client, url: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            if client.get(f"{url}/health/ready").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        if time.monotonic() > deadline:
            raise CitywatchError(f"{url} does not answer")
        time.sleep(0.1)


async def _score_other(
    city: City,
    scenario: Scenario,
    span: timedelta,
    folder: Path,
    url: str,
    warp: float,
    names: dict[str, frozenset[str]],
) -> dict[str, Any]:
    settings = load_settings()
    key = folder / "answer_key.jsonl"
    start = start_time(datetime.now(UTC), scenario.start if warp != 1.0 else None, warp)
    fleet = Fleet(city, scenario, start, AnswerKey(key), replay=warp != 1.0)
    wall = (span + min(SETTLE, span)) / warp
    async with _links(Endpoint.of(settings), city) as links:
        sent = await live(fleet, links, Pace(start, time.monotonic(), warp, wall), asyncio.Event())
    with httpx.Client(timeout=60) as client:
        alerts = await asyncio.to_thread(read_alerts, client, url, names)
    end = start + span
    heard = [a for a in alerts if start <= a.raised_at <= end + SETTLE]
    return {"messages": sent, **score_of(city, list(read_answer_key(key)), heard, None, start, end)}


@asynccontextmanager
async def _links(endpoint: Endpoint, city: City) -> AsyncIterator[Links]:
    links = Links(endpoint, city, own=False, name="citywatch-score")
    await links.open()
    try:
        yield links
    finally:
        await links.close()


def render(figures: dict[str, Any]) -> str:
    """Return the score for people."""
    incidents = figures["incidents"]
    lines = [
        f"{figures['scenario']}, seed {figures['seed']}, {figures['devices']} devices: {figures['days']} days, "
        f"{figures['messages']:,} messages in {figures['seconds']} s",
        f"incidents: {_share(incidents['found'], incidents['planted'], incidents['recall'])} found, "
        f"{_share(incidents['right'], incidents['said'], incidents['precision'])} of what was said was so",
        f"false alerts: {figures['false_alerts']}, {figures['false_alerts_per_day']} a day  {figures['false_by_rule']}",
    ]
    for title in ("kinds", "districts"):
        for name, found in figures[title].items():
            delay = f", first told after {found['delay_s']['median']} s" if found["delay_s"] else ""
            lines.append(f"  {name:<22} {_share(found['found'], found['planted'], found['recall'])}{delay}")
    for name, flag in figures.get("flags", {}).items():
        lines.append(f"  flags: {name:<15} F1 {flag['f1']} (recall {flag['recall']}, precision {flag['precision']})")
    return "\n".join(lines)


def _share(part: int, whole: int, ratio: float | None) -> str:
    return f"{part} of {whole}" + (f" ({ratio:.0%})" if ratio is not None else "")
