"""Naming devices that flood: in the log, and in the store for people to see."""

from collections.abc import Callable, Sequence
from datetime import datetime

from citywatch.telemetry import get_logger
from ingest.fairness import Flood

log = get_logger()


class FloodRecord:
    """Which floods go on, since when."""

    def __init__(self, device_of: Callable[[str], str | None]) -> None:
        self._device_of = device_of
        self._began: dict[str, datetime] = {}

    def note(self, floods: Sequence[Flood], now: datetime) -> list[list[object]]:
        """Name those that have begun or ended, and return columns for the query `record_floods`."""
        by_device: dict[str, list[Flood]] = {}
        for flood in floods:
            by_device.setdefault(self._device_of(flood.topic) or flood.topic[:64], []).append(flood)
        rows: list[tuple[object, ...]] = []
        going_on: dict[str, datetime] = {}
        for device_id, its in by_device.items():
            messages, rate = sum(flood.messages for flood in its), sum(flood.rate for flood in its)
            set_aside, usual = sum(flood.set_aside for flood in its), its[0].usual
            began = self._began.get(device_id)
            if began is None:
                began = now
                log.warning("device_floods", device=device_id, rate=round(rate, 1), usual=round(usual, 2))
            going_on[device_id] = began
            rows.append((device_id, began, now, messages, rate, usual, set_aside))
        for device_id in self._began.keys() - going_on.keys():
            log.info("device_flood_over", device=device_id)
        self._began = going_on
        return [list(column) for column in zip(*rows, strict=True)]
