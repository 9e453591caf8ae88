"""What every long-running command does: settings, logging, a stop on SIGTERM or Ctrl-C, exit codes."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from citywatch.local.running import store_dsn
from citywatch.settings import Settings, load_settings
from citywatch.telemetry import configure_logging
from sql.reporting import instance_name, keep_reporting

LAST_REPORT = 2.0  # seconds that a report under way has when the process ends

Process = Callable[[Settings, asyncio.Event], Awaitable[None]]


def run_process(name: str, process: Process, *, reports: bool = False, mark: str = "") -> None:
    """Run `process(settings, stop)` until it returns; the first SIGTERM or SIGINT sets `stop`.

    One that `reports` tells the store meanwhile how it does; `mark` tells it from others of its kind on this host.
    """
    settings = load_settings()
    configure_logging(name, settings.log_level, settings.log_format)

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        if not reports:
            await process(settings, stop)
            return
        reporting = asyncio.create_task(keep_reporting(store_dsn(settings), name, instance_name(mark), stop))
        try:
            await process(settings, stop)
        finally:
            stop.set()
            await asyncio.wait((reporting,), timeout=LAST_REPORT)
            reporting.cancel()

    asyncio.run(main())
