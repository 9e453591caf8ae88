"""Instants on the command line."""

from datetime import UTC, datetime

import typer


def instant(option: str, text: str) -> datetime:
    """Return an RFC 3339 instant in UTC, which it is taken to be in without a zone; raise BadParameter for others."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no instant such as 2026-03-01T12:00:00Z", param_hint=option) from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
