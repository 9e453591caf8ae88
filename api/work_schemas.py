"""Bodies and answers of work orders, maintenance windows and notifications."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from api.plain import PLAIN, Note, Sentence
from api.schemas import Instant, Schema, Severity

Line = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=PLAIN)]
Link = Annotated[str, StringConstraints(max_length=1000, pattern=r"^https?://[^\s\x00]+$")]
Number = Annotated[int, Field(ge=1, le=2**53 - 1)]  # as far as every JSON reader counts
WorkStep = Literal["accepted", "en_route", "done", "cancelled"]


class HandOver(Schema):
    """Body of `POST /api/v1/work-orders`: an alert or an incident, and the department that it goes to."""

    alert_id: Number | None = None
    incident_id: Number | None = None
    queue: Line = Field(examples=["Waste North"])
    task: Sentence | None = Field(None, description="what to do; by default what the rule says")
    note: Note = ""
    due_at: Instant | None = Field(None, description="by default by severity: 1 h, 4 h, 24 h, 72 h")


class WorkReport(Schema):
    """Body of `POST /api/v1/work-orders/{id}/{step}`."""

    crew: Line | None = Field(None, examples=["Crew 4"])
    note: Note = Field("", examples=["Lid was jammed; emptied"])
    photo_url: Link | None = Field(None, examples=["https://photos.example/42.jpg"])


class WorkEvent(BaseModel):
    """One line of the journal of a work order."""

    event_id: int
    at: datetime
    from_state: str | None
    to_state: str
    actor: str
    crew: str | None
    note: str
    photo_url: str | None


class WorkOrder(BaseModel):
    """What a department is asked to do, and how far it is."""

    work_order_id: int
    alert_id: int
    incident_id: int | None
    queue: str
    crew: str | None
    severity: Severity
    task: str
    state: Literal["waiting", "accepted", "en_route", "done", "cancelled"]
    created_by: str
    created_at: datetime
    due_at: datetime
    changed_at: datetime
    photo_url: str | None
    overdue: bool
    device_id: str | None
    device_name: str | None
    district_id: str | None
    latitude: float | None
    longitude: float | None
    text: str | None = Field(description="what the alert says")


class WorkOrderDetail(WorkOrder):
    """A work order with its journal."""

    events: list[WorkEvent]


class WorkOrderPage(BaseModel):
    """Work orders, newest first."""

    items: list[WorkOrder]
    next_cursor: str | None


class Maintenance(Schema):
    """Body of `POST /api/v1/maintenance`: exactly one of device, site, district and tag, and for how long."""

    device_id: Line | None = None
    site_id: Line | None = None
    district_id: Line | None = None
    tag: Annotated[str, StringConstraints(max_length=200, pattern=r"^[a-z_]+:[^\x00]+$")] | None = Field(
        None, examples=["gateway:gw-3"]
    )
    starts_at: Instant | None = Field(None, description="by default now")
    ends_at: Instant
    reason: Sentence


class MaintenanceWindow(BaseModel):
    """When what is out of service, why, and who said so."""

    window_id: int
    device_id: str | None
    site_id: str | None
    district_id: str | None
    tag: str | None
    starts_at: datetime
    ends_at: datetime
    reason: str
    actor: str
    created_at: datetime
    ended_by: str | None
    running: bool


class MaintenanceList(BaseModel):
    """Maintenance windows, the newest first."""

    items: list[MaintenanceWindow]


class Notification(BaseModel):
    """One message to one receiver, sent or not, with the reason."""

    notification_id: int
    alert_id: int
    incident_id: int | None
    kind: Literal["alert", "digest", "work_order"]
    step: int = Field(description="0: the first; then steps of the escalation; from 1000 on repetitions")
    channel: str
    target: str
    state: Literal["pending", "sent", "dropped", "dead", "held"]
    reason: str
    attempts: int
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None


class NotificationPage(BaseModel):
    """Notifications, newest first."""

    items: list[Notification]
    next_cursor: str | None


class AlarmHealth(BaseModel):
    """Alarm health by the measures of ISA-18.2; each with its target and whether it is met."""

    since: datetime
    until: datetime
    measures: list[dict[str, Any]]
    worst: list[dict[str, Any]] = Field(description="the ten rules and devices that speak most, with their share")
    chattering: list[dict[str, Any]]
    stale: list[dict[str, Any]]
    by_severity: dict[str, int]
    by_district: list[dict[str, Any]]
    periods: list[dict[str, Any]] = Field(description="alerts of each ten minutes in which there were any")
