"""What the API says, as types: the dashboard, the client and the OpenAPI document share these shapes."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

Severity = Literal["CRITICAL", "HIGH", "MEDIUM", "LOW"]
Freshness = Literal["fresh", "stale", "silent", "never"]
Presence = Literal["present", "silent", "offline", "flapping", "never"]
Resolution = Literal["auto", "raw", "minute", "quarter", "hour", "day"]

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def _instant(value: object) -> datetime:
    """Return the instant in RFC 3339 text, in UTC; raise ValueError for anything else, a number included."""
    if not isinstance(value, str) or _RFC3339.fullmatch(value) is None:
        raise ValueError("an RFC 3339 date and time with its offset, such as 2026-11-24T06:00:00Z")
    try:
        return datetime.fromisoformat(value.upper().replace("Z", "+00:00")).astimezone(UTC)
    except OverflowError:
        raise ValueError("a time within the years 1 to 9999 of UTC") from None


Instant = Annotated[
    datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation")
]


class _Schema(BaseModel):
    model_config = ConfigDict(extra="forbid")


class District(_Schema):
    """A part of the city; `polygon` is a GeoJSON geometry."""

    district_id: str
    name: str
    population: int | None
    polygon: dict[str, Any]


class Site(_Schema):
    """A named place in a district that carries devices."""

    site_id: str
    name: str
    district_id: str | None
    latitude: float | None
    longitude: float | None


class Source(_Schema):
    """A time base: `live` goes by the wall clock, a replay source by its own, which only advances."""

    source_id: str
    kind: Literal["live", "replay"]
    clock: datetime | None = Field(description="the source's now; null for a replay that has not begun")
    devices: int


class Datastream(_Schema):
    """One observed property of one device, in one UCUM unit; `published`: open data for everybody."""

    datastream_id: int
    device_id: str
    property: str
    unit: str
    published: bool


class Latest(_Schema):
    """The newest observation of one datastream."""

    datastream_id: int
    device_id: str
    property: str
    unit: str
    phenomenon_time: datetime | None
    received_at: datetime | None
    result: float | None
    quality: int | None


class Device(_Schema):
    """A device with its state. `freshness` is against three expected intervals of its own source's clock."""

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
    last_time: datetime | None
    freshness: Freshness
    worst_severity: Severity | None = Field(description="of its open alerts")
    presence: Presence = Field(
        description="silent: no data for three of its real intervals, whatever its connection says; offline: its will"
    )
    link: Literal["online", "offline"] | None = Field(description="what its last birth or will said")
    link_at: datetime | None
    learned_interval_seconds: float | None = Field(description="how often it really sends: the median of late")
    tags: dict[str, Any] = Field(default_factory=dict, description="free words, which rules select by")
    version: int = Field(description="goes up with every change of the registry entry; the ETag of this device")
    latest: list[Latest] = Field(default_factory=list)


class Point(_Schema):
    """One point of a chart: a reading, or a bucket with its n, min and max and its share of good readings."""

    time: datetime
    value: float | None
    min: float | None = None
    max: float | None = None
    n: int | None = None
    good_share: float | None = None


class Series(_Schema):
    """Observations of one datastream, at the resolution that the span asked for."""

    datastream_id: int
    device_id: str
    property: str
    unit: str
    resolution: Resolution
    points: list[Point]


class SeriesList(_Schema):
    """The curves of several datastreams."""

    items: list[Series]


class Profile(_Schema):
    """A city-wide (or district-wide) curve of one property by hour or day: the mean of all readings per bucket."""

    property: str
    unit: str
    district_id: str | None
    domain: str | None = None
    resolution: Resolution
    points: list[Point]


class Alert(_Schema):
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


class AlertEvent(_Schema):
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


class Incident(_Schema):
    """Alerts with one common cause; `severity` is that of the most urgent, `closed_at` null while one is open."""

    incident_id: int
    cause: str = Field(description="what they share, such as gateway:GW-7")
    title: str
    severity: Severity
    began_at: datetime
    newest_at: datetime
    closed_at: datetime | None
    alert_ids: list[int]


class IncidentList(_Schema):
    """Incidents, newest first."""

    items: list[Incident]


class Acknowledge(_Schema):
    """Body of `POST /api/v1/alerts/{id}/acknowledge`."""

    comment: str = Field("", max_length=2000, pattern=r"^[^\x00]*$", examples=["Crew on its way"])


class Rule(_Schema):
    """A rule in its present version; `definition` is the rule file as read."""

    rule_id: str
    version: int
    enabled: bool
    updated_at: datetime
    author: str
    definition: dict[str, Any]
    open_alerts: int = Field(description="of no device and of the source of the overview's figures")
    units: dict[str, str] = Field(description="UCUM code of each observed property in its condition")


class Comment(_Schema):
    """Body of `POST /api/v1/alerts/{id}/comment`."""

    comment: str = Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*$", examples=["Lid found open"])


class Assign(_Schema):
    """Body of `POST /api/v1/alerts/{id}/assign`."""

    to: str = Field(min_length=1, max_length=80, pattern=r"^[^\x00]*$", examples=["Crew North"])


class Shelve(_Schema):
    """Body of `POST /api/v1/alerts/{id}/shelve`: quiet until then, at most seven days, with the reason."""

    until: Instant = Field(examples=["2026-11-25T06:00:00Z"])
    comment: str = Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*$", examples=["Road works until morning"])


class AccountSums(_Schema):
    """Both sums of the account, and whether they close.

    received = accepted + rejected (messages); readings = stored + duplicate + refused.
    """

    received: int
    accepted: int
    rejected: int
    readings: int
    stored: int
    duplicate: int
    refused: int
    closes: bool


class AccountRow(AccountSums):
    """What became of one device's deliveries in one hour (or in all, `hour` null). Both sums close."""

    device_id: str
    hour: datetime | None


class RejectedMessage(_Schema):
    """A message kept with the reason why it, or a reading in it, was turned away."""

    rejected_id: int
    received_at: datetime
    fate: Literal["rejected", "refused"]
    reason: str
    detail: str
    device_id: str | None
    topic: str
    payload_text: str = Field(description="the payload as UTF-8, undecodable bytes escaped, cut at 4,000 characters")
    payload_size: int


class Replay(_Schema):
    """Body of `POST /api/v1/rejected/replay`: which of the kept messages, all of them where nothing is said."""

    model_config = ConfigDict(extra="forbid")

    # To what a double counts exactly: the document's numbers are doubles to many readers.
    ids: list[Annotated[int, Field(ge=1, le=2**53 - 1)]] | None = Field(None, min_length=1, max_length=10_000)
    reason: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] | None = None
    device_id: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] | None = None


class Replayed(_Schema):
    """What became of the messages that were played, and of their readings."""

    played: int
    mended: int
    still: int = Field(description="turned away once more")
    cut: int = Field(description="kept in part only, too large to play")
    stored: int
    duplicate: int


class KeyFigure(_Schema):
    """One figure of the overview, with yesterday's or last hour's for the trend and its target where there is one."""

    name: str
    label: str
    value: float | None
    unit: str
    before: float | None
    target: float | None
    trend: list[float | None] = Field(default_factory=list, description="24 hourly values, oldest first")


class Summary(_Schema):
    """The overview's figures."""

    at: datetime
    devices: int
    fresh: int
    stale: int
    silent: int
    open_alerts: dict[str, int] = Field(description="by severity, of the source of `figures` and of no device")
    figures: list[KeyFigure]
    figures_source: str = Field("live", description="time base of `figures`: the source with the most devices")


class DistrictCounts(_Schema):
    """The devices of one district and what is open there; `district_id` is null for those in none."""

    district_id: str | None
    devices: int
    freshness: dict[str, int] = Field(description="devices by freshness: fresh, stale, silent, never")
    open_alerts: dict[str, int] = Field(description="by severity, of the devices and of the district itself")


class DeviceCounts(_Schema):
    """How many devices a source has and how many alerts are open, however many those are."""

    devices: int
    freshness: dict[str, int] = Field(description="devices by freshness: fresh, stale, silent, never")
    districts: list[DistrictCounts]


class ProcessState(_Schema):
    """One process or consumer, and how far behind it is."""

    name: str
    state: Literal["running", "stopped", "unknown"]
    lag_rows: int | None
    lag_seconds: float | None
    detail: str = ""


class Status(_Schema):
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


class Page(_Schema):
    """How lists page: pass `next_cursor` back as `cursor`; null on the last page."""

    next_cursor: str | None = None


class DevicePage(Page):
    """A page of devices."""

    items: list[Device]


class AlertPage(Page):
    """A page of alerts, newest first."""

    items: list[Alert]


class RejectedPage(Page):
    """A page of rejected messages, newest first."""

    items: list[RejectedMessage]


class FlagRun(_Schema):
    """One stretch of doubtful readings of one channel; `tests` is a set of bits, see the glossary."""

    datastream_id: int
    device_id: str
    property: str
    began_at: datetime
    ended_at: datetime
    readings: int
    worst: int = Field(description="worst QARTOD flag among them; 1 where only the time was put right")
    tests: int


class FlagRunPage(Page):
    """A page of stretches of doubtful readings, oldest first."""

    items: list[FlagRun]


class ClockFault(_Schema):
    """A device whose clock is wrong by `offset_seconds`, which is to be added to what it says."""

    device_id: str
    kind: str
    offset_seconds: float
    corrected: bool
    noticed_at: datetime


class ClockList(_Schema):
    """All devices whose clocks are wrong by a constant."""

    items: list[ClockFault]


class DistrictList(_Schema):
    """All districts, by name."""

    items: list[District]


class SiteList(_Schema):
    """All sites, by name."""

    items: list[Site]


class SourceList(_Schema):
    """All sources of time."""

    items: list[Source]


class RuleList(_Schema):
    """All rules, by id."""

    items: list[Rule]


class DatastreamPage(Page):
    """A page of datastreams, by device and property."""

    items: list[Datastream]


class LatestList(_Schema):
    """The newest observation of each datastream asked for, in no particular order."""

    items: list[Latest]


class AccountPage(Page):
    """A page of the account, by device and hour, and the sums over all that was asked for."""

    items: list[AccountRow]
    total: AccountSums


class Me(_Schema):
    """Who the caller is. `districts` and `domains` are null where it sees all."""

    name: str
    kind: Literal["demo", "session", "key"]
    roles: list[str]
    permissions: list[str]
    districts: list[str] | None
    domains: list[str] | None


class AuditEntry(_Schema):
    """One line of the audit log."""

    event_id: int
    at: datetime
    actor: str
    action: str
    object: str
    detail: dict[str, Any]
    address: str = Field(description="network address; empty: on the machine itself")
    hash: str = Field(description="SHA-256 over this entry and the hash before, in hex")


class AuditPage(Page):
    """A page of the audit log, newest first."""

    items: list[AuditEntry]


class Health(_Schema):
    """Whether this process is alive or ready; `checks` names what was looked at."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, str] = Field(default_factory=dict)


class Problem(BaseModel):
    """An error as RFC 9457 problem details; `request_id` is also in the log and in the `X-Request-Id` header."""

    type: str = Field(description="what kind of problem, as a URI reference", examples=["/problems/not-found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["there is no device 'bin-17'"])
    instance: str = Field(examples=["/api/v1/devices/bin-17"])
    request_id: str = Field(examples=["0192f0c1a7b34e0c9a51d3c5c0b1f7aa"])
    errors: list[dict[str, str]] = Field(
        default_factory=list, description="for 422: `where` and `detail` of each fault"
    )
