"""What the API says of places, devices and their readings, as types, and what all its shapes share."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

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


class Schema(BaseModel):
    """A shape with exactly these fields: a body that has another is refused."""

    model_config = ConfigDict(extra="forbid")


class Page(Schema):
    """How lists page: pass `next_cursor` back as `cursor`; null on the last page."""

    next_cursor: str | None = None


class District(Schema):
    """A part of the city; `polygon` is a GeoJSON geometry."""

    district_id: str
    name: str
    population: int | None
    polygon: dict[str, Any]


class Site(Schema):
    """A named place in a district that carries devices."""

    site_id: str
    name: str
    district_id: str | None
    latitude: float | None
    longitude: float | None


class Source(Schema):
    """A time base: `live` goes by the wall clock, a replay source by its own, which only advances."""

    source_id: str
    kind: Literal["live", "replay"]
    clock: datetime | None = Field(description="the source's now; null for a replay that has not begun")
    devices: int


class Datastream(Schema):
    """One observed property of one device, in one UCUM unit; `published`: open data for everybody."""

    datastream_id: int
    device_id: str
    property: str
    unit: str
    published: bool


class Latest(Schema):
    """The newest observation of one datastream."""

    datastream_id: int
    device_id: str
    property: str
    unit: str
    phenomenon_time: datetime | None
    received_at: datetime | None
    result: float | None
    quality: int | None


class Device(Schema):
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


class Point(Schema):
    """One point of a chart: a reading, or a bucket with its n, min and max and its share of good readings."""

    time: datetime
    value: float | None
    min: float | None = None
    max: float | None = None
    n: int | None = None
    good_share: float | None = None


class Series(Schema):
    """Observations of one datastream, at the resolution that the span asked for."""

    datastream_id: int
    device_id: str
    property: str
    unit: str
    resolution: Resolution
    points: list[Point]


class SeriesList(Schema):
    """The curves of several datastreams."""

    items: list[Series]


class Profile(Schema):
    """A city-wide (or district-wide) curve of one property by hour or day: the mean of all readings per bucket."""

    property: str
    unit: str
    district_id: str | None
    domain: str | None = None
    resolution: Resolution
    points: list[Point]


class DevicePage(Page):
    """A page of devices."""

    items: list[Device]


class DistrictList(Schema):
    """All districts, by name."""

    items: list[District]


class SiteList(Schema):
    """All sites, by name."""

    items: list[Site]


class SourceList(Schema):
    """All sources of time."""

    items: list[Source]


class DatastreamPage(Page):
    """A page of datastreams, by device and property."""

    items: list[Datastream]


class LatestList(Schema):
    """The newest observation of each datastream asked for, in no particular order."""

    items: list[Latest]


class Me(Schema):
    """Who the caller is. `districts` and `domains` are null where it sees all."""

    name: str
    kind: Literal["demo", "session", "key"]
    roles: list[str]
    permissions: list[str]
    districts: list[str] | None
    domains: list[str] | None


class AuditEntry(Schema):
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
