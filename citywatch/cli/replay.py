"""`citywatch replay`: real recorded series, published as their devices would have."""

import asyncio
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from citywatch.cli.instants import instant
from citywatch.cli.process import run_process
from citywatch.cli.recorded import load_recorded, registry_for
from citywatch.cli.registering import register
from citywatch.durations import parse_duration
from citywatch.local.running import store_dsn
from citywatch.settings import Settings, load_settings
from citywatch.telemetry import get_logger
from simulators.mapping import load_mapping, mapping_names
from simulators.progress import Progress
from simulators.publisher import Endpoint, Publisher
from simulators.replay import replay as publish_recordings
from simulators.replay import squeezed
from simulators.series import Series

log = get_logger()


def replay(
    files: Annotated[list[Path], typer.Argument(help="Recorded series (CSV) or recordings (.jsonl).", exists=True)],
    mapping: Annotated[
        str | None,
        typer.Option(help="Mapping: a shipped name or a YAML file; found by the columns when left out."),
    ] = None,
    speed: Annotated[str, typer.Option(help="`original`, a factor such as 60, or `max`.")] = "max",
    within: Annotated[
        str | None,
        typer.Option(help="Stretch or squeeze each series to last this long, e.g. 24m, in place of --speed."),
    ] = None,
    since: Annotated[str | None, typer.Option(help="Leave out what is before (RFC 3339, or a UTC date).")] = None,
    until: Annotated[str | None, typer.Option(help="Leave out what is not before.")] = None,
    source: Annotated[
        str | None, typer.Option(help="Name of the replay source; the mapping's own if left out.")
    ] = None,
    as_: Annotated[
        str | None, typer.Option("--as", help="Recordings: put this before each device's name, on a replay source.")
    ] = None,
    registry: Annotated[
        Path | None, typer.Option(help="Write the devices of the files as a registry here, and exit.")
    ] = None,
    no_register: Annotated[bool, typer.Option("--no-register", help="The devices are registered already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON line of figures.")] = False,
) -> None:
    """Publish recorded series over MQTT, in order of time, at their own or another pace.

    Example: `citywatch replay prsa_dongsi_2016.csv.gz --speed 3600`

    Live traffic recorded before, shown again beside the living city: `citywatch replay morning.jsonl.gz --as again-`

    A day of real data that comes with Citywatch: `citywatch replay simulators/samples/*.csv --within 24m`

    Their devices are registered first, on a time base of their own. Where the store is out of reach from here, write
    the registry with --registry, import it there (`citywatch devices import`), and replay with --no-register.
    """
    factor = 1.0 if within is not None else _speed(speed)
    first, last = _instant("--since", since), _instant("--until", until)
    recorded = load_recorded(files, mapping, source, as_, first, last)
    if registry is not None:
        registry.parent.mkdir(parents=True, exist_ok=True)
        document = recorded.registry
        registry.write_text(json.dumps(document, indent=1), encoding="utf-8")
        typer.echo(f"{registry}: {len(document['devices'])} devices, {len(document['sources'])} replay sources")
        return
    recordings = recorded.messages
    if within is not None:
        recordings = [squeezed(one, parse_duration(within)) for one in recordings]

    if not no_register and (recorded.series or recorded.renamed):
        dsn = store_dsn(load_settings())
        register(dsn, registry_for(recorded, dsn))

    async def process(settings: Settings, stop: asyncio.Event) -> None:
        endpoint = Endpoint.of(settings)
        publisher = Publisher(endpoint, f"citywatch-replay-{os.getpid()}", window=2000)
        await publisher.open()
        progress = Progress("replay")
        _say(recorded.series)
        try:
            result = await publish_recordings(recordings, publisher, factor, stop, progress)
        finally:
            progress.close()
            await publisher.close()
        log.info("replayed", messages=result.messages, readings=result.readings, stopped=result.stopped)
        if as_json:
            # What a recorded message holds is not looked into.
            readings = None if recorded.renamed or not recorded.series else result.readings
            typer.echo(json.dumps({"messages": result.messages, "readings": readings}))

    run_process("replay", process)


def _say(series: list[Series]) -> None:
    for one in series:
        log.info(
            "replay_started",
            mapping=one.mapping.name,
            rows=one.rows,
            skipped=one.skipped,
            messages=len(one.records),
            devices=len(one.devices),
        )


def _speed(text: str) -> float | None:
    """Return the factor that `--speed` spells, None for as fast as acknowledged."""
    if text == "max":
        return None
    if text == "original":
        return 1.0
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0.0 < factor < 1e9:
        raise typer.BadParameter(f"{text!r} is not original, max or a factor above 0", param_hint="--speed")
    return factor


def _instant(option: str, text: str | None) -> datetime | None:
    return None if text is None else instant(option, text)


def mappings() -> None:
    """List the shipped mappings.

    Example: `citywatch mappings`
    """
    for name in mapping_names():
        one = load_mapping(name)
        typer.echo(f"{name:<18} {one.title} ({one.licence})")
