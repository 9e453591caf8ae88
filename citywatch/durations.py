"""Durations as people write them: `90s`, `15m`, `2h`, `1d12h`, in the manner of Prometheus."""

import re
from datetime import timedelta

from citywatch.errors import SettingsError

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")


def parse_duration(text: str) -> timedelta:
    """Return the duration that `text` spells, for example `1h30m`; raise SettingsError naming it otherwise."""
    cleaned = text.strip()
    parts = list(_PART.finditer(cleaned))
    if not parts or "".join(part.group(0) for part in parts) != cleaned:
        raise SettingsError(f"{text!r} is not a duration: write a number and one of {', '.join(UNITS)}, as in 1h30m")
    try:
        return timedelta(seconds=sum(float(part.group(1)) * UNITS[part.group(2)] for part in parts))
    except OverflowError:
        raise SettingsError(f"{text!r} is too long: a duration is at most {timedelta.max.days} days") from None


def format_duration(value: timedelta) -> str:
    """Return the shortest spelling that `parse_duration` reads back to the same millisecond."""
    left = round(value.total_seconds() * 1000)
    if left == 0:
        return "0s"
    sign, left = ("-", -left) if left < 0 else ("", left)
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return sign + "".join(parts)
