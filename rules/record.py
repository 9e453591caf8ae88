"""What the engine says, in the store: many alerts with a few statements, so that a flood takes seconds, not minutes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from rules.alerts import inputs_of, key_of, lock_alert, move, raise_alert, standing_of
from rules.difference import Change, Kind
from rules.engine import Watch
from rules.lifecycle import advance, raised
from rules.model import Subject
from rules.wording import describe
from sql.connection import Connection, Record
from sql.queries import query


class News(NamedTuple):
    """One thing that the engine says, and what it is about."""

    ready: Watch
    subject: Subject
    datastream_id: int | None
    change: Change

    @property
    def key(self) -> str:
        """Return what the alert is about."""
        return key_of(self.change.rule_id, self.subject.device_id)

    @property
    def began_at(self) -> datetime:
        """Return when the alert was raised, as it was last said."""
        return self.change.was or self.change.episode.raised_at

    @property
    def actor(self) -> str:
        """Return who says so."""
        return f"rule {self.change.rule_id} v{self.ready.rule.version}"


async def record(connection: Connection, news: Sequence[News]) -> list[int | None]:
    """Write what the engine says, in that order, inside the caller's transaction; return the alert each concerns.

    None where there is nothing to write: somebody had raised it already, or it is so already. Saying a thing twice
    changes nothing.
    """
    found: dict[int, int | None] = {}
    for turn in _turns(news):
        raises = [n for n in turn if news[n].change.kind is Kind.RAISED]
        others = [n for n in turn if news[n].change.kind is not Kind.RAISED]
        found |= zip(raises, await _raise(connection, [news[n] for n in raises]), strict=True)
        found |= zip(others, await _change(connection, [news[n] for n in others]), strict=True)
    return [found[n] for n in range(len(news))]


def _turns(news: Sequence[News]) -> Iterator[list[int]]:
    """Yield the positions of what can be written at once: what is said of one alert stays in its order."""
    turns: list[list[int]] = []
    said: Counter[str] = Counter()
    for position, each in enumerate(news):
        turn = said[each.key]
        said[each.key] += 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(position)
    yield from turns


async def _raise(connection: Connection, news: Sequence[News]) -> list[int | None]:
    if not news:
        return []
    keys, times = [each.key for each in news], [each.change.episode.raised_at for each in news]
    met = await connection.fetch(query("rules", "before_raises"), keys, times)
    alone = [
        each.change.episode.cleared_at is None and row["superseded"] is None and not row["shelved"]
        for each, row in zip(news, met, strict=True)
    ]
    made = await _raise_alone(connection, [each for each, plain in zip(news, alone, strict=True) if plain])
    return [
        made.get(each.key)
        if plain
        else await raise_alert(connection, each.ready, each.subject, each.datastream_id, each.change, each.key)
        for each, plain in zip(news, alone, strict=True)
    ]


async def _raise_alone(connection: Connection, news: Sequence[News]) -> dict[str, int]:
    """Write new alerts that stand and meet nothing; return those made, by key. The unique indexes decide."""
    if not news:
        return {}
    rules = [each.ready.rule for each in news]
    standings = [raised(latched=rule.latched) for rule in rules]
    rows = await connection.fetch(
        query("rules", "raise_alerts"),
        [each.key for each in news],
        [rule.rule_id for rule in rules],
        [rule.version for rule in rules],
        [each.subject.device_id if each.subject.area is None else None for each in news],
        [each.datastream_id for each in news],
        [rule.severity.value for rule in rules],
        [standing.state.value for standing in standings],
        [standing.open for standing in standings],
        [each.change.episode.silent for each in news],
        [describe(each.ready, each.subject, each.change) for each in news],
        [inputs_of(each.ready, each.subject, each.change) for each in news],
        [each.change.episode.raised_at for each in news],
        [rule.latched for rule in rules],
        [each.subject.device_id if each.subject.area is not None else None for each in news],
        [each.actor for each in news],
    )
    return {row["alert_key"]: row["alert_id"] for row in rows}


async def _change(connection: Connection, news: Sequence[News]) -> list[int | None]:
    """Write what becomes of alerts that were raised before."""
    if not news:
        return []
    keys, times = [each.key for each in news], [each.began_at for each in news]
    rows = {row["alert_key"]: row for row in await connection.fetch(query("rules", "lock_by_raises"), keys, times)}
    found = [(each, rows.get(each.key)) for each in news]
    real = [(each, row) for each, row in found if row is not None and not _is_so(row, each.change)]
    await _make_room(connection, [each for each, row in real if each.change.kind is Kind.REOPENED and not row["open"]])
    before = [standing_of(row) for _, row in real]
    after = [
        advance(standing, each.change.kind, acknowledged=row["acknowledged_at"] is not None)
        for standing, (each, row) in zip(before, real, strict=True)
    ]
    if real:
        changes = [each.change for each, _ in real]
        await connection.fetch(
            query("rules", "change_alerts"),
            [row["alert_id"] for _, row in real],
            [standing.state.value for standing in after],
            [standing.open for standing in after],
            [change.episode.raised_at for change in changes],
            [change.episode.cleared_at for change in changes],
            [change.episode.silent for change in changes],
            [change.kind is Kind.RETRACTED for change in changes],
            [change.at for change in changes],
            [change.kind.value for change in changes],
            [standing.state.value for standing in before],
            [each.actor for each, _ in real],
            [f"had begun {each.began_at.isoformat()}" if each.change.kind is Kind.MOVED else "" for each, _ in real],
        )
    written = {each.key: row["alert_id"] for each, row in real}
    return [written.get(each.key) for each in news]


async def _make_room(connection: Connection, reopened: Sequence[News]) -> None:
    """Close what is open beside alerts that are reopened: an operator may have called back another of their key."""
    for each in reopened:
        met = await connection.fetchrow(query("rules", "open_alert"), each.key)
        if met is not None:
            row = await lock_alert(connection, met["alert_id"])
            await move(connection, row, Kind.SUPERSEDED, each.change.at, each.actor)


def _is_so(row: Record, change: Change) -> bool:
    stands = standing_of(row).active
    return (change.kind is Kind.CLEARED and not stands) or (change.kind is Kind.REOPENED and stands)
