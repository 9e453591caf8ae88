"""Instants as devices write them: RFC 3339 text, epoch seconds or epoch milliseconds; always aware UTC in the end."""

import math
from datetime import UTC, datetime, timedelta

# A number above this is milliseconds: as seconds it would be the year 5138.
MILLISECONDS_ABOVE = 1e11


def parse_instant(value: object) -> datetime:
    """Return the instant that `value` writes; raise ValueError with the reason otherwise."""
    if type(value) is str:
        return _from_text(value)
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
    """Return a value as an error text may show it: its JSON-like spelling, cut to 80 characters."""
    text = ascii(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _from_text(text: str) -> datetime:
    # fromisoformat also reads dates, week dates and basic forms; RFC 3339 has one shape, and always a zone.
    if (
        len(text) < 20
        or text[4] != "-"
        or text[7] != "-"
        or text[10] not in "Tt "
        or text[13] != ":"
        or text[16] != ":"
    ):
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
