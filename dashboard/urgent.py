"""The most urgent alerts where there are more than a page shows: the API lists the newest first."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.alert_shapes import Alert
from dashboard.client import ApiClient
from dashboard.components.alerts import QUIET
from dashboard.components.marks import SEVERITIES, UNANSWERED
from dashboard.units import counted, parse_time

# States of open alerts in the order in which an operator works them off, as `urgency` sorts what is shown.
STATES = (UNANSWERED, frozenset({"acknowledged", "latched_acknowledged"}), QUIET)


async def most_urgent(
    api: ApiClient, most: int, *, states: Collection[str] = (), severity: str | None = None, **filters: Any
) -> tuple[list[Alert], bool]:
    """Return open alerts, in `states` where some are named, and whether there are more than these `most`.

    In a flood the newest are not those to begin with: an old critical one comes before many new ones that are low.
    """
    asked = {"open": True, "severity": severity, "state": sorted(states) or None, **filters}
    newest = await api.alerts(most=most + 1, **asked)
    if len(newest) <= most:
        return newest, False
    found: dict[int, Alert] = {}  # by number: one that is acknowledged meanwhile would come twice
    for group in STATES:
        if wanted := sorted(group & set(states) if states else group):
            for worst in SEVERITIES if severity is None else (severity,):
                if len(found) < most:
                    asked |= {"state": wanted, "severity": worst}
                    found |= {each["alert_id"]: each for each in await api.alerts(most=most - len(found), **asked)}
    return list(found.values()), True


@dataclass(frozen=True, slots=True)
class Lately:
    """The newest alerts, and with them the open ones that are older.

    In a flood not all are here: but all that were raised since `known_since` (None: all there ever were), and all that
    are open unless there are `more_open`.
    """

    alerts: list[Alert]
    known_since: datetime | None
    more_open: bool

    def counted(self, count: int, since: datetime) -> str:
        """Return how many alerts of a span that began at `since` were counted here, in words."""
        return counted(count, cut=self.known_since is not None and since < self.known_since)

    def counted_open(self, count: int) -> str:
        """Return how many open alerts were counted here, in words."""
        return counted(count, cut=self.more_open)


def known_since(newest: Sequence[Alert], most: int) -> datetime | None:
    """Return since when all alerts are among the `newest`, of which `most` were asked for; None where these are all."""
    return parse_time(newest[-1]["raised_at"]) if len(newest) == most else None


async def newest_and_open(api: ApiClient, most: int, **filters: Any) -> Lately:
    """Return the newest alerts and the open ones: each `most` at most."""
    newest, (still_open, more) = await asyncio.gather(
        api.alerts(most=most, **filters), most_urgent(api, most, **filters)
    )
    alerts = {alert["alert_id"]: alert for alert in (*newest, *still_open)}
    return Lately(list(alerts.values()), known_since(newest, most), more)
