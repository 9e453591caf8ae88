"""What is done beside the judging takes a share of the time at most: the longer it takes, the seldomer it is done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.stream import BEGINNING


@dataclass(slots=True)
class Pace:
    """Something that takes `share` of all time at most, and is done no more often than every `least`."""

    share: float
    least: timedelta = timedelta()
    done_at: datetime = BEGINNING
    due_at: datetime = BEGINNING

    def due(self, now: datetime) -> bool:
        """Say whether it may be done now; a clock that was set back holds nothing up."""
        return not self.done_at <= now < self.due_at

    @contextmanager
    def measured(self, now: datetime) -> Iterator[None]:
        """Do it, from `now` on; how long it takes says when it is due again."""
        began = time.perf_counter()
        yield
        took = timedelta(seconds=time.perf_counter() - began)
        self.done_at, self.due_at = now, now + max(self.least, took / self.share)
