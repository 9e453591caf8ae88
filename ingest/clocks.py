"""Clocks that are wrong by a constant: estimated per device, recognised, corrected where they cannot be right. Pure.

The offset is the median of arrival minus device time. Only times that are impossible are corrected (ahead of the
arrival, or before the city was live): a constant delay may be honest, as of a device that stamps the hour it has just
measured, so that is only pointed out.

A clock that is corrected is learned anew where the corrected times are late by a constant: local time after the change
to winter, or a device without a clock after a reboot.
"""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

# So many messages must agree to so many seconds.
MESSAGES = 12
AGREE_WITHIN = 30.0
QUARTER = 900.0
WIDEST_ZONE = 14 * 3600.0 + QUARTER
GPS_ROLLOVER = 1024 * 7 * 86400.0
UNSET_BEFORE = 2001  # clocks begin in 1970, 1980 or 2000
# Where the offset is known already, so much lies between two of them: what had been kept somewhere comes at once.
APART = timedelta(seconds=30)
# A delay shorter than this is how devices are.
SUSPICIOUS_DELAY = timedelta(minutes=25)


@dataclass(frozen=True, slots=True)
class ClockFault:
    """A constant offset: `offset` is to be added to what the device says; `corrected` tells whether it is."""

    device_id: str
    kind: str
    offset: timedelta
    corrected: bool


class ClockWatch:
    """What one device's clock has shown. `offset` is set while its times are corrected."""

    __slots__ = ("_seen", "_seen_at", "offset", "reported")

    def __init__(self, offset: timedelta | None = None) -> None:
        self._seen: deque[float] = deque(maxlen=MESSAGES)
        self._seen_at: datetime | None = None
        self.offset = offset
        self.reported: tuple[str, float] | None = None

    def note(self, device_id: str, stated: datetime, arrived: datetime, *, possible: bool) -> ClockFault | None:
        """Take in the newest time of one message; return the fault, once, when enough messages agree on it."""
        seen = self._seen
        if self.offset is not None and self._seen_at is not None and arrived - self._seen_at < APART:
            return None
        self._seen_at = arrived
        seen.append((arrived - stated).total_seconds())
        if len(seen) < MESSAGES:
            return None
        middle = median(seen)
        if max(abs(offset - middle) for offset in seen) > AGREE_WITHIN:
            return None
        kind, offset = recognise(middle, stated)
        if possible and kind != "zone":
            return None
        if not possible:
            self.offset = timedelta(seconds=offset)
        seen.clear()
        if self.reported == (kind, offset):
            return None
        self.reported = kind, offset
        return ClockFault(device_id, kind, timedelta(seconds=offset), corrected=not possible)

    def confirm(self) -> None:
        """Note that the offset holds: a message that it does not explain was an old one."""
        self._seen.clear()

    def forget(self) -> None:
        """Begin anew: the offset no longer holds, as after a reboot."""
        self._seen.clear()
        self.offset = self.reported = None


def recognise(offset: float, stated: datetime) -> tuple[str, float]:
    """Return what fault an offset in seconds is, and the exact offset that fault has."""
    quarters = round(offset / QUARTER) * QUARTER
    if quarters and abs(offset) <= WIDEST_ZONE and abs(offset - quarters) <= AGREE_WITHIN:
        return "zone", quarters
    if abs(offset - GPS_ROLLOVER) <= AGREE_WITHIN:
        return "gps_rollover", GPS_ROLLOVER
    return ("unset" if stated.year < UNSET_BEFORE else "constant"), float(round(offset))
