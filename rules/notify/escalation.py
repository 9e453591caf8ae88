"""Who else is told when nobody acknowledges: steps by time, and the same message again until somebody does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.model import Severity
from rules.notify.outbox import Target
from sql.connection import Connection
from sql.queries import query

REPEATS = 1000  # repetitions are numbered from here on; the steps of the escalation are below
LONGEST = timedelta(days=7)  # what is older than this is stale: a figure of alarm health, not a page


@dataclass(frozen=True, slots=True)
class Step:
    """After so long without an acknowledgement, these are told, at these hours of the day (UTC) only.

    `hours` is [from, to), and may run over midnight; None: always. So a schedule is two steps with equal `after`.
    """

    after: timedelta
    targets: tuple[Target, ...]
    hours: tuple[int, int] | None = None

    def on_duty(self, now: datetime) -> bool:
        """Say whether this step is for this hour."""
        if self.hours is None:
            return True
        begin, end = self.hours
        return begin <= now.hour < end if begin < end else now.hour >= begin or now.hour < end


@dataclass(frozen=True, slots=True)
class Policy:
    """The first targets, the steps after them, and how often the first are told again; no `repeat`: never."""

    targets: tuple[Target, ...] = ()
    steps: tuple[Step, ...] = ()
    repeat: timedelta | None = None


async def escalate(connection: Connection, policy: Policy, now: datetime) -> None:
    """Put what is due by now into the outbox, inside the caller's transaction. Doing so again changes nothing.

    After an interruption the present step is told, not every one that was missed.
    """
    for number, step in enumerate(policy.steps, 1):
        if step.on_duty(now):
            for target in step.targets:
                await _tell(connection, target, number, step.after, None, now)
    if policy.repeat is not None:
        for target in policy.targets:
            await _tell(connection, target, REPEATS, policy.repeat, policy.repeat, now)


async def _tell(
    connection: Connection, target: Target, number: int, after: timedelta, repeat: timedelta | None, now: datetime
) -> None:
    wanted = [severity.value for severity in Severity if target.wants(severity)]
    await connection.execute(
        query("notify", "escalate"),
        now - after,
        wanted,
        target.channel,
        target.name,
        number,
        now,
        now - LONGEST,
        repeat,
    )
