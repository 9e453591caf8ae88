"""What a rule would have done over stored history, and what a changed rule would have done otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from rules.city import City
from rules.crowd import how_many, is_part
from rules.history import load_column
from rules.load import load_of
from rules.model import Episode, Rule, Subject
from rules.scan import Column, count_column, scan
from rules.trials import properties_of
from sql.connection import Connection

Found = dict[str, list[Episode]]  # by device
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Difference:
    """How one set of episodes differs from another: (device, as it would be, as it was)."""

    added: list[tuple[str, Episode]] = field(default_factory=list)
    removed: list[tuple[str, Episode]] = field(default_factory=list)
    moved: list[tuple[str, Episode, Episode]] = field(default_factory=list)
    same: int = 0


@dataclass(frozen=True, slots=True)
class Backtest:
    """What one rule would have raised over a span."""

    rule: Rule
    since: datetime
    until: datetime
    readings: int
    found: Found

    @property
    def alerts(self) -> int:
        """Return how many alerts there would have been."""
        return sum(map(len, self.found.values()))

    def per_day(self) -> dict[date, int]:
        """Return the alerts of each day (UTC) that had any."""
        days = Counter(each.raised_at.date() for episodes in self.found.values() for each in episodes)
        return dict(sorted(days.items()))

    def as_json(self) -> dict[str, Any]:
        """Return the figures for programs."""
        days = self.per_day()
        span = (self.until - self.since).total_seconds() / 86400
        return {
            "rule_id": self.rule.rule_id,
            "version": self.rule.version,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "devices": len(self.found),
            "readings": self.readings,
            "alerts": self.alerts,
            "alerts_per_day": round(self.alerts / span, 3),
            "load": load_of(
                [each.raised_at for episodes in self.found.values() for each in episodes], self.since, self.until
            ).as_json(),
            "busiest_day": max(days.items(), key=lambda day: day[1], default=(None, 0))[1],
            "days": {day.isoformat(): count for day, count in days.items()},
            "standing_at_end": sum(e[-1].cleared_at is None for e in self.found.values() if e),
        }


def against(would_be: Backtest, was: Backtest, most: int = 200) -> dict[str, Any]:
    """Return what a changed rule would have added, removed and moved, `most` examples of each spelled out."""
    change = compare(would_be.found, was.found)
    return {
        "version": was.rule.version,
        "added": len(change.added),
        "removed": len(change.removed),
        "moved": len(change.moved),
        "same": change.same,
        "alerts_before": was.alerts,
        "load_before": was.as_json()["load"],
        "examples": {
            "added": [_spell(about, each) for about, each in change.added[:most]],
            "removed": [_spell(about, each) for about, each in change.removed[:most]],
            "moved": [{**_spell(about, new), "was": _spell(about, old)} for about, new, old in change.moved[:most]],
        },
    }


def _spell(about: str, episode: Episode) -> dict[str, Any]:
    cleared = episode.cleared_at.isoformat() if episode.cleared_at else None
    return {"about": about, "raised_at": episode.raised_at.isoformat(), "cleared_at": cleared}


async def backtest(
    connection: Connection,
    city: City,
    rules: Sequence[Rule],
    since: datetime,
    until: datetime,
    progress: Progress | None = None,
) -> list[Backtest]:
    """Run rules over what is stored from `since` up to `until`; each begins by knowing nothing.

    Every datastream is read once for all rules. `progress(done, all)` hears of each device.
    """
    plans = [_Plan(rule, city) for rule in rules]
    devices = [each for each in city.subjects.values() if each.area is None]
    for number, subject in enumerate(devices):
        device_id = subject.device_id
        names = set().union(*(plan.needs(subject) for plan in plans))
        columns = {
            name: await load_column(connection, city.ids[device_id, name], since, until) for name in sorted(names)
        }
        for plan in plans:
            plan.take(subject, columns, until)
        if progress is not None:
            progress(number + 1, len(devices))
    return [Backtest(plan.rule, since, until, plan.readings, plan.finish(until)) for plan in plans]


class _Plan:
    """One rule over all devices: those it watches at once, those it counts first, and then who counts them."""

    def __init__(self, rule: Rule, known: City) -> None:
        self.rule = rule
        self.readings = 0
        self._city = City({key: each for key, each in known.subjects.items() if each.area is None}, names=known.names)
        self._city.assign([rule])
        self._found: Found = {}
        self._counted: dict[str, dict[str, Found]] = {}  # by who counts, then part, then device
        self._own: dict[str, dict[str, Column]] = {}  # what neighbours are judged by beside the count

    def needs(self, subject: Subject) -> set[str]:
        """Return the properties of a device that the rule needs: its own, or, for the device as a whole, all."""
        watches = self._city.watches[subject.device_id]
        return (properties_of(self.rule) or set(subject.properties)) & subject.properties if watches else set()

    def take(self, subject: Subject, columns: Mapping[str, Column], until: datetime) -> None:
        """Judge what is stored of one device."""
        device_id = subject.device_id
        own = {name: columns[name] for name in self.needs(subject)}
        self.readings += sum(len(each.times) for each in own.values())
        for ready in self._city.watches[device_id]:
            name = ready.rule.rule_id
            if is_part(name):
                episodes = scan(ready, own, until)
                for hearer in self._city.hearers.get((name, device_id), ()):
                    self._counted.setdefault(hearer, {}).setdefault(name, {})[device_id] = episodes
            elif any(is_part(each or "") for each in ready.properties):
                self._own[device_id] = own
            else:
                self._found[device_id] = scan(ready, own, until)

    def finish(self, until: datetime) -> Found:
        """Judge areas and neighbours by what was counted, and return all that was found."""
        for device_id, watches in self._city.watches.items():
            for ready in watches:
                if not is_part(ready.rule.rule_id) and any(is_part(each or "") for each in ready.properties):
                    counts = {
                        name: count_column(how_many(told)) for name, told in self._counted.get(device_id, {}).items()
                    }
                    self._found[device_id] = scan(ready, {**self._own.get(device_id, {}), **counts}, until)
        return self._found


def compare(would_be: Mapping[str, Iterable[Episode]], was: Mapping[str, Iterable[Episode]]) -> Difference:
    """Return what would be added, removed and moved. Episodes that overlap are the same one, moved."""
    result = Difference()
    same = 0
    for device_id in sorted({*would_be, *was}):
        old = list(was.get(device_id, ()))
        for new in would_be.get(device_id, ()):
            match = next((each for each in old if overlap(each, new)), None)
            if match is None:
                result.added.append((device_id, new))
                continue
            old.remove(match)
            if (match.raised_at, match.cleared_at) == (new.raised_at, new.cleared_at):
                same += 1
            else:
                result.moved.append((device_id, new, match))
        result.removed.extend((device_id, each) for each in old)
    return Difference(result.added, result.removed, result.moved, same)


def overlap(one: Episode, other: Episode) -> bool:
    """Say whether two episodes share an instant."""
    return one.raised_at == other.raised_at or (
        (one.cleared_at is None or other.raised_at < one.cleared_at)
        and (other.cleared_at is None or one.raised_at < other.cleared_at)
    )
