"""What the judgements of the API look like: indicators, forecasts, comparisons, equity, collection routes."""

from datetime import datetime
from typing import Any

from pydantic import Field

from api.schemas import Schema


class Indicator(Schema):
    """One indicator; `inputs` names what it takes, with unit, kind and whether it must be there."""

    name: str
    summary: str
    inputs: dict[str, dict[str, Any]]


class IndicatorList(Schema):
    """All indicators by name."""

    items: list[Indicator]


class ForecastPoint(Schema):
    """What is expected of one hour, and the band that holds it with the forecast's share."""

    time: datetime
    expected: float
    low: float
    high: float


class ForecastScore(Schema):
    """How forecasts of the last two weeks did: mean absolute errors on the same `n` hours; `gain` is the share saved
    against "same hour last week", `coverage` the share of hours inside the band."""

    error: float
    last_week_error: float
    gain: float
    coverage: float
    n: int


class Forecast(Schema):
    """The 24 hours after the newest full hour; empty, with the reason, where there is not enough history."""

    datastream_id: int
    device_id: str
    property: str
    unit: str
    method: str
    share: float
    seasonality: str | None
    weeks: float | None
    points: list[ForecastPoint]
    score: ForecastScore | None
    reason: str | None = None


class Effect(Schema):
    """Relative change from before to after (0.1: 10 % more) with its interval; null figures where days are too few."""

    district_id: str
    change: float | None
    low: float | None
    high: float | None
    found: bool = Field(description="the interval leaves 0 out")
    days_before: int
    days_after: int
    hours: int
    reason: str | None = None


class EffectList(Schema):
    """Effects by district."""

    property: str
    share: float
    control: str | None
    items: list[Effect]


class Response(Schema):
    """Median and 90th percentile in seconds, over `n` cases; null without any."""

    median_s: float | None
    p90_s: float | None
    n: int


class DistrictService(Schema):
    """How one district is served."""

    district_id: str
    name: str
    residents: int | None
    devices: int
    coverage: float | None = Field(description="devices per 10,000 residents")
    bins: int
    overflow_hours: int
    overflow_hours_per_bin: float | None
    to_acknowledge: Response
    to_resolve: Response


class Equity(Schema):
    """Whether districts are served alike. Parity is the least coverage over the greatest; below 0.8 it is flagged."""

    since: datetime
    parity: float | None
    flagged: bool
    gini: float | None
    theil: float | None
    n: int
    districts: list[DistrictService]


class Visit(Schema):
    """One bin on a route; `arrival` is hh:mm, `load` what is on board after it, in litres."""

    bin_id: str
    arrival: str
    load: int


class TruckRoute(Schema):
    """One truck's way from the depot and back; `distance` in metres."""

    truck: str
    distance: int
    load: int
    start: str
    end: str
    visits: list[Visit]


class LeftOut(Schema):
    """A bin that is not served, and why."""

    bin_id: str
    reason: str


class Plan(Schema):
    """Collection routes; distances are beeline times 1.3, in metres."""

    depot: list[float] = Field(description="latitude, longitude")
    bins: int
    distance: int
    distance_in_bin_order: int
    routes: list[TruckRoute]
    left_out: list[LeftOut]
