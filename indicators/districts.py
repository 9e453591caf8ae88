"""What changed in each district, and whether all are served alike: the store's rows, judged."""

import asyncio
from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from indicators.compare import Hours, compare
from indicators.equity import District, equity, response_times
from indicators.errors import IndicatorError
from sql.connection import Connection, Pool, Record
from sql.queries import query

LONGEST = timedelta(days=1500)  # both periods and what lies between

Period = tuple[datetime, datetime]  # first instant, and the end that is not included


class NotThereError(IndicatorError):
    """What is to be compared with is not there."""


@dataclass(frozen=True, slots=True)
class Periods:
    """Before and after a measure; raises IndicatorError where one does not follow the other."""

    before: Period
    after: Period

    def __post_init__(self) -> None:
        instants = [*self.before, *self.after]
        if not instants[0] < instants[1] <= instants[2] < instants[3]:
            raise IndicatorError("the periods must follow one another: before, then after")
        if instants[3] - instants[0] > LONGEST:
            raise IndicatorError(f"at most {LONGEST.days:,} days in all")


async def district_effects(
    store: Pool | Connection, name: str, periods: Periods, zone: tzinfo, control: str | None, share: float
) -> dict[str, Any]:
    """Return how the property `name` changed in each district between two periods, hours of the week matched.

    Raises NotThereError where the control district has no such hours in both.
    """
    found: list[dict[str, Hours]] = []
    for since, until in (periods.before, periods.after):
        hours: defaultdict[str, list[tuple[datetime, float]]] = defaultdict(list)
        for row in await store.fetch(query("meaning", "district_hours"), name, since, until):
            hours[row["district_id"]].append((row["bucket"].astimezone(zone), row["mean"]))
        found.append(dict(hours))
    before, after = found
    if control is not None and (control not in before or control not in after):
        raise NotThereError(f"there is no control district with {name} in both periods named {control}")
    steady = [*before[control], *after[control]] if control is not None else []
    names = [each for each in before if each in after and each != control]
    items = await asyncio.to_thread(lambda: [_effect(each, before[each], after[each], steady, share) for each in names])
    return {"property": name, "share": share, "control": control, "items": items}


def _effect(name: str, before: Hours, after: Hours, control: Hours, share: float) -> dict[str, Any]:
    reason = "needs 14 usable days on either side"
    effect = None
    try:
        effect = compare(before, after, control, share=share)
    except (IndicatorError, ZeroDivisionError, OverflowError) as error:
        reason = str(error)
    if effect is None:
        nothing = {"change": None, "low": None, "high": None, "found": False}
        return {
            "district_id": name, **nothing, "days_before": 0, "days_after": 0, "hours": 0, "reason": reason,
        }  # fmt: skip
    found = asdict(effect)
    del found["share"]
    return {"district_id": name, **found, "reason": None}


async def district_service(store: Pool | Connection, since: datetime) -> dict[str, Any]:
    """Return how each district has been served since then, and how evenly all are covered."""
    found = await store.fetch(query("meaning", "district_service"), since)
    known = [District(row["name"], row["population"], row["devices"]) for row in found if row["population"]]
    judged = equity(known) if known else None
    return {
        "since": since,
        "parity": judged.parity if judged else None,
        "flagged": judged.flagged if judged else False,
        "gini": judged.gini if judged else None,
        "theil": judged.theil if judged else None,
        "n": len(known),
        "districts": [_service(row) for row in found],
    }


def _service(row: Record) -> dict[str, Any]:
    residents, bins, overflow = row["population"], row["bins"], row["overflow_hours"]
    return {
        "district_id": row["district_id"],
        "name": row["name"],
        "residents": residents,
        "devices": row["devices"],
        "coverage": row["devices"] / residents * 10_000 if residents else None,
        "bins": bins,
        "overflow_hours": overflow,
        "overflow_hours_per_bin": overflow / bins if bins else None,
        "to_acknowledge": _waits(row["to_acknowledge"]),
        "to_resolve": _waits(row["to_resolve"]),
    }


def _waits(waits: list[timedelta]) -> dict[str, Any]:
    times = response_times(waits)
    if times is None:
        return {"median_s": None, "p90_s": None, "n": 0}
    return {"median_s": times.median.total_seconds(), "p90_s": times.p90.total_seconds(), "n": times.n}
