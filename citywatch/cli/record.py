"""`citywatch record`: live traffic of the broker, kept in the form that `citywatch replay` reads."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from citywatch.cli.process import run_process
from citywatch.durations import parse_duration
from citywatch.settings import Settings
from citywatch.telemetry import get_logger
from simulators.progress import Progress
from simulators.publisher import Endpoint
from simulators.recorder import Recorder
from simulators.recording import SUFFIXES, is_recording

log = get_logger()
DEFAULT_FILTER = "city/v1/devices/+/telemetry"


def record(
    file: Annotated[Path, typer.Argument(help="Where to write: a name that ends in .jsonl or .jsonl.gz.")],
    for_: Annotated[str | None, typer.Option("--for", help="Stop after this long, e.g. 10m.")] = None,
    topic: Annotated[list[str] | None, typer.Option(help="Topic filter; may be given more than once.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a file that is there.")] = False,
) -> None:
    """Capture live telemetry from the broker until Ctrl-C, or for a time.

    Example: `citywatch record morning.jsonl.gz --for 2h`, and later `citywatch replay morning.jsonl.gz --as again-`
    """
    if not is_recording(file):
        raise typer.BadParameter(f"{file.name} must end in {' or '.join(SUFFIXES)}", param_hint="FILE")
    if file.exists() and not overwrite:
        raise typer.BadParameter(f"{file} is there already: name another, or add --overwrite", param_hint="FILE")
    seconds = parse_duration(for_).total_seconds() if for_ is not None else None

    async def process(settings: Settings, stop: asyncio.Event) -> None:
        endpoint = Endpoint.of(settings)
        recorder = Recorder(endpoint, f"citywatch-record-{os.getpid()}", topic or [DEFAULT_FILTER])
        await recorder.open()
        log.info("recording", file=str(file), filters=recorder.filters)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        if seconds is not None:
            loop.call_later(seconds, stop.set)
        progress = Progress("record")

        def tell(messages: int) -> None:
            passed = loop.time() - begun
            progress(int(passed), int(seconds or 0), f"{messages:,} messages")

        try:
            await recorder.write(file, stop, tell)
        finally:
            progress.close()
        log.info("recorded", file=str(file), messages=recorder.messages)

    run_process("record", process)
