"""The overview's key figures: what a city asks first, each with 24 hours behind it and its target where there is one.

Targets: WHO 2021 air quality guideline levels (24 h) for PM2.5 and NO2; a bin is due at 80 % (our own convention).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from api.status_schemas import KeyFigure

HOURS = 24
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Figure:
    """Which column of which property makes a figure: `mean` over datastreams, or the count `at_least_80`."""

    name: str
    label: str
    property: str
    column: str
    unit: str
    target: float | None = None


FIGURES = (
    Figure("vehicle_speed", "Mean speed", "vehicle_speed", "mean", "km/h"),
    Figure("vehicle_flow", "Mean flow per counter", "vehicle_flow", "mean", "{vehicles}/h"),
    Figure("bins_due", "Bins at 80 % or more", "fill_level", "at_least_80", "1"),
    Figure("fill_level", "Mean fill level", "fill_level", "mean", "%"),
    Figure("pm2_5", "PM2.5, mean of stations", "pm2_5", "mean", "ug/m3", 15),
    Figure("no2", "NO₂, mean of stations", "no2", "mean", "ug/m3", 25),
)
PROPERTIES = sorted({figure.property for figure in FIGURES})


def floor_hour(time: datetime) -> datetime:
    """Return the start of the hour that holds `time`."""
    return time.replace(minute=0, second=0, microsecond=0)


def key_figures(
    now: datetime, latest: Iterable[Mapping[str, Any]], hours: Iterable[Mapping[str, Any]]
) -> list[KeyFigure]:
    """Return the figures that the city has data for.

    `latest` has a row per property now, `hours` one per property and hour; `before` is the same hour yesterday.
    The 24 values of the trend are the last full hours, oldest first, None where nothing reported.
    """
    current = {row["property"]: row for row in latest}
    past = {(row["property"], row["bucket"]): row for row in hours}
    this_hour = floor_hour(now)
    figures = []
    for figure in FIGURES:
        rows = [past.get((figure.property, this_hour - k * HOUR)) for k in range(HOURS, 0, -1)]
        here = current.get(figure.property)
        if here is None and not any(rows):
            continue
        figures.append(
            KeyFigure(
                name=figure.name,
                label=figure.label,
                value=None if here is None else here[figure.column],
                unit=figure.unit,
                before=None if rows[0] is None else rows[0][figure.column],
                target=figure.target,
                trend=[None if row is None else row[figure.column] for row in rows],
            )
        )
    return figures
