"""What the API answers about alerts and the work that they make."""

from typing import TypedDict

from dashboard.shapes import JsonObject, Severity


class Alert(TypedDict):
    """One alert."""

    alert_id: int
    rule_id: str
    rule_title: str
    rule_version: int
    device_id: str | None
    device_name: str | None
    district_id: str | None
    domain: str | None
    source_id: str | None
    datastream_id: int | None
    property: str | None
    severity: Severity
    state: str
    open: bool
    silent: bool
    message: str
    parameters: JsonObject
    text: str
    raised_at: str
    recorded_at: str
    cleared_at: str | None
    acknowledged_at: str | None
    acknowledged_by: str | None
    assigned_to: str | None
    shelved_until: str | None


class AlertEvent(TypedDict):
    """One line of an alert's journal."""

    event_id: int
    at: str
    recorded_at: str
    kind: str
    from_state: str | None
    to_state: str
    actor: str
    comment: str


class AlertDetail(Alert):
    """An alert with what is behind it."""

    events: list[AlertEvent]
    inputs: JsonObject
    rule: JsonObject
    units: dict[str, str]


class Incident(TypedDict):
    """Alerts with one common cause."""

    incident_id: int
    title: str
    severity: Severity
    began_at: str
    closed_at: str | None
    alert_ids: list[int]


class WorkOrder(TypedDict):
    """What a department is asked to do, and how far it is."""

    work_order_id: int
    alert_id: int
    queue: str
    crew: str | None
    severity: Severity
    task: str
    state: str
    created_by: str
    created_at: str
    due_at: str
    changed_at: str
    overdue: bool
    device_id: str | None
    device_name: str | None
    text: str | None
