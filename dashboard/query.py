"""What the address says: the source that is shown, the selection, the span, and filters."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dashboard.shapes import Source
from dashboard.units import parse_time

LIVE = "live"
# Spans a chart may show, with the resolution that keeps it readable.
SPANS: dict[str, tuple[timedelta, str]] = {
    "1h": (timedelta(hours=1), "raw"),
    "6h": (timedelta(hours=6), "minute"),
    "24h": (timedelta(hours=24), "quarter"),
    "7d": (timedelta(days=7), "hour"),
}


# The finest resolution in which curves of many devices come in one answer.
MANY = {"raw": "minute"}


@dataclass(frozen=True, slots=True)
class Query:
    """The query part of the address; `get` reads any other parameter."""

    values: dict[str, str]

    @classmethod
    def parse(cls, search: str | None) -> "Query":
        """Return the parameters in `search` (`?a=b&c=d`); the last of equal names counts."""
        return cls({key: found[-1] for key, found in parse_qs((search or "").lstrip("?")).items()})

    def get(self, name: str) -> str | None:
        """Return a parameter that is there and not empty."""
        return self.values.get(name) or None

    def number(self, name: str) -> int | None:
        """Return a parameter that is a whole number."""
        value = self.values.get(name, "")
        return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None

    @property
    def source_id(self) -> str:
        """Return the source of time that is shown; live unless the address says otherwise."""
        return self.get("source") or LIVE

    def span(self, default: str) -> str:
        """Return the name of the chosen span."""
        chosen = self.get("span")
        return chosen if chosen in SPANS else default


@dataclass(frozen=True, slots=True)
class Clock:
    """The chosen source and its now: the wall clock for live, the recorded clock for a replay."""

    source: Source
    now: datetime

    @property
    def live(self) -> bool:
        """Return whether this is the city as it runs."""
        return self.source["kind"] == LIVE


def choose_clock(sources: list[Source], source_id: str, wall: datetime) -> Clock:
    """Return the clock of `source_id`; an unknown source falls back to live."""
    for source in sources:
        if source["source_id"] == source_id and source["kind"] == "replay":
            return Clock(source, parse_time(source["clock"]) or wall)
    return Clock({"source_id": LIVE, "kind": "live", "clock": None, "devices": 0}, wall)


def wall_clock() -> datetime:
    """Return the wall clock; the one place where the dashboard reads it."""
    return datetime.now(UTC)


def reader_zone(name: str | None) -> ZoneInfo:
    """Return the time zone that the browser named; UTC where it named none that we know."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
