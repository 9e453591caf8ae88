"""What is planted: faults of devices and incidents in the city, each with its true times."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Planted:
    """One fault or incident. It is true from `start` until `end` (aware UTC) for `device_id`.

    `affected` names every device whose readings show it, the first included; `parameters` say how strong it is.
    """

    planted_id: str
    kind: str
    start: datetime
    end: datetime
    device_id: str
    district_id: str
    parameters: dict[str, Any] = field(default_factory=dict)
    affected: tuple[str, ...] = ()

    def progress(self, seconds: float) -> float:
        """Return seconds since the start, negative before it."""
        return seconds - self.start.timestamp()

    def holds(self, seconds: float) -> bool:
        """Return whether it is true at a moment."""
        return self.start.timestamp() <= seconds < self.end.timestamp()

    def line(self) -> bytes:
        """Return its line of the answer key."""
        return orjson.dumps(
            {
                "planted_id": self.planted_id,
                "kind": self.kind,
                "start": rfc3339(self.start.timestamp()),
                "end": rfc3339(self.end.timestamp()),
                "device_id": self.device_id,
                "district_id": self.district_id,
                "affected": list(self.affected),
                "parameters": self.parameters,
            },
            option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SORT_KEYS,
        )


def rfc3339(seconds: float) -> str:
    """Return a moment as devices write it: UTC, to the millisecond."""
    return datetime.fromtimestamp(round(seconds * 1000) / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


class Plan:
    """Everything planted so far, found by device."""

    def __init__(self, planted: Iterable[Planted] = ()) -> None:
        self._by_device: dict[str, list[Planted]] = {}
        for one in planted:
            self.add(one)

    def add(self, planted: Planted) -> None:
        """Plant one more."""
        for device_id in planted.affected or (planted.device_id,):
            self._by_device.setdefault(device_id, []).append(planted)

    def of(self, device_id: str) -> list[Planted]:
        """Return what is planted on a device, whenever it holds."""
        return self._by_device.get(device_id, [])

    def at(self, device_id: str, seconds: float) -> Iterator[Planted]:
        """Yield what holds for a device at a moment."""
        for planted in self._by_device.get(device_id, ()):
            if planted.holds(seconds):
                yield planted

    def forget(self, seconds: float) -> None:
        """Drop what ended before a moment, so that a long run does not grow."""
        for device_id in list(self._by_device):
            left = [p for p in self._by_device[device_id] if p.end.timestamp() >= seconds]
            if left:
                self._by_device[device_id] = left
            else:
                del self._by_device[device_id]
