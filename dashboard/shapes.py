"""The JSON that the API answers, as far as the screen reads it (its own description is /openapi.json)."""

from typing import Any, Literal, TypedDict

JsonObject = dict[str, Any]
Severity = Literal["CRITICAL", "HIGH", "MEDIUM", "LOW"]
Freshness = Literal["fresh", "stale", "silent", "never"]


class District(TypedDict):
    """A part of the city."""

    district_id: str
    name: str
    population: int | None
    polygon: JsonObject


class Response(TypedDict):
    """Median and 90th percentile in seconds, over `n` cases; None without any."""

    median_s: float | None
    p90_s: float | None
    n: int


class DistrictService(TypedDict):
    """How one district is served; `coverage` is devices per 10,000 residents."""

    district_id: str
    name: str
    coverage: float | None
    overflow_hours_per_bin: float | None
    to_acknowledge: Response
    to_resolve: Response


class Equity(TypedDict):
    """Whether districts are served alike."""

    parity: float | None
    flagged: bool
    gini: float | None
    theil: float | None
    districts: list[DistrictService]


class Source(TypedDict):
    """A source of time: the city as it runs, or a replay with its own now."""

    source_id: str
    kind: Literal["live", "replay"]
    clock: str | None
    devices: int


class Latest(TypedDict):
    """The newest observation of one datastream."""

    datastream_id: int
    device_id: str
    property: str
    unit: str
    phenomenon_time: str | None
    received_at: str | None
    result: float | None
    quality: int | None


class Device(TypedDict):
    """A device with its state."""

    device_id: str
    name: str
    profile: str
    domain: str
    site_id: str | None
    district_id: str | None
    latitude: float | None
    longitude: float | None
    source_id: str
    expected_interval_seconds: float
    last_time: str | None
    freshness: Freshness
    worst_severity: Severity | None
    presence: str
    link: str | None
    link_at: str | None
    learned_interval_seconds: float | None
    tags: JsonObject
    version: int
    latest: list[Latest]


class Clusters(TypedDict):
    """Devices gathered for a map, with sums over all that were asked for; `items` go to the browser as they are."""

    devices: int
    freshness: dict[str, int]
    alerting: int
    domains: dict[str, int]
    extent: list[float] | None
    zoom: int
    items: list[JsonObject]


class Command(TypedDict):
    """A command to a device, and what became of it."""

    command_id: str
    device_id: str
    name: str
    arguments: JsonObject
    state: str
    created_at: str
    created_by: str
    result: Any
    reason: str


class Calculation(TypedDict):
    """One version of a calculated datastream; `datastream_id` is None before its first value."""

    device_id: str
    property: str
    version: int
    formula: str
    inputs: dict[str, dict[str, str]]
    unit: str
    every: str
    author: str
    reason: str
    created_at: str
    ended_at: str | None
    datastream_id: int | None


class Stranger(TypedDict):
    """An id that sends and that nobody registered."""

    device_id: str
    messages: int
    first_at: str
    last_at: str
    topic: str
    payload_text: str


class ProfileEntry(TypedDict):
    """One device type."""

    key: str
    label: str
    domain: str
    envelope: str
    codec: str | None
    properties: list[str]


class Visit(TypedDict):
    """One bin on a route: when, and what is on board after it."""

    bin_id: str
    arrival: str
    load: int


class TruckRoute(TypedDict):
    """One truck's way, in metres and litres."""

    truck: str
    distance: int
    load: int
    start: str
    end: str
    visits: list[Visit]


class LeftOut(TypedDict):
    """A bin that is not served, and why."""

    bin_id: str
    reason: str


class Plan(TypedDict):
    """Collection routes."""

    depot: list[float]
    bins: int
    distance: int
    distance_in_bin_order: int
    routes: list[TruckRoute]
    left_out: list[LeftOut]


class ForecastPoint(TypedDict):
    """What is expected of one hour, and the band around it."""

    time: str
    expected: float
    low: float
    high: float


class ForecastScore(TypedDict):
    """How forecasts of the last two weeks did beside the same hour of the week before."""

    error: float
    last_week_error: float
    gain: float
    coverage: float
    n: int


class Forecast(TypedDict):
    """The next 24 hours of a datastream; no points where there is too little history."""

    property: str
    unit: str
    share: float
    points: list[ForecastPoint]
    score: ForecastScore | None


class Point(TypedDict):
    """One point of a chart."""

    time: str
    value: float | None
    min: float | None
    max: float | None
    n: int | None
    good_share: float | None


class Series(TypedDict):
    """Observations of one datastream."""

    datastream_id: int
    device_id: str
    property: str
    unit: str
    resolution: str
    points: list[Point]
