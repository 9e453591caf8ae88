"""What may be told to everybody: counts of people, unless they are so small that they point at somebody. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from indicators.small_counts import SAFE_FROM, suppress

Row = dict[str, Any]


def counts_people(unit: str) -> bool:
    """Return whether a unit counts people, on foot or on bicycles."""
    return unit.startswith(("{persons}", "{bicycles}"))


def withhold(rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Return values with `withheld`: small counts of people are left out of `result`; zero stays."""
    told = []
    for row in rows:
        small = counts_people(row["unit"]) and 0 < row["result"] < SAFE_FROM
        told.append({**row, "result": None if small else row["result"], "withheld": small})
    return told


def withhold_districts(rows: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Return districts' sums with `withheld`, for each property of people over all districts.

    Where one district alone would be left out, the smallest other is with it: the city's sum would give it away.
    """
    told: list[Row] = [{**row, "withheld": False} for row in rows]
    people: dict[str, list[Row]] = {}
    for row in told:
        if counts_people(row["unit"]):
            people.setdefault(row["property"], []).append(row)
    for group in people.values():
        kept = suppress([max(round(row["mean"] * row["devices"]), 0) for row in group])
        for row, count in zip(group, kept, strict=True):
            if count is None:
                row.update(mean=None, min=None, max=None, withheld=True)
    return told
