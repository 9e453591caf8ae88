"""What has to be told so that what was said of a rule and device becomes what is so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rules.engine import Track
from rules.lifecycle import AlertEventKind
from rules.model import Episode, Sample

Kind = AlertEventKind


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict was made from: stepping `samples` from `track` must give it again."""

    track: Track
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to tell: `kind` happened at event time `at`, and `episode` is how it is now.

    `was` is the former beginning of an episode that MOVED; RAISED carries the evidence, and which devices were counted
    where the rule counts any.
    """

    rule_id: str
    kind: AlertEventKind
    at: datetime
    episode: Episode
    was: datetime | None = None
    evidence: Evidence | None = None
    counted: tuple[str, ...] = ()


def differ(rule_id: str, said: Sequence[Episode], found: Sequence[Episode]) -> tuple[list[Change], list[Episode]]:
    """Return what to tell so that what was `said` becomes what was `found`, and the episodes as then told.

    Episodes that begin alike are the same; of the rest, an overlapping pair is one that moved. What was told aloud
    stays so, even if a late reading shows that it had begun earlier.
    """
    begins = {episode.raised_at: episode for episode in said}
    pairs = [(begins.pop(episode.raised_at, None), episode) for episode in found]
    spare = list(begins.values())
    changes: list[Change] = []
    kept: list[Episode] = []
    for same, new in pairs:
        old = same or next((each for each in spare if _overlap(each, new)), None)
        if old in spare:
            spare.remove(old)
        if old is None:
            changes.append(Change(rule_id, Kind.RAISED, new.raised_at, new))
            kept.append(new)
            continue
        now = new if old.silent else replace(new, silent=False)
        kept.append(now)
        changes += _steps_between(rule_id, old, now)
    retracted = [Change(rule_id, Kind.RETRACTED, each.raised_at, each) for each in spare]
    return retracted + changes, kept


def _steps_between(rule_id: str, old: Episode, now: Episode) -> Iterator[Change]:
    """Yield what leads from one telling of an episode to another, each step with the episode as it is then."""
    both = old.cleared_at is not None and now.cleared_at is not None
    moved = replace(old, raised_at=now.raised_at, cleared_at=now.cleared_at if both else old.cleared_at)
    if moved != old:
        yield Change(rule_id, Kind.MOVED, now.raised_at, moved, was=old.raised_at)
    if moved.silent and not now.silent:
        moved = replace(moved, silent=False)
        yield Change(rule_id, Kind.ANNUNCIATED, now.raised_at, moved)
    if old.cleared_at is None and now.cleared_at is not None:
        yield Change(rule_id, Kind.CLEARED, now.cleared_at, now)
    elif old.cleared_at is not None and now.cleared_at is None:
        yield Change(rule_id, Kind.REOPENED, old.cleared_at, now)


def _overlap(one: Episode, other: Episode) -> bool:
    return (one.cleared_at is None or other.raised_at < one.cleared_at) and (
        other.cleared_at is None or one.raised_at < other.cleared_at
    )
