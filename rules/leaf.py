"""What every leaf of a condition shares: its memory, and how a yes or no becomes a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rules.model import Verdict

# (time of the newest sample, then whatever the condition keeps: numbers, times, tuples of them)
Memory = tuple[Any, ...]


def verdict_of(holds: bool) -> Verdict:
    """Return TRUE or FALSE."""
    return Verdict.TRUE if holds else Verdict.FALSE


@dataclass(frozen=True, slots=True)
class Level:
    """What conditions on the present value share: they remember that value only."""

    def observe(self, memory: Memory | None, at: datetime, value: float) -> Memory:
        """Remember the newest value."""
        return at, value
