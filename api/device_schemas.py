"""Bodies and answers about looking after devices: credentials, commands, quarantine, profiles, learning."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.json_object import JsonObject
from api.plain import Document, Word
from api.schemas import Page, Schema

DeviceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
ProfileKey = Annotated[str, StringConstraints(max_length=130, pattern=r"^[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*$")]
CommandState = Literal["queued", "sent", "acknowledged", "done", "failed", "expired"]
DomainWord = Literal["traffic", "waste", "air", "weather", "noise", "health"]


# Only names that fit: by `patternProperties` alone the schema would let others pass.
Tags = Annotated[dict[Word, Word | int | float | bool], Field(json_schema_extra={"additionalProperties": False})]


class CredentialShown(Schema):
    """A device's account at the broker, the only time that its password is shown."""

    device_id: str
    username: str
    password: str


class CredentialState(Schema):
    """What may be known of a device's account afterwards."""

    device_id: str
    created_at: datetime
    created_by: str
    revoked_at: datetime | None
    revoked_by: str | None


class Claim(Schema):
    """A registered device without a credential claims one with its fleet's key."""

    device_id: DeviceId
    key: Annotated[str, StringConstraints(min_length=20, max_length=200, pattern=r"^[!-~]+$")]


class CommandRequest(Schema):
    """Body of `POST /api/v1/devices/{device_id}/commands`."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")] = Field(examples=["self-test"])
    arguments: JsonObject = Field(
        default_factory=dict, description="what the command needs; for LoRaWAN `port` and `hex` or `object`"
    )
    expires_in_seconds: int = Field(3600, ge=1, le=30 * 86400, description="how long it may wait for the device")


class Command(Schema):
    """A command to a device, and what became of it."""

    command_id: UUID
    device_id: str
    name: str
    arguments: dict[str, Any]
    route: Literal["native", "tts_v3", "chirpstack_v4"]
    state: CommandState
    created_at: datetime
    created_by: str
    expires_at: datetime
    sent_at: datetime | None
    acknowledged_at: datetime | None
    ended_at: datetime | None
    result: Any = Field(description="what the device returned")
    reason: str = Field(description="why it failed or expired")


class CommandPage(Page):
    """A page of commands, newest first."""

    items: list[Command]


class DeviceChange(Schema):
    """Body of `PATCH /api/v1/devices/{device_id}`: what is not given keeps its value, null empties it.

    The checks are those of a device list (docs/devices.md): a location assigns the district, for example.
    """

    profile: ProfileKey | None = Field(None, description="device type, as vendor/model")
    domain: DomainWord | None = Field(None, description="the device type's where none is given")
    name: Word | None = None
    site_id: Word | None = None
    district_id: Word | None = None
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)
    source_id: Word | None = Field(None, description="time base; live where none is given")
    expected_interval: Annotated[str, StringConstraints(max_length=20)] | None = Field(None, examples=["15m"])
    tags: Tags | None = Field(None, description="texts and numbers")


class DeviceNew(DeviceChange):
    """Body of `POST /api/v1/devices`."""

    device_id: DeviceId
    profile: ProfileKey = Field(description="device type, as vendor/model")


class ListFault(Schema):
    """One thing that is wrong in a device list."""

    line: int = Field(description="1 is the header")
    column: str
    value: str
    kind: str
    limit: str = Field(description="what is allowed")


class ListReport(Schema):
    """What became of a device list: with a single fault nothing is changed."""

    devices: int
    new: int
    changed: int
    unchanged: int
    dry_run: bool
    faults: list[ListFault]


class Stranger(Schema):
    """An id that is not registered, with what is kept of it."""

    device_id: str
    messages: int
    first_at: datetime
    last_at: datetime
    topic: str
    payload_text: str = Field(description="its newest message as UTF-8, bytes escaped, cut at 4,000 characters")


class StrangerList(Schema):
    """Devices that send and that nobody registered, the one heard last first."""

    items: list[Stranger]


class Adoption(Schema):
    """Body of `POST /api/v1/quarantine/{device_id}/adopt`."""

    profile: ProfileKey
    domain: DomainWord | None = Field(None, description="the profile's where it is not given")
    name: Word = ""
    site_id: Word | None = None
    district_id: Word | None = Field(None, description="the one that the location lies in where it is not given")
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)


class Adopted(Schema):
    """What became of the messages that were kept."""

    device_id: str
    played: int
    mended: int
    still: int
    stored: int
    fault: str | None = Field(description="why the kept messages could not be played; the device is registered")


class Sample(Schema):
    """Body of `POST /api/v1/profiles/learn`: a message as it was sent, or a device in quarantine."""

    message: Document | None = None
    device_id: DeviceId | None = None
    key: ProfileKey = Field("own/new-type", description="what the type is to be called")


class Learned(Schema):
    """A proposed profile, to be looked over, and the fields that are left out of it."""

    text: str = Field(description="the profile file, YAML")
    reasons: dict[str, str] = Field(description="path of each field -> why it is this property in this unit")
    left_out: dict[str, str]


class ProfileEntry(Schema):
    """One device type."""

    key: str
    label: str
    domain: str
    envelope: str
    codec: str | None
    properties: list[str]
    expected_interval_seconds: float
    examples: int
    own: bool = Field(description="from a folder of the user's, not built in")


class ProfileEntries(Schema):
    """All device types, by key."""

    items: list[ProfileEntry]


class ProfileText(Schema):
    """One device type as its file reads."""

    key: str
    text: str
    own: bool


class ProfileChange(Schema):
    """Body of `PUT /api/v1/device-profiles/{vendor}/{model}`: the file, YAML."""

    text: Document


class IngestTaken(Schema):
    """The broker has the message: what becomes of it, the account says."""

    topic: str
    bytes: int
