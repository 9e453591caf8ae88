"""Chinese air quality index after HJ 633: linear between points, rounded up, primary pollutant above 50 only."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from itertools import pairwise

from indicators.air_quality import AirIndex, check_names, keep_higher, worst
from indicators.exact import exact
from indicators.thresholds import table_for


def china_aqi(concentrations: Mapping[str, float], on: date | None = None) -> AirIndex:
    """Return the AQI of a place, at most 500 (the standard defines nothing above; we hold the top there).

    `concentrations` by quantity: pm2_5, pm10, so2_24h, no2_24h, o3_8h, o3_1h in ug/m3, co_24h in mg/m3. Ozone takes the
    larger of its periods; its 8-hour scale ends at 800 ug/m3, above which only the 1-hour value counts.
    `on` picks the edition in force: HJ 633-2026 from 2026-03-01, HJ 633-2012 before.
    Raises IndicatorError for an unknown quantity or a value that is no number.
    """
    table = table_for("china_aqi", on)
    quantities, index_points = table.section("quantities"), table.section("index_points")
    check_names(concentrations, quantities, table)
    sub_indices: dict[str, int] = {}
    for name, value in concentrations.items():
        row = quantities[name]
        keep_higher(sub_indices, row["pollutant"], _individual_index(exact(value), row["points"], index_points))
    index = worst(sub_indices, table.section("categories"), table.edition)
    if index.value is not None and index.value <= table.section("primary_above"):
        return replace(index, responsible=())
    return index


def _individual_index(value: Fraction, points: Sequence[float], index_points: Sequence[int]) -> int | None:
    concentration = max(value, Fraction(0))
    knots = [(exact(point), index) for point, index in zip(points, index_points, strict=False)]
    for (low, index_low), (high, index_high) in pairwise(knots):
        if concentration <= high:
            return math.ceil((index_high - index_low) * (concentration - low) / (high - low) + index_low)
    return index_points[-1] if len(points) == len(index_points) else None
