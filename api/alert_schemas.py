"""Bodies and answers about alerts and incidents."""

from datetime import datetime
from typing import Any

from pydantic import Field

from api.plain import PLAIN, Note, Sentence
from api.schemas import Instant, Page, Schema, Severity


class Alert(Schema):
    """One alert. Text comes from `message` with `parameters`, in the reader's language; `text` is the English."""

    alert_id: int
    rule_id: str
    rule_version: int
    device_id: str | None
    device_name: str | None
    district_id: str | None
    domain: str | None
    datastream_id: int | None
    property: str | None
    severity: Severity
    state: str
    open: bool
    silent: bool
    message: str
    parameters: dict[str, Any]
    text: str
    raised_at: datetime
    recorded_at: datetime
    cleared_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    assigned_to: str | None = None
    source_id: str | None = Field(None, description="source of time of its device; null where it is about none")
    latched: bool = Field(False, description="stays open after it has cleared, until it is reset")
    area: str | None = Field(None, description="what it is about instead of a device, such as district:north")
    suppressed_by: int | None = Field(None, description="the alert that says why this one is quiet")
    retracted_at: datetime | None = Field(None, description="when late readings showed that it had not been so")
    shelved_until: datetime | None = None
    incident_id: int | None = Field(None, description="incident it belongs to: alerts with one common cause")
    rule_title: str = Field(description="what the rule is called, in the version that fired")


class AlertEvent(Schema):
    """One line of the alert journal."""

    event_id: int
    at: datetime
    recorded_at: datetime
    kind: str
    from_state: str | None
    to_state: str
    actor: str
    comment: str


class AlertDetail(Alert):
    """An alert with its journal, the rule behind it and what to do about it."""

    events: list[AlertEvent]
    inputs: dict[str, Any]
    rule: dict[str, Any] = Field(description="title, cause, consequence, operator_action, time_to_respond, owner")
    units: dict[str, str] = Field(description="UCUM code of each observed property in the rule's condition")


class AlertPage(Page):
    """A page of alerts, newest first."""

    items: list[Alert]


class Incident(Schema):
    """Alerts with one common cause; `severity` is that of the most urgent, `closed_at` null while one is open."""

    incident_id: int
    cause: str = Field(description="what they share, such as gateway:GW-7")
    title: str
    severity: Severity
    began_at: datetime
    newest_at: datetime
    closed_at: datetime | None
    alert_ids: list[int]


class IncidentList(Schema):
    """Incidents, newest first."""

    items: list[Incident]


class Acknowledge(Schema):
    """Body of `POST /api/v1/alerts/{id}/acknowledge`."""

    comment: Note = Field("", examples=["Crew on its way"])


class Comment(Schema):
    """Body of `POST /api/v1/alerts/{id}/comment`."""

    comment: Sentence = Field(examples=["Lid found open"])


class Assign(Schema):
    """Body of `POST /api/v1/alerts/{id}/assign`."""

    to: str = Field(min_length=1, max_length=80, pattern=PLAIN, examples=["Crew North"])


class Shelve(Schema):
    """Body of `POST /api/v1/alerts/{id}/shelve`: quiet until then, at most seven days, with the reason."""

    until: Instant = Field(examples=["2026-11-25T06:00:00Z"])
    comment: Sentence = Field(examples=["Road works until morning"])
