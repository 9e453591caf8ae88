"""What every long-running command does: settings, logging, a stop on SIGTERM or Ctrl-C, exit codes."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from citywatch.settings import Settings, load_settings
from citywatch.telemetry import configure_logging

Process = Callable[[Settings, asyncio.Event], Awaitable[None]]


def run_process(name: str, process: Process) -> None:
    """Run `process(settings, stop)` until it returns; the first SIGTERM or SIGINT sets `stop`."""
    settings = load_settings()
    configure_logging(name, settings.log_level, settings.log_format)

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await process(settings, stop)

    asyncio.run(main())
