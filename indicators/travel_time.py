"""How long a trip takes and how much that varies: FHWA's travel-time indices."""

from collections.abc import Sequence
from dataclasses import dataclass

from indicators.errors import IndicatorError
from indicators.quantiles import quantile
from indicators.thresholds import table_for


@dataclass(frozen=True, slots=True)
class TravelTimeReliability:
    """Indices of one route and period; times in the unit of the input, indices without unit.

    `travel_time_index` is mean over free flow, `planning_time_index` 95th percentile over free flow, `buffer_index`
    the share to add to the mean to be on time in 19 of 20 trips, `level_of_travel_time_reliability` 80th percentile
    over median (LOTTR).
    """

    mean: float
    p95: float
    travel_time_index: float
    planning_time_index: float
    buffer_index: float
    level_of_travel_time_reliability: float
    unreliable: bool
    edition: str


def reliability(travel_times: Sequence[float], free_flow: float) -> TravelTimeReliability:
    """Return the indices of `travel_times` against the `free_flow` travel time, both in the same unit."""
    if not travel_times or min(travel_times) <= 0 or free_flow <= 0:
        raise IndicatorError("travel times and the free-flow time must be there and above 0")
    table = table_for("travel_time")
    average = sum(travel_times) / len(travel_times)
    p95 = quantile(travel_times, table.section("planning_share"))
    high, middle = (quantile(travel_times, share) for share in table.section("lottr_shares"))
    return TravelTimeReliability(
        mean=average,
        p95=p95,
        travel_time_index=average / free_flow,
        planning_time_index=p95 / free_flow,
        buffer_index=(p95 - average) / average,
        level_of_travel_time_reliability=high / middle,
        unreliable=high / middle >= table.section("lottr_unreliable_from"),
        edition=table.edition,
    )


def free_flow_speed(off_peak_speeds: Sequence[float]) -> float:
    """Return the free-flow speed (km/h): the 85th percentile of off-peak speeds."""
    return quantile(off_peak_speeds, table_for("travel_time").section("free_flow_share"))
