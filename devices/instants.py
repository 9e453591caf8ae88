"""Instants as devices write them: RFC 3339 text, epoch seconds or epoch milliseconds; always aware UTC in the end."""

import math
from datetime import UTC, datetime, timedelta

# A number above this is milliseconds: as seconds it would be the year 5138.
MILLISECONDS_ABOVE = 1e11


def parse_instant(value: object) -> datetime:
    """Return the instant that `value` writes; raise ValueError with the reason otherwise."""
    if type(value) is str:
        return parse_rfc3339(value)
    if type(value) is int or type(value) is float:
        return _from_epoch(value)
    raise ValueError(f"{shown(value)} is neither an RFC 3339 time nor epoch seconds or milliseconds")


def shift(instant: datetime, seconds: object) -> datetime:
    """Return `instant` moved by `seconds`; raise ValueError where that is no number or leaves the calendar."""
    if type(seconds) is not int and type(seconds) is not float:
        raise ValueError(f"{shown(seconds)} is not a number of seconds")
    try:
        return instant + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise ValueError(f"{shown(seconds)} seconds leave the calendar") from None


def shown(value: object) -> str:
    """Return a value as an error text may show it, short whatever the value is."""
    if isinstance(value, str | bytes):
        return ascii(value) if len(value) <= 60 else f"{value[:60]!a}..."
    if value is None or isinstance(value, bool | float):
        return str(value)
    if isinstance(value, int):
        return str(value) if -(2**64) < value < 2**64 else "a number of many digits"
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    return type(value).__name__


def parse_rfc3339(text: str) -> datetime:
    """Return the instant an RFC 3339 text writes; raise ValueError with the reason otherwise."""
    # fromisoformat also reads bare dates, week dates and basic forms, which RFC 3339 does not know.
    if len(text) < 17 or text[10] not in "Tt " or text[7] != "-" or text[13] != ":":
        raise ValueError(f"{shown(text)} is not an RFC 3339 time")
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is UTC:
            return instant
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError) as reason:
        raise ValueError(f"{shown(text)} is not an RFC 3339 time: {reason}") from None
    raise ValueError(f"{shown(text)} states no zone")


def _from_epoch(number: float) -> datetime:
    if not math.isfinite(number):
        raise ValueError(f"{number} is not a time")
    try:
        if -MILLISECONDS_ABOVE <= number <= MILLISECONDS_ABOVE:
            return datetime.fromtimestamp(number, UTC)
        return datetime.fromtimestamp(number / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{shown(number)} is outside the calendar") from None
