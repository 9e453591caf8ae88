"""What is done once for the whole city, whoever judges its parts: quiet, groups, escalation, and our own outage.

In a divided city the others' alerts are rows that were committed a moment ago. So this is a transaction of its own
there, which waits for no row that a judge has in hand for long: else the two could wait for each other. Nobody is told
of an alert before it has been seen here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

import asyncpg

from rules.city import City
from rules.grouping import close_incidents, group_alerts, nodes_of
from rules.model import Severity
from rules.notify.escalation import Policy, escalate
from rules.notify.outbox import enqueue
from rules.outage import tell_outage
from rules.quiet import keep_quiet
from sql.connection import Connection
from sql.queries import query


class Duties:
    """What it knows of the city between two times."""

    def __init__(self, connection: Connection, policy: Policy) -> None:
        self._connection = connection
        self._policy = policy
        self._silent_rules: Collection[str] = ()
        self._sizes: Mapping[str, int] = {}
        self._behind = True  # there may be alerts that nobody has looked at yet

    def know(self, city: City) -> None:
        """Take over what the city is like now."""
        self._silent_rules = city.silent_rules
        self._sizes = Counter(node for each in city.subjects.values() for node in nodes_of(each.tags))

    async def attend(self, now: datetime, *, told: bool, deaf_from: datetime | None, heard_at: datetime | None) -> None:
        """Do what there is to do now and then, inside the caller's transaction.

        `told`: alerts changed since the last time; nothing is heard since `deaf_from`, and was at `heard_at`.
        """
        told = told or self._behind
        if told:
            await self._connection.execute(query("notify", "release"))
        await close_incidents(self._connection, now)
        await self._announce(await keep_quiet(self._connection, now))
        await escalate(self._connection, self._policy, datetime.now(UTC))
        if told:
            await group_alerts(self._connection, self._silent_rules, self._sizes)
        outage = await tell_outage(self._connection, deaf_from, heard_at)
        if outage is not None:
            await self._enqueue([(outage, Severity.CRITICAL)])
        self._behind = False

    async def attend_apart(self, now: datetime, *, deaf_from: datetime | None, heard_at: datetime | None) -> None:
        """Do so when time went by, in a transaction of its own, or the next time, if somebody has a row in hand."""
        try:
            async with self._connection.transaction():
                # Less than the server lets two wait for each other before it ends one of them: it is always us.
                await self._connection.execute("SET LOCAL lock_timeout = '500ms'")
                await self.attend(now, told=True, deaf_from=deaf_from, heard_at=heard_at)
        except asyncpg.LockNotAvailableError:
            return

    async def _announce(self, speaking: Iterable[int]) -> None:
        """Tell of alerts that speak again after they were quiet."""
        for alert_id in speaking:
            severity = Severity(await self._connection.fetchval(query("rules", "severity_of"), alert_id))
            await self._enqueue([(alert_id, severity)], anew=True)

    async def _enqueue(self, alerts: Sequence[tuple[int, Severity]], *, anew: bool = False) -> None:
        await enqueue(self._connection, self._policy.targets, alerts, datetime.now(UTC), anew=anew)
