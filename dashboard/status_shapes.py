"""What the API answers about the whole: figures, the account, what was turned away, the system's own state."""

from typing import TypedDict


class KeyFigure(TypedDict):
    """One figure of the overview."""

    name: str
    label: str
    value: float | None
    unit: str
    before: float | None
    target: float | None
    trend: list[float | None]


class Summary(TypedDict):
    """The overview's figures."""

    at: str
    devices: int
    fresh: int
    stale: int
    silent: int
    open_alerts: dict[str, int]
    figures: list[KeyFigure]
    figures_source: str


class DistrictCounts(TypedDict):
    """How many devices a district has, and open alerts by severity; `district_id` is None for those in none."""

    district_id: str | None
    devices: int
    freshness: dict[str, int]
    open_alerts: dict[str, int]


class DeviceCounts(TypedDict):
    """How many devices a source has, as the API counts them."""

    devices: int
    freshness: dict[str, int]
    districts: list[DistrictCounts]


class AccountRow(TypedDict):
    """What became of one device's deliveries."""

    device_id: str
    hour: str | None
    received: int
    accepted: int
    rejected: int
    readings: int
    stored: int
    duplicate: int
    refused: int
    closes: bool


class RejectedMessage(TypedDict):
    """A message that was turned away, in whole or in part."""

    rejected_id: int
    received_at: str
    fate: str
    reason: str
    detail: str
    device_id: str | None
    topic: str
    payload_text: str
    payload_size: int


class ReasonCount(TypedDict):
    """How many messages were turned away for one reason."""

    fate: str
    reason: str
    messages: int
    newest_at: str


class ReasonCounts(TypedDict):
    """Why messages were turned away; not `complete`: of the newest 100,000 only."""

    items: list[ReasonCount]
    complete: bool


class ProcessState(TypedDict):
    """One process and how far behind it is."""

    name: str
    state: str
    lag_rows: int | None
    lag_seconds: float | None
    detail: str


class Status(TypedDict):
    """The system's own state."""

    at: str
    version: str
    engine: str
    demo: bool
    broker: str
    processes: list[ProcessState]
    observations: int
    messages_last_minute: int
    readings_last_minute: int
    limits: list[str]
