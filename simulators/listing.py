"""What a system under test says over HTTP, in the scoreboard's format (docs/simulators.md)."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from citywatch.errors import CitywatchError
from simulators.scoring import FlaggedRun, Heard

# Bits of `tests` in our own listing of flagged runs, and the group of faults each test shows.
TEST_GROUPS = {1: "clock", 2: "range", 4: "spike", 8: "offset", 16: "stuck", 32: "stuck", 512: "offset"}


def read_alerts(client: httpx.Client, url: str, names: Mapping[str, frozenset[str]]) -> list[Heard]:
    """Return every alert that `url` lists; raise CitywatchError naming what is missing in which one.

    One marked `silent` corrected history and told nobody: it is not counted.
    """
    return [_heard(item, url, names) for item in _items(client, url) if not item.get("silent")]


def read_flags(client: httpx.Client, base: str, since: datetime, until: datetime) -> list[FlaggedRun]:
    """Return the flagged runs and wrong clocks that Citywatch lists."""
    found = []
    span = {"since": since.isoformat(), "until": until.isoformat()}
    for item in _items(client, f"{base}/api/v1/quality/runs", span):
        groups = frozenset(name for bit, name in TEST_GROUPS.items() if item["tests"] & bit)
        found.append(
            FlaggedRun(
                item["device_id"],
                groups,
                item["property"],
                _instant(item["began_at"]),
                _instant(item["ended_at"]),
            )
        )
    for item in _items(client, f"{base}/api/v1/quality/clocks"):
        found.append(FlaggedRun(item["device_id"], frozenset({"clock"})))
    return found


def _items(client: httpx.Client, url: str, parameters: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
    cursor = None
    while True:
        query = dict(parameters or {})
        if cursor is not None:
            query["cursor"] = cursor
        try:
            answer = client.get(url, params=query)
            answer.raise_for_status()
            page = answer.json()
            yield from page["items"]
            cursor = page.get("next_cursor")
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as reason:
            raise CitywatchError(f"{url}: not a list of the scoreboard's format: {reason}") from None
        if cursor is None:
            return


def _heard(item: Mapping[str, Any], url: str, names: Mapping[str, frozenset[str]]) -> Heard:
    try:
        rule = str(item.get("rule_id") or item.get("name") or "")
        incident = item.get("incident_id")
        return Heard(
            str(item["device_id"] or ""),
            _instant(item["raised_at"]),
            names.get(rule),
            rule,
            None if incident is None else str(incident),
        )
    except (KeyError, TypeError, ValueError) as reason:
        raise CitywatchError(f"{url}: an alert without device_id and raised_at: {item!r:.200} ({reason!r})") from None


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.utcoffset() is None:
        raise ValueError(f"{text} has no time zone")
    return at.astimezone(UTC)
