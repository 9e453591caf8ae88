"""Answers about the whole: the overview's figures, counts, and the system's own state."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.schemas import Schema


class KeyFigure(Schema):
    """One figure of the overview, with yesterday's or last hour's for the trend and its target where there is one."""

    name: str
    label: str
    value: float | None
    unit: str
    before: float | None
    target: float | None
    trend: list[float | None] = Field(default_factory=list, description="24 hourly values, oldest first")


class Summary(Schema):
    """The overview's figures."""

    at: datetime
    devices: int
    fresh: int
    stale: int
    silent: int
    open_alerts: dict[str, int] = Field(description="by severity, of the source of `figures` and of no device")
    figures: list[KeyFigure]
    figures_source: str = Field("live", description="time base of `figures`: the source with the most devices")


class DistrictCounts(Schema):
    """The devices of one district and what is open there; `district_id` is null for those in none."""

    district_id: str | None
    devices: int
    freshness: dict[str, int] = Field(description="devices by freshness: fresh, stale, silent, never")
    open_alerts: dict[str, int] = Field(description="by severity, of the devices and of the district itself")


class DeviceCounts(Schema):
    """How many devices a source has and how many alerts are open, however many those are."""

    devices: int
    freshness: dict[str, int] = Field(description="devices by freshness: fresh, stale, silent, never")
    districts: list[DistrictCounts]


class ProcessState(Schema):
    """One process or consumer, and how far behind it is."""

    name: str
    state: Literal["running", "stopped", "unknown"]
    lag_rows: int | None
    lag_seconds: float | None
    detail: str = ""


class Status(Schema):
    """The system's own state: processes, counts, store and what this set-up cannot do."""

    at: datetime
    version: str
    engine: str
    demo: bool
    broker: str
    processes: list[ProcessState]
    observations: int
    messages_last_minute: int
    readings_last_minute: int
    limits: list[str] = Field(default_factory=list, description="what this set-up cannot do, in plain words")


class Health(Schema):
    """Whether this process is alive or ready; `checks` names what was looked at."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, str] = Field(default_factory=dict)
