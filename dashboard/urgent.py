"""The most urgent alerts where there are more than a page shows: the API lists the newest first."""

import asyncio
from collections.abc import Collection
from typing import Any

from dashboard.client import ApiClient
from dashboard.components.alerts import QUIET
from dashboard.components.marks import SEVERITIES, UNANSWERED
from dashboard.shapes import Alert

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


async def newest_and_open(api: ApiClient, most: int, **filters: Any) -> list[Alert]:
    """Return the newest alerts, and with them the open ones that are older: each `most` at most."""
    newest, (still_open, _) = await asyncio.gather(api.alerts(most=most, **filters), most_urgent(api, most, **filters))
    return list({alert["alert_id"]: alert for alert in (*newest, *still_open)}.values())
